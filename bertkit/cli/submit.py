"""The command `bertkit submit SUITE`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit import registry
from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.files import expanded
from bertkit.request.option import DATA, OUTPUT, Option
from bertkit.task import Suite

if TYPE_CHECKING:
    from bertkit.deploy.submission import Filled


@dataclass(frozen=True, kw_only=True)
class SubmitFlags:
    """The flags of a submission."""

    runs: Annotated[Path, Option("--runs", DATA, "Folder with one finished run for each task.")] = Path("runs")
    run: Annotated[
        list[str] | None, Option("--run", DATA, "A task's run, TASK=FOLDER, where there are several; again for others.")
    ] = None
    data: Annotated[
        str | None, Option("--data", DATA, "Folder with the test files. [default: that of each run's rows]")
    ] = None
    out: Annotated[Path, Option("--out -o", OUTPUT, "The zip file to write.")] = Path("submission.zip")


def submit(
    flags: SubmitFlags,
    display: Display,
    suite: Annotated[str, typer.Argument(help="The suite whose server it is for: glue or superglue.")],
) -> int:
    """Predict the test rows of a suite and write them in the format of its server.

    The zip is read back and checked. A task without a run, or without test rows, is filled with a constant; a file
    that cannot be filled without test rows is left out.
    """
    filled = submitted(suite, flags, progress=not display.silent)
    if display.json:
        files = {
            one.sheet.file: {"run": one.run and str(one.run), "missing": one.missing, "written": not one.is_left_out}
            for one in filled
        }
        screen.print_json({"out": str(flags.out), "files": files})
        return 0
    for one in filled:
        screen.console().print(one.line, soft_wrap=True)
    lacking = [one.sheet.file for one in filled if one.is_left_out]
    lacks = f"; it lacks {', '.join(lacking)}" if lacking else ""
    screen.console().print(f"{flags.out}: {len(filled) - len(lacking)} files, checked{lacks}", soft_wrap=True)
    return 0


def submitted(name: str, flags: SubmitFlags, progress: bool) -> list[Filled]:
    """Write the submission, and return where each file's answers are from. Raises BertkitError."""
    suite = _suite(name)
    if flags.out.is_dir():
        raise RequestError(f"--out {flags.out}: it is a folder; name the zip file to write")
    if not flags.out.absolute().parent.is_dir():
        raise RequestError(f"--out {flags.out}: there is no folder {flags.out.absolute().parent}")
    named = _named(flags.run or [])
    from bertkit.deploy.submission import runs_for, submit

    runs = runs_for(suite, flags.runs, named)
    with closing(screen.progress_named(not progress, f"{suite.name} submission")) as shown:
        return submit(suite, runs, flags.data, flags.out, shown)


def _suite(name: str) -> Suite:
    found = registry.find_suite(name.lower())
    if not found.sheets:
        have = " and ".join(one.name for one in registry.suites() if one.sheets)
        raise RequestError(f"bertkit writes no files for the server of {found.name}: there are those of {have}")
    return found


def _named(typed: Sequence[str]) -> dict[str, Path]:
    """The folder of each task's run. Raises RequestError for what is no TASK=FOLDER, and a task that is named twice."""
    found = dict[str, Path]()
    for one in typed:
        task, _, folder = one.partition("=")
        if not task or not folder:
            raise RequestError(f"--run {one}: write it as TASK=FOLDER")
        if task in found:
            raise RequestError(f"--run {one}: {task} is named before, with {found[task]}; give one run for each task")
        found[task] = expanded(folder)
    return found
