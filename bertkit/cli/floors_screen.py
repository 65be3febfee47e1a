"""What is printed of floors: what simple models score on the same rows, and which scores are not above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bertkit.cli.screen import METRIC_TITLES, percent, print_below

if TYPE_CHECKING:
    from bertkit.result import Finished, Floor, Scored
    from bertkit.studies.suite import Member
    from bertkit.task import Average


def floor_cell(scored: Scored, metric: str) -> str:
    """The greatest score of a simple model by this metric; "" where there is none."""
    best = _best(scored, metric)
    return percent(best.metrics[metric]) if best else ""


def print_floors(scored: Scored) -> None:
    """Print what each simple model scores, and a line for each score that is not clearly above the best of them.

    Without floors the commonest label's share is printed, where it is known.
    """
    if not scored.floors:
        if "majority" in scored.details:
            share = percent(scored.details["majority"])
            print_below(f"{scored.name}: the commonest label alone is right on {share}")
        return
    _print_models(scored)
    for name, score in scored.metrics.items():
        if best := _best(scored, name):
            said = _verdict(score.value, score.low, best.metrics[name])
            hint = ": check the label names" if name == "accuracy" and is_below_chance(scored) else ""
            _print_verdict(scored.name, METRIC_TITLES.get(name, name), said, best, name, hint)


def print_floors_of_seeds(runs: Sequence[Finished]) -> None:
    """The same for several seeds of one spec: their mean against the mean floor, and each seed against its own."""
    from bertkit.result import mean_floors

    for seeds in zip(*(run.result.evaluations for run in runs), strict=True):
        scored = replace(seeds[0], floors=mean_floors(seeds))
        if not scored.floors:
            continue
        _print_models(scored)
        for name in scored.metrics:
            best = _best(scored, name)
            if best is None:
                continue
            title = METRIC_TITLES.get(name, name)
            doubtful = sum(one.metrics[name].low <= _best_value(one, name) for one in seeds)
            if sum(one.metrics[name].value for one in seeds) / len(seeds) <= best.metrics[name]:
                _print_verdict(scored.name, f"the mean {title}", "does not beat", best, name)
            elif doubtful:
                who = f"{title} of {doubtful} of {len(seeds)} seeds"
                _print_verdict(scored.name, who, "is not clearly above", best, name)


def is_below_chance(scored: Scored) -> bool:
    """Whether accuracy is below the commonest label's: label names may be swapped."""
    accuracy = scored.metrics.get("accuracy")
    if accuracy is None:
        return False
    constant = next((one.metrics["accuracy"] for one in scored.floors), scored.details.get("majority", 0.0))
    return bool(accuracy.high < (constant if constant < 1 else 0.5))


def print_suite_floors(members: Sequence[Member], average: Average) -> None:
    """Print the floor of each task of a suite, by the suite's rule, and which tasks do not beat theirs."""
    every = [(member.task.name, member.score(average), member.floor(average)) for member in members]
    floors = [(name, score, floor) for name, score, floor in every if floor is not None]
    if floors:
        print_below(f"floors: {' · '.join(f'{name} {percent(floor)}' for name, _, floor in floors)}")
    below = [name for name, score, floor in floors if score is not None and score <= floor]
    if below:
        print_below(f"not above their floors: {', '.join(below)}", "red")


def _best(scored: Scored, metric: str) -> Floor | None:
    return max(scored.floors, key=lambda floor: floor.metrics[metric], default=None)


def _best_value(scored: Scored, metric: str) -> float:
    return max(floor.metrics[metric] for floor in scored.floors)


def _verdict(value: float, low: float, floor: float) -> str:
    """What a score with the lower end of its interval is against a floor; "" where it is clearly above."""
    return "does not beat" if value <= floor else "is not clearly above" if low <= floor else ""


def _print_models(scored: Scored) -> None:
    each = [f"{floor.name} {'/'.join(map(percent, floor.metrics.values()))}" for floor in scored.floors]
    print_below(f"{scored.name}, floors: {' · '.join(each)}")


def _print_verdict(evaluation: str, who: str, said: str, floor: Floor, metric: str, hint: str = "") -> None:
    if said:
        model = f"{floor.name.split(' (')[0]}, {percent(floor.metrics[metric])}"
        print_below(f"{evaluation}: {who} {said} its floor ({model}){hint}", "red")
