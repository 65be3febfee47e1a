"""The command `bertkit compare` with paths: runs, folders of runs, or files of answers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bertkit.cli import screen
from bertkit.cli.compare import COMPARISON, RUNS
from bertkit.cli.failures_screen import print_failures
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.files import expanded
from bertkit.request.option import OUTPUT, Option
from bertkit.request.own_files import safe_name

if TYPE_CHECKING:
    from bertkit.studies.arms import Arm
    from bertkit.studies.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class RunsFlags:
    """The flags of a comparison of runs."""

    metric: Annotated[
        str | None, Option("--metric", COMPARISON, "Compare by this metric. [default: the task's first]")
    ] = None
    evaluation: Annotated[
        str | None, Option("--evaluation", COMPARISON, "Compare on this evaluation alone, such as matched.")
    ] = None
    all_seeds: Annotated[
        bool, Option("--all-seeds", COMPARISON, "Include the other seeds of each run's spec in the same folder.")
    ] = False
    out: Annotated[
        Path | None, Option("--out -o --output-dir", OUTPUT, "Folder for compare.json, for `bertkit report`.")
    ] = None


def compare_runs(
    flags: RunsFlags,
    display: Display,
    arms: Annotated[
        list[str],
        typer.Argument(
            metavar="A B...", help="A run's folder, a folder of one spec's seeds, or a file: id, answer[, gold]."
        ),
    ],
) -> int:
    """Tell whether A is better than B, worse, or within noise, on the rows that both answered.

    With several seeds an arm, p and intervals say what other seeds and other rows together may change.
    """
    compared, found = verdicts_on(arms, flags)
    plain = plain_of(compared, found, _command(arms, flags))
    folder = write_verdicts(compared, plain, flags.out) if flags.out else None
    if display.json:
        screen.print_json({"folder": folder and str(folder), **plain})
        return 0
    print_verdicts(found)
    print_failed_seeds(compared)
    for line in (*plain["unanswered"], *plain["differences"]):
        screen.console().print(f"  {line}", soft_wrap=True)
    if folder:
        screen.console().print(f"numbers: {folder / 'compare.json'}", soft_wrap=True)
    return 0


def _command(typed: Sequence[str], flags: RunsFlags) -> str:
    """The command with its flags."""
    words = ["bertkit", "compare", *typed]
    for name, value in (("--metric", flags.metric), ("--evaluation", flags.evaluation), ("--out", flags.out)):
        words += [] if value is None else [name, str(value)]
    return shlex.join([*words, *(["--all-seeds"] if flags.all_seeds else [])])


def verdicts_on(typed: Sequence[str], flags: RunsFlags) -> tuple[list[Arm], list[Verdict]]:
    """The arms that were named, and the verdicts on them. Raises RequestError."""
    paths = [expanded(one) for one in typed]
    if len(paths) < 2:
        raise RequestError(f"compare {typed[0]}: name at least two runs, folders of runs or files of answers")
    if len({path.absolute() for path in paths}) < len(paths):
        raise RequestError("compare: one of them is named twice")
    for path in paths:
        if not path.exists():
            raise RequestError(f"{path}: there is no such run, folder or file")
    if flags.out and flags.out.exists() and not flags.out.is_dir():
        raise RequestError(f"--out {flags.out}: it is no folder")
    from bertkit.studies.named_arms import arms_of
    from bertkit.studies.verdict import verdicts

    compared = arms_of(paths, flags.all_seeds, flags.metric, flags.evaluation)
    return compared, verdicts(compared, flags.metric, flags.evaluation)


def plain_of(arms: Sequence[Arm], found: Sequence[Verdict], command: str = "") -> dict[str, Any]:
    """The comparison for JSON, with the command that makes it of runs that are there."""
    from bertkit.studies.answer_files import unanswered
    from bertkit.studies.comparison_json import plain_of as plain

    more = {"command": command} if command else {}
    return {"comparison": RUNS, **more, **plain(arms, found), "unanswered": unanswered(arms)}


def print_verdicts(found: Sequence[Verdict]) -> None:
    """Print a table for each verdict, and what it says."""
    from rich.table import Table
    from rich.text import Text

    from bertkit.studies.verdict_lines import lines, seeds_shown

    for one in found:
        title = screen.METRIC_TITLES.get(one.metric, one.metric)
        screen.console().print(Text(f"{one.task} · {title} on {one.evaluation} · {one.rows:,} rows", style="bold"))
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("ARM", "SEEDS", "MEAN ± SD", f"95 % OVER {_over(one).upper()}"):
            table.add_column(name, no_wrap=name != "ARM", overflow="fold")
        for arm in one.arms:
            sd = f" ± {screen.percent(arm.spread.sd)}" if len(arm.scores) > 1 else ""
            bounds = f"[{screen.percent(arm.mean.low)}, {screen.percent(arm.mean.high)}]"
            table.add_row(arm.name, seeds_shown(arm.seeds), screen.percent(arm.mean.value) + sd, bounds)
        screen.console().print(table)
        colour = {"better": "green", "worse": "red"}.get(one.outcome, "yellow")
        for k, line in enumerate(lines(one)):
            screen.console().print(Text(f"  {line}", style=colour if k == 0 else ""))


def print_failed_seeds(arms: Sequence[Arm]) -> None:
    """Print which runs of the arms failed and why: they are in the means and in the tests."""
    if any(arm.failures for arm in arms):
        screen.console().print("  failed runs are in the means and in the tests:")
    for arm in arms:
        for (task, seed), failures in arm.failures.items():
            print_failures(failures, f"{arm.name}, {task}, seed {seed} ")


def _over(one: Verdict) -> str:
    return one.difference.doubt.over


def write_verdicts(arms: Sequence[Arm], plain: Mapping[str, Any], out: Path) -> Path:
    """Write compare.json into a folder below `out` that is named after the arms; returns the folder."""
    from hashlib import sha256

    from bertkit.files import write_json

    name = safe_name("-".join(["compare", *(arm.name for arm in arms)]))
    folder = out / f"{name}-{sha256(repr(plain['verdicts']).encode()).hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "compare.json", plain)
    return folder
