"""What the numbers of a study of prompts say, in sentences."""

from __future__ import annotations

from bertkit.studies.prompting import Prompted, PromptStudy
from bertkit.studies.verdict_lines import sentence


def lines(found: PromptStudy) -> tuple[str, ...]:
    """How the prompts stand to chance, and to fine-tuning."""
    within = [one for one in found.prompted if _holds(one, found.chance)]
    said = [_against_chance(found, within)]
    if len(found.prompted) > 1:
        said.append(f"best by these very rows: {found.best.name}, which favours it below")
    return (*said, sentence(found.verdict))


def _holds(one: Prompted, value: float) -> bool:
    return one.mean.low <= value <= one.mean.high


def _against_chance(found: PromptStudy, within: list[Prompted]) -> str:
    chance = f"chance ({100 * found.chance:.1f})"
    if len(within) == len(found.prompted):
        said = f"in context {found.model_name} answers at {chance}"
        return f"{said}: every interval holds it"
    above = [one.name for one in found.prompted if one.mean.low > found.chance]
    below = [one.name for one in found.prompted if one.mean.high < found.chance]
    parts = [f"{what} {chance}: {'; '.join(names)}" for what, names in (("above", above), ("below", below)) if names]
    if within:
        parts.append(f"intervals that hold it: {'; '.join(one.name for one in within)}")
    return "in context " + " · ".join(parts)
