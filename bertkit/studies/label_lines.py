"""What is said of scores by the number of labels: how many a score needs, and from how many on an arm is ahead."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from bertkit.studies.verdict import Verdict


def labels_for(score: float, labels: Sequence[int], means: Sequence[float]) -> float | None:
    """The labels at which the mean score first reaches `score`, interpolated between two counts on a logarithmic scale.

    The least count where it is reached there already; None where it is not reached at all.

    >>> labels_for(0.75, [10, 1000], [0.5, 1.0])
    100.0
    """
    for k, mean in enumerate(means):
        if mean < score:
            continue
        if k == 0:
            return float(labels[0])
        part = (score - means[k - 1]) / (mean - means[k - 1])
        return round(exp(log(labels[k - 1]) + part * (log(labels[k]) - log(labels[k - 1]))), 6)
    return None


def lines(found: Sequence[tuple[int, Verdict]]) -> list[str]:
    """For each other arm, from how many labels on the first one is ahead, and where it is not.

    found  verdicts on the first arm against each other one, with the number of labels, ascending
    """
    others = dict.fromkeys(verdict.arms[1].name for _, verdict in found)
    return [_line([one for one in found if one[1].arms[1].name == other]) for other in others]


def _line(found: Sequence[tuple[int, Verdict]]) -> str:
    first, other = (arm.name for arm in found[0][1].arms)
    outcomes = [verdict.outcome for _, verdict in found]
    counts = [labels for labels, _ in found]
    sure = f"(p < .05, adjusted for {found[0][1].count} verdicts)"
    ahead = len(outcomes)
    while ahead and outcomes[ahead - 1] == "better":
        ahead -= 1
    before = _before(counts[:ahead], outcomes[:ahead])
    if ahead == 0:
        return f"{first} is better than {other} at every number of labels, from {counts[0]:,} on {sure}"
    if ahead < len(outcomes):
        return f"{first} is better than {other} from {counts[ahead]:,} labels on {sure}{before}"
    if "better" not in outcomes:
        return f"{first} is better than {other} at no number of labels {sure}{before}"
    better = [f"{count:,}" for count, one in zip(counts, outcomes, strict=True) if one == "better"]
    return f"{first} is better than {other} at {', '.join(better)} labels, but not at more {sure}{before}"


def _before(counts: Sequence[int], outcomes: Sequence[str]) -> str:
    """Where it is not better, by outcome."""
    parts = []
    for outcome in ("within noise", "worse"):
        at = [f"{count:,}" for count, one in zip(counts, outcomes, strict=True) if one == outcome]
        parts += [f"{outcome} at {', '.join(at)}"] if at else []
    return f"; {'; '.join(parts)}" if parts else ""
