"""The command `bertkit compare pretrain-vs-scratch`: an encoder against the same architecture with random weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from bertkit.cli import screen
from bertkit.cli.compare import COMPARISON, PRETRAIN_VS_SCRATCH
from bertkit.cli.failures_screen import print_failures
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, first
from bertkit.request.check import check
from bertkit.request.flags import Flags, RunFlags, SeedsFlag
from bertkit.request.option import Option
from bertkit.request.own_flags import OwnFlags
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import targets_of
from bertkit.spec import SAMPLE

if TYPE_CHECKING:
    from bertkit.studies.compare import Arm, Comparison

ScratchRateFlag = Annotated[
    float | None, Option("--scratch-lr", COMPARISON, "Learning rate of the scratch arm. [default: the same]")
]


@dataclass(frozen=True, kw_only=True)
class CompareFlags:
    """The flags of a comparison."""

    tasks: Annotated[
        str, Option("--tasks -t", COMPARISON, "Tasks, or files or folders of your own, separated by commas.")
    ] = "sst2"
    scratch_lr: ScratchRateFlag = None


def compare_scratch(
    compared: CompareFlags,
    flags: Flags,
    own: OwnFlags,
    run: RunFlags,
    display: Display,
    seeds: SeedsFlag = 5,
) -> int:
    """Train a pretrained encoder and the same architecture from scratch, with the same rows, order and budget."""
    check_rate("--scratch-lr", compared.scratch_lr)
    targets = targets_of(compared.tasks, own)
    specs = [target.arm(flags) for target in targets]
    check(specs)
    seeds_of(specs[0], seeds)
    options = options_of(run)
    if flags.processes > 1 and not distributed():
        return relaunch(flags.processes)
    for target in targets:
        screen.print_lines(target.lines, display.silent)
    from bertkit.studies.compare import compare as run_both

    found = run_both(specs, seeds, compared.scratch_lr, options, partial(screen.progress, display.silent))
    if first():
        _report(found, run.out, display.json)
    return 0


def check_rate(flag: str, rate: float | None) -> None:
    """Raise RequestError for a learning rate that is none."""
    if rate is not None and not 0 < rate < float("inf"):
        raise RequestError(f"{flag} {rate:g}: it must be a number above 0")


def _report(found: list[Comparison], out: Path, json: bool) -> None:
    from hashlib import sha256

    from bertkit.files import write_json
    from bertkit.plots.curves import draw

    digests = "".join(arm.spec.digest + str(len(arm.curves)) for one in found for arm in one.arms)
    name = "-".join([PRETRAIN_VS_SCRATCH, *(one.task.name for one in found)])[:80]
    folder = out / f"{name}-{sha256(digests.encode()).hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    plain = {"comparison": PRETRAIN_VS_SCRATCH, "tasks": [one.plain() for one in found]}
    draw([one.panel for one in found], _title(found), folder / "curves.png", folder / "curves.svg")
    write_json(folder / "compare.json", plain)
    if json:
        screen.print_json({"folder": str(folder), **plain})
        return
    for one in found:
        _print_one(one)
    screen.console().print(f"curves: {folder / 'curves.png'}\n        {folder / 'curves.svg'}", soft_wrap=True)
    screen.console().print(f"numbers: {folder / 'compare.json'}", soft_wrap=True)


def _title(found: list[Comparison]) -> str:
    arm = found[0].arms[0]
    marks = dict.fromkeys(mark for one in found for mark in one.marks)
    model = "MiniLM-L6" if arm.spec.model == SAMPLE else arm.spec.model
    seeds = f"mean, least and greatest of {len(arm.curves)} seeds"
    return " · ".join([f"{model}, pretrained against scratch", seeds, *marks])


def _print_one(one: Comparison) -> None:
    from rich.table import Table
    from rich.text import Text

    from bertkit.studies.verdict_lines import lines

    title = screen.METRIC_TITLES.get(one.metric, one.metric)
    pretrained, scratch = one.arms
    line = f"{one.task.name} · {title} on {one.evaluation} · {len(pretrained.curves)} seeds"
    screen.print_marks(line, one.marks, one.task)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ARM", "LR", "FINAL", "BEST IN TRAINING", "LOSS AREA", "STEPS TO OTHER'S BEST"):
        table.add_column(name)
    for arm, other in ((pretrained, scratch), (scratch, pretrained)):
        final, best = (f"{screen.percent(s.mean)} ± {screen.percent(s.sd)}" for s in (arm.final, arm.best))
        area = f"{arm.area.mean:.3f} ± {arm.area.sd:.3f}"
        table.add_row(arm.name, f"{arm.spec.recipe.learning_rate:g}", final, best, area, _reached(arm, other))
    screen.console().print(table)
    if pretrained.spec.recipe.learning_rate != scratch.spec.recipe.learning_rate:
        screen.console().print("  the arms' learning rates differ")
    for line in lines(one.verdict):
        screen.console().print(Text(f"  {line}"))
    if any(curve.failures for arm in one.arms for curve in arm.curves):
        screen.console().print("  failed runs are in the means and in the test:")
    for arm in one.arms:
        for curve in arm.curves:
            print_failures(curve.failures, f"{arm.name}, seed {curve.seed} ")


def _reached(arm: Arm, other: Arm) -> str:
    """The median over the seeds that reached it, and their number."""
    from statistics import median

    reached = [step for step in arm.reached(other.best.mean) if step is not None]
    if not reached:
        return f"not reached ({screen.percent(other.best.mean)})"
    some = "" if len(reached) == len(arm.curves) else f" ({len(reached)} of {len(arm.curves)} seeds)"
    return f"{median(reached):g}{some}"
