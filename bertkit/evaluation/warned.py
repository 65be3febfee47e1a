"""What makes a score doubtful: constant answers or golds, permuted labels, a floor that it is not above. Light."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.result import Floor, Scored

ROUNDING = 1e-12
"""Scores that differ by less are the same: a mean of several is rounded."""


def warnings(scored: Scored, told: bool = False) -> list[str]:
    """Warnings on a score: all answers (unless `told`) or golds are the same, or it is below the majority label's.

    told  whether the run is said to have failed besides, so that constant answers are said once
    """
    lines, details = [], scored.details
    undefined = [METRIC_TITLES[name] for name in ("matthews", "pearson", "spearman") if name in scored.metrics]
    shown = f"; {', '.join(undefined)}: not defined, shown as 0" if undefined else ""
    if details.get("constant") and not told:
        lines.append(f"every answer is the same: the model learnt nothing{shown}")
    if details.get("only gold") is not None:
        only = details["only gold"] if details["only gold"] != "" else "no answer"
        lines.append(f"every gold is the same ({only}){shown or ': the score says little'}")
    if found := details.get("permuted"):
        order = ", ".join(f"{answer} for {gold}" for answer, gold in found["names"].items() if answer != gold)
        scores = f"accuracy {100 * found['accuracy']:.1f}, and {100 * found['permuted']:.1f}"
        lines.append(f"the rows' labels look permuted: {scores} with {order}")
    elif not scored.floors and is_below_chance(scored):
        lines.append("accuracy is below the commonest label's share: check the label names")
    return lines


def is_below_chance(scored: Scored) -> bool:
    """Whether accuracy is below the commonest label's: label names may be swapped."""
    accuracy = scored.metrics.get("accuracy")
    if accuracy is None:
        return False
    constant = next((one.metrics["accuracy"] for one in scored.floors), scored.details.get("majority", 0.0))
    return bool(accuracy.high < (constant if constant < 1 else 0.5))


def against_floor(scores: Sequence[float], low: float | None, floor: float) -> str:
    """What the mean of one or several seeds' scores is against a floor; "" where it is clearly above.

    low  the lower end of its 95 % interval; None where it has none, and then the least of the scores
    """
    if sum(scores) / len(scores) <= floor + ROUNDING:
        return "does not beat"
    return "is not clearly above" if (min(scores) if low is None else low) <= floor + ROUNDING else ""


def mean_floors(scored: Sequence[Scored]) -> tuple[Floor, ...]:
    """The floors of several seeds' scores on one evaluation, their means where seeds were scored on different rows.

    Of those that every seed has.
    """
    each = [{floor.name: floor.metrics for floor in one.floors} for one in scored]
    names = [floor.name for floor in scored[0].floors if all(floor.name in one for one in each)]
    return tuple(
        Floor(name=name, metrics={metric: fmean(one[name][metric] for one in each) for metric in each[0][name]})
        for name in names
    )
