"""The command `bertkit compare --tasks ... --arms-file FILE.toml`: any two ways of training, or more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from bertkit.cli import screen
from bertkit.cli.compare_runs import COMPARISON, plain_of, print_failed_seeds, print_verdicts, write_verdicts
from bertkit.cli.options import KINDS, Display, plain_name
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, first
from bertkit.request.arms_file import arms_in
from bertkit.request.check import check
from bertkit.request.flags import Flags, RunFlags, SeedsFlag
from bertkit.request.option import Option
from bertkit.request.own_flags import OwnFlags
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import targets_of
from bertkit.spec import Spec

ARMS = "arms-file"
"""The name under which it is registered."""


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
    specs, options = specs_of_arms(compared, flags, own, seeds), options_of(run)
    if flags.processes > 1 and not distributed():
        return relaunch(flags.processes)
    from bertkit.studies.arms import arm_of
    from bertkit.studies.group import run_group
    from bertkit.studies.verdict import verdicts

    named = [name for name, group in specs.items() for _ in group]
    every = [spec for group in specs.values() for spec in group]
    done = run_group(every, options, partial(screen.progress, display.silent))
    if not first():
        return 0
    finished = list(zip(named, done, strict=True))
    arms = [arm_of(name, [(one.folder, one.result) for own, one in finished if own == name]) for name in specs]
    found = verdicts(arms)
    plain = plain_of(arms, found)
    folder = write_verdicts(arms, plain, run.out)
    if display.json:
        screen.print_json({"folder": str(folder), **plain})
        return 0
    print_verdicts(found)
    print_failed_seeds(arms)
    screen.console().print(f"numbers: {folder / 'compare.json'}", soft_wrap=True)
    return 0


def specs_of_arms(compared: ArmsFlags, flags: Flags, own: OwnFlags, seeds: int) -> dict[str, list[Spec]]:
    """The specs of every arm, each task with each seed. Raises RequestError."""
    targets = targets_of(compared.tasks, own)
    arms = arms_in(compared.arms_file, flags, KINDS["finetune"], plain_name)
    specs = {name: [one for target in targets for one in seeds_of(target.spec(own_flags), seeds)]
             for name, own_flags in arms.items()}  # fmt: skip
    names = list(specs)
    for k, name in enumerate(names):
        for other in names[:k]:
            if specs[name] == specs[other]:
                raise RequestError(f"{compared.arms_file}: [{other}] and [{name}] are the same runs")
    check([spec for group in specs.values() for spec in group])
    return specs
