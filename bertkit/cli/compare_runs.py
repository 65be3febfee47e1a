"""The command `bertkit compare` with paths: runs, folders of runs, or files of answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bertkit.cli import screen
from bertkit.cli.failures_screen import print_failures
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.files import expanded
from bertkit.request.option import OUTPUT, Option
from bertkit.request.own_files import safe_name

if TYPE_CHECKING:
    from bertkit.studies.arms import Arm
    from bertkit.studies.verdict import Verdict

RUNS = "runs-or-files"
"""The name under which `compare A B` is registered."""
COMPARISON = "Comparison"


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
    folder = write_verdicts(compared, found, flags.out) if flags.out else None
    if display.json:
        screen.print_json({"folder": folder and str(folder), **plain_of(found)})
        return 0
    print_verdicts(found)
    print_failed_seeds(compared)
    for line in _differing(compared):
        screen.console().print(line, soft_wrap=True)
    if folder:
        screen.console().print(f"numbers: {folder / 'compare.json'}", soft_wrap=True)
    return 0


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


def plain_of(found: Sequence[Verdict]) -> dict[str, Any]:
    """The verdicts for JSON, each with its sentence."""
    from bertkit.studies.verdict_lines import sentence

    return {"comparison": RUNS, "verdicts": [{"sentence": sentence(one), **one.plain()} for one in found]}


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


def _differing(arms: Sequence[Arm]) -> list[str]:
    """In which fields the specs of each arm differ from the first one's, a line a task."""
    from bertkit.studies.arms import differences

    lines = []
    for arm in arms[1:]:
        for task in arm.specs.keys() & arms[0].specs.keys():
            if found := differences(arms[0].specs[task], arm.specs[task]):
                lines.append(f"  {arms[0].name} and {arm.name} differ in {'; '.join(found[:6])}")
    return lines


def write_verdicts(arms: Sequence[Arm], found: Sequence[Verdict], out: Path) -> Path:
    """Write compare.json into a folder below `out` that is named after the arms; returns the folder."""
    from hashlib import sha256

    from bertkit.files import write_json

    plain = plain_of(found)
    name = safe_name("-".join(["compare", *(arm.name for arm in arms)]))
    folder = out / f"{name}-{sha256(repr(plain).encode()).hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "compare.json", plain)
    return folder
