"""The command `bertkit compare --tasks ... --arms-file FILE.toml`: any two ways of training, or more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Annotated

from bertkit.cli import screen
from bertkit.cli.commands import KINDS
from bertkit.cli.compare import COMPARISON
from bertkit.cli.compare_runs import plain_of, print_failed_seeds, print_verdicts, write_verdicts
from bertkit.cli.options import Display, plain_name
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, first
from bertkit.progress import Progress
from bertkit.request.arms_file import arms_in
from bertkit.request.check import check
from bertkit.request.flags import Flags, RunFlags, SeedsFlag
from bertkit.request.option import Option
from bertkit.request.own_flags import OwnFlags
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import targets_of
from bertkit.result import Finished
from bertkit.spec import RunOptions, Spec

if TYPE_CHECKING:
    from bertkit.studies.arms import Arm
    from bertkit.studies.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class ArmsFlags:
    """The flags of a comparison of arms from a file."""

    arms_file: Annotated[
        str, Option("--arms-file", COMPARISON, "TOML with a table for each arm: the options in which it differs.")
    ]
    tasks: Annotated[
        str, Option("--tasks -t", COMPARISON, "Tasks, or files or folders of your own, separated by commas.")
    ] = "sst2"


def compare_arms(
    compared: ArmsFlags, flags: Flags, own: OwnFlags, run: RunFlags, display: Display, seeds: SeedsFlag = 5
) -> int:
    """Train the arms of a file on the same tasks with the same seeds, and tell which is better."""
    specs, options = specs_of_arms(compared.arms_file, compared.tasks, flags, own, seeds), options_of(run)
    if flags.processes > 1 and not distributed():
        return relaunch(flags.processes)
    done = run_arms(specs, options, partial(screen.progress, display.silent))
    if not first():
        return 0
    arms, found = verdicts_on_arms(done)
    plain = plain_of(arms, found)
    folder = write_verdicts(arms, plain, run.out)
    if display.json:
        screen.print_json({"folder": str(folder), **plain})
        return 0
    print_verdicts(found)
    print_failed_seeds(arms)
    screen.console().print(f"numbers: {folder / 'compare.json'}", soft_wrap=True)
    return 0


def run_arms(
    specs: Mapping[str, Sequence[Spec]], options: RunOptions, progress: Callable[[Spec], Progress]
) -> dict[str, list[Finished]]:
    """Run the specs of every arm; finished runs are reused."""
    from bertkit.studies.group import run_group

    done = iter(run_group([spec for group in specs.values() for spec in group], options, progress))
    return {name: [next(done) for _ in group] for name, group in specs.items()}


def verdicts_on_arms(done: Mapping[str, Sequence[Finished]]) -> tuple[list[Arm], list[Verdict]]:
    """The arms of these runs, and the verdicts on them."""
    from bertkit.studies.arms import arm_of
    from bertkit.studies.verdict import verdicts

    arms = [arm_of(name, [(one.folder, one.result) for one in runs]) for name, runs in done.items()]
    return arms, verdicts(arms)


def specs_of_arms(
    arms_file: str, tasks: str | Iterable[str], flags: Flags, own: OwnFlags, seeds: int
) -> dict[str, list[Spec]]:
    """The specs of every arm, each task with each seed. Raises RequestError."""
    targets = targets_of(tasks, own)
    arms = arms_in(arms_file, flags, KINDS["finetune"], plain_name)
    specs = {name: [one for target in targets for one in seeds_of(target.arm(own_flags), seeds)]
             for name, own_flags in arms.items()}  # fmt: skip
    check([spec for group in specs.values() for spec in group])
    from bertkit.studies.group import are_same_runs

    for one, other in combinations(specs, 2):
        if are_same_runs(specs[one], specs[other]):
            raise RequestError(f"{arms_file}: [{one}] and [{other}] are the same runs")
    return specs
