"""What is printed of floors: what simple models score on the same rows, and which scores are not above them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bertkit.cli.screen import METRIC_TITLES, percent, print_below

if TYPE_CHECKING:
    from bertkit.evaluation.two_way import Mean
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
    from bertkit.evaluation.warned import against_floor, is_below_chance

    if not scored.floors:
        if "majority" in scored.details:
            share = percent(scored.details["majority"])
            print_below(f"{scored.name}: the commonest label alone is right on {share}")
        return
    _print_models(scored)
    for name, score in scored.metrics.items():
        if best := _best(scored, name):
            said = against_floor([score.value], score.low, best.metrics[name])
            hint = ": check the label names" if name == "accuracy" and is_below_chance(scored) else ""
            _print_verdict(scored.name, METRIC_TITLES.get(name, name), said, best, name, hint)


def print_floors_of_seeds(runs: Sequence[Finished], means: Mapping[tuple[str, str], Mean]) -> None:
    """The same for several seeds of one spec: their mean, of which `means` has the interval, against the mean floor."""
    from bertkit.evaluation.warned import against_floor, mean_floors

    for every in zip(*(run.result.evaluations for run in runs), strict=True):
        seeds = [one for one in every if one.metrics]
        if not seeds or not mean_floors(seeds):
            continue
        scored = replace(seeds[0], floors=mean_floors(seeds))
        _print_models(scored)
        for name in scored.metrics:
            best, mean = _best(scored, name), means.get((scored.name, name))
            if best:
                scores = [one.metrics[name].value for one in seeds]
                said = against_floor(scores, mean.low if mean else None, best.metrics[name])
                who = METRIC_TITLES.get(name, name)
                _print_verdict(scored.name, f"the mean {who}" if len(runs) > 1 else who, said, best, name)


def print_suite_floors(members: Sequence[Member], average: Average) -> None:
    """Print the floor of each task of a suite, by the suite's rule, and which tasks do not beat theirs."""
    from bertkit.evaluation.warned import against_floor

    every = [(member.task.name, member.score(average), member.floor(average)) for member in members]
    floors = [(name, score, floor) for name, score, floor in every if floor is not None]
    if floors:
        print_below(f"floors: {' · '.join(f'{name} {percent(floor)}' for name, _, floor in floors)}")
    below = [name for name, score, floor in floors if score is not None and against_floor([score], None, floor)]
    if below:
        print_below(f"not above their floors: {', '.join(below)}", "red")


def _best(scored: Scored, metric: str) -> Floor | None:
    return max(scored.floors, key=lambda floor: floor.metrics[metric], default=None)


def _print_models(scored: Scored) -> None:
    each = [f"{floor.name} {'/'.join(map(percent, floor.metrics.values()))}" for floor in scored.floors]
    print_below(f"{scored.name}, floors: {' · '.join(each)}")


def _print_verdict(evaluation: str, who: str, said: str, floor: Floor, metric: str, hint: str = "") -> None:
    if said:
        model = f"{floor.name.split(' (')[0]}, {percent(floor.metrics[metric])}"
        print_below(f"{evaluation}: {who} {said} its floor ({model}){hint}", "red")
