"""What is said of a verdict: one sentence, and how sure it is, in plain text."""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.evaluation.two_way import MOST_SEEDS, ROWS_ALONE
from bertkit.studies.verdict import Verdict


def sentence(verdict: Verdict, each: str = "seeds") -> str:
    """The verdict in one sentence; `each` is what runs differ in."""
    first, second = (arm.name for arm in verdict.arms)
    gap = verdict.difference
    size = f"{_points(gap.value)} points [{_points(gap.low)}, {_points(gap.high)}]"
    over = "rows" if gap.doubt.over == ROWS_ALONE else f"paired {each} and rows" if gap.paired else f"{each} and rows"
    sure = f"{shown_p(verdict.adjusted)} over {over}"
    if verdict.count > 1:
        sure += f", adjusted for {verdict.count} verdicts (Holm)"
    if verdict.outcome == "within noise":
        return f"{first} and {second} are within noise: {size}, {sure}"
    return f"{first} is {verdict.outcome} than {second}: {size}, {sure}"


def lines(verdict: Verdict) -> list[str]:
    """The sentence, what it would take to tell where it is within noise, and the other tests."""
    found = [sentence(verdict)]
    if verdict.difference.doubt.over == ROWS_ALONE:
        found.append(_why_rows_alone(verdict))
    elif verdict.outcome == "within noise":
        found.append(_to_tell(verdict))
    if verdict.tests:
        found.append("; ".join(f"{name}: {shown_p(p)}" for name, p in verdict.tests.items()))
    return found


def shown_p(p: float) -> str:
    """`p = 0.012`, or `p < 0.001`."""
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"


def seeds_shown(seeds: Sequence[int | None]) -> str:
    """The seeds of an arm in a few letters: 42-46, or a list."""
    known = [seed for seed in seeds if seed is not None]
    if len(known) > 2 and known == list(range(known[0], known[0] + len(known))):
        return f"{known[0]}-{known[-1]}"
    return ", ".join(map(str, known)) or "-"


def _why_rows_alone(verdict: Verdict) -> str:
    """Which arms have no seeds to test over: a file has none, and a run one."""
    files = [arm.name for arm in verdict.arms if None in arm.seeds]
    if len(files) > 1:
        return "one file each: the test covers these answers only"
    if files:
        return f"{files[0]}: one file, so the test covers these answers only"
    names = " and ".join(arm.name for arm in verdict.arms if len(arm.scores) == 1)
    return f"{names}: one seed, so the test covers these runs only; train with --seeds 5 to test over seeds"


def _to_tell(verdict: Verdict) -> str:
    seeds, gap = verdict.seeds_to_tell, abs(verdict.difference.value)
    if seeds is not None and seeds <= MOST_SEEDS:
        return f"a difference of {100 * gap:.1f} points would take about {seeds:,} seeds an arm to detect (power 80 %)"
    if seeds is not None or not gap:
        return f"a difference of {100 * gap:.1f} points would take more than {MOST_SEEDS:,} seeds an arm to detect"
    return (
        f"no number of seeds detects a difference of {100 * gap:.1f} points on {verdict.rows:,} rows; "
        f"about {verdict.rows_to_tell:,} rows would, with many seeds (power 80 %)"
    )


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"
