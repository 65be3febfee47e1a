"""The command `bertkit compare label-share TASK`: score against the number of labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.compare import COMPARISON, LABEL_SHARE
from bertkit.cli.compare_scratch import ScratchRateFlag, check_rate
from bertkit.cli.options import Display
from bertkit.errors import RequestError, UnknownNameError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, first
from bertkit.request.check import check
from bertkit.request.flags import Flags, RunFlags, SeedsFlag
from bertkit.request.keywords import Options
from bertkit.request.option import Option
from bertkit.request.own_flags import OwnFlags
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import target_of
from bertkit.spec import SAMPLE, Spec

if TYPE_CHECKING:
    from bertkit.studies.label_share import LabelShares, LabelStudy

ARMS = ("pretrained", "scratch", "frozen", "tfidf")
"""Their names, as bertkit/studies/label_share.py has them."""
FROZEN_RATE = 1e-3
"""Of a head on a frozen body: by far fewer weights are trained than the task's own rate is for."""


class LabelShareOptions(Options, total=False):
    """The options of `bertkit compare label-share` as keywords, for type checkers."""

    shares: str | Iterable[float]
    arms: str | Iterable[str]
    reach: float | None
    least_steps: int
    scratch_lr: float | None
    frozen_lr: float


@dataclass(frozen=True, kw_only=True)
class LabelShareFlags:
    """The flags of a comparison by the number of labels."""

    shares: Annotated[
        str, Option("--shares", COMPARISON, "Percentages of the train rows, a smaller one within a larger one.")
    ] = "1,2,5,10,20,50,100"
    arms: Annotated[
        str,
        Option(
            "--arms",
            COMPARISON,
            "The first is compared with each other one: pretrained, scratch, frozen (the head alone is trained), tfidf "
            "(for tags: each word's commonest one).",
        ),
    ] = ",".join(ARMS)
    reach: Annotated[
        float | None,
        Option("--reach", COMPARISON, "Count the labels for this score, as printed (85). [default: what all arms get]"),
    ] = None
    least_steps: Annotated[
        int, Option("--least-steps", COMPARISON, "Updates of a run at least: with few rows it has more epochs.")
    ] = 100
    scratch_lr: ScratchRateFlag = None
    frozen_lr: Annotated[float, Option("--frozen-lr", COMPARISON, "Learning rate of the frozen arm.")] = FROZEN_RATE

    def asked(self, spec: Spec, seeds: int) -> LabelShares:
        """The study of this spec. Raises RequestError."""
        shares, arms = shares_in(self.shares), arms_in(self.arms, ARMS)
        if set(arms) == {"tfidf"} or arms[0] == "tfidf":
            raise RequestError(f"--arms {self.arms}: the first arm is compared with the others, and must be trained")
        if self.reach is not None and not 1 < self.reach <= 100:
            raise RequestError(f"--reach {self.reach:g}: a score as it is printed, such as 85: 1 < score <= 100")
        if self.least_steps < 1:
            raise RequestError(f"--least-steps {self.least_steps}: it must be at least 1")
        if spec.recipe.batch_tokens is not None:
            raise RequestError("label-share counts the updates of batches of rows: --batch-tokens does not apply")
        for flag, rate in (("--scratch-lr", self.scratch_lr), ("--frozen-lr", self.frozen_lr)):
            check_rate(flag, rate)
        seeds_of(spec, seeds)
        check([spec])
        from bertkit.studies.label_share import LabelShares

        rates = {"frozen": self.frozen_lr} | ({"scratch": self.scratch_lr} if self.scratch_lr else {})
        return LabelShares(
            spec=spec, shares=shares, arms=arms, seeds=seeds, least_steps=self.least_steps, rates=rates,
            reach=None if self.reach is None else self.reach / 100,
        )  # fmt: skip


def shares_in(typed: str) -> tuple[float, ...]:
    """The fractions of percentages such as `1,5,100`, ascending, each once. Raises RequestError."""
    try:
        shares = sorted({float(one) for one in typed.split(",") if one.strip()})
    except ValueError:
        shares = []
    if not shares or not all(0 < one <= 100 for one in shares):
        raise RequestError(f"--shares {typed}: percentages such as 1,5,20,100, each above 0 and at most 100")
    return tuple(one / 100 for one in shares)


def arms_in(typed: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The names of arms that are separated by commas, at least two. Raises RequestError."""
    arms = tuple(dict.fromkeys(one.strip() for one in typed.split(",") if one.strip()))
    for arm in arms:
        if arm not in known:
            raise UnknownNameError("arm", arm, known, f"there are {', '.join(known)}")
    if len(arms) < 2:
        raise RequestError(f"--arms {typed}: name at least two of {', '.join(known)}")
    return arms


def compare_label_share(
    compared: LabelShareFlags,
    flags: Flags,
    own: OwnFlags,
    run: RunFlags,
    display: Display,
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task, or a file or folder of your own.")],
    seeds: SeedsFlag = 3,
) -> int:
    """Train on nested shares of the labels: how many a score needs, pretrained, from scratch, frozen, by TF-IDF."""
    target = target_of(task, own)
    asked, options = compared.asked(target.arm(flags), seeds), options_of(run)
    if flags.processes > 1 and not distributed():
        return relaunch(flags.processes)
    screen.print_lines(target.lines, display.silent)
    from bertkit.studies.label_share import compare_shares

    found = compare_shares(asked, options, partial(screen.progress_named, display.silent))
    if first():
        _report(asked, found, run.out, display.json)
    return 0


def _report(asked: LabelShares, found: LabelStudy, out: Path, json: bool) -> None:
    from bertkit.cli.study_files import print_files, write_study

    model = "MiniLM-L6" if asked.spec.model == SAMPLE else asked.spec.model
    name = f"{LABEL_SHARE}-{found.task.name}"
    title = f"{model} by the number of labels · {found.seeds} seeds · dashed: {screen.percent(found.reach)}"
    folder = write_study(name, {"comparison": LABEL_SHARE, **found.plain()}, [found.panel], title, out)
    if json:
        screen.print_json({"folder": str(folder), "comparison": LABEL_SHARE, **found.plain()})
        return
    _print(found)
    print_files(folder)


def _print(found: LabelStudy) -> None:
    from rich.table import Table

    title = screen.METRIC_TITLES.get(found.metric, found.metric)
    line = f"{found.task.name} · {title} on {found.evaluation} · {found.seeds} seeds"
    screen.print_marks(line, found.marks, found.task)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("SHARE", "LABELS", *(arm.upper() for arm in found.arms)):
        table.add_column(name, justify="right" if name in ("SHARE", "LABELS") else "left", no_wrap=True)
    for row in zip(*found.arms.values(), strict=True):
        table.add_row(f"{100 * row[0].share:g} %", f"{row[0].labels:,}", *(_cell(one) for one in row))
    console = screen.console()
    console.print(table)
    console.print("  [95 % over seeds and rows]" if found.seeds > 1 else "  [95 % over rows]")
    needed = [f"{arm} {'not reached' if labels is None else f'{labels:,.0f}'}" for arm, labels in found.needed.items()]
    first = min(one.labels for one in found.points)
    reach = f"labels for {screen.percent(found.reach)}{'' if found.reach_asked else ' (what every arm reaches)'}"
    screen.print_below(f"{reach}, interpolated: {', '.join(needed)}; {first:,} is the least number tried")
    for sentence in found.lines:
        screen.print_below(sentence)
    if found.failures:
        failed = [f"{one['arm']} {100 * one['share']:g} %, seed {one['seed']}" for one in found.failures]
        screen.print_below(f"failed runs, which are in the means: {'; '.join(dict.fromkeys(failed))}")


def _cell(point: object) -> str:
    """The mean, and the interval below it: four arms stand in 80 columns."""
    from bertkit.studies.label_share import Point

    assert isinstance(point, Point)
    low, high = (screen.percent(one) for one in (point.mean.low, point.mean.high))
    return f"{screen.percent(point.mean.value)}\n[{low}, {high}]"
