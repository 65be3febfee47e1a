"""The command `bertkit search TASK|FILE`, and the function of that name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.cli.search_screen import print_searched
from bertkit.errors import RequestError
from bertkit.machine.processes import distributed
from bertkit.request.check import check
from bertkit.request.flags import Flags, RunFlags, SeedsFlag
from bertkit.request.keywords import GROUPS, Given, checked, named
from bertkit.request.keywords import Target as Named
from bertkit.request.own_flags import OwnFlags
from bertkit.request.search_flags import NOT_SEARCHED, SearchFlags, SearchOptions
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import Target, target_of

if TYPE_CHECKING:
    from bertkit.progress import Progress
    from bertkit.studies.search import Search, Searched

SEEDS = 3
"""Runs of the best recipe, where --seeds does not say how many."""
LISTS = ("lr_range", "epochs_choices", "batch_sizes", "warmups")
"""Keywords that take numbers as well as a text of them."""


def search_command(
    searched: SearchFlags,
    flags: Flags,
    own: OwnFlags,
    run: RunFlags,
    display: Display,
    task: Annotated[
        str | None, typer.Argument(help="A task's name (see `bertkit tasks`), or a file or folder of your own.")
    ] = None,
    seeds: SeedsFlag = SEEDS,
) -> int:
    """Search for the learning rate, epochs and batch size; then train the best recipe and score it once.

    A trial is scored on rows held out of train, never on dev. A value that is typed (--lr 3e-5) is not searched.

    Run again, a stopped search continues.
    """
    target = target_of(task, own)
    asked = _search_of(target, searched, flags, seeds)
    screen.print_lines(target.lines, display.silent)
    found = _searched(asked, run, display.silent)
    print_searched(found, display.json)
    return 0


def search(
    task: Named | None = None, *, seeds: int = SEEDS, progress: bool = False, **options: Unpack[SearchOptions]
) -> Searched:
    """Search for the learning rate, epochs and batch size of a task or a file of your own: `bertkit search`.

    Returns the trials, and the best recipe's runs, which alone were scored on the task's evaluations; the search's
    folder gets search.json and a figure. A stopped search continues. Raises BertkitError.
    """
    if refused := [name for name in NOT_SEARCHED if name in options]:
        raise RequestError(f"{', '.join(refused)}: search has no such option")
    given = Given("search", {**options, **_as_text(options)}, (*GROUPS, SearchFlags), like="finetune")
    typed = None if task is None else named("task", task)
    given.follow(typed)
    target = target_of(typed, given.flags(OwnFlags))
    asked = _search_of(target, given.flags(SearchFlags), given.flags(Flags), checked("seeds", int, seeds))
    return _searched(asked, given.flags(RunFlags), not progress)


def _as_text(options: Any) -> dict[str, str]:
    """The lists among the keywords as they are typed."""
    return {
        name: ",".join(map(str, value))
        for name, value in options.items()
        if name in LISTS and isinstance(value, Iterable) and not isinstance(value, str)
    }


def _search_of(target: Target, searched: SearchFlags, flags: Flags, seeds: int) -> Search:
    """The search that these flags ask for, checked before torch is loaded. Raises RequestError or DataError."""
    searched.check()
    if distributed():
        raise RequestError("bertkit search runs in one process: start it without a launcher")
    spec = target.spec(flags)
    seeds_of(spec, seeds)
    space = searched.space(flags, spec)
    check([spec])
    from bertkit.studies.search import Search

    return Search(spec=spec, space=space, trials=searched.trials, seeds=seeds, prune=searched.prune)


def _searched(asked: Search, run: RunFlags, quiet: bool) -> Searched:
    """Search, and write the numbers and the figure into the search's folder."""
    from bertkit.files import write_json
    from bertkit.plots.expected_best import draw_best
    from bertkit.studies.search import search as carried_out

    options = options_of(run)

    def bar(title: str) -> Progress:
        return screen.progress_named(quiet, title)

    found = carried_out(asked, options, bar, partial(_tell, quiet))
    files = (found.folder / "expected.png", found.folder / "expected.svg")
    draw_best(found.curve, f"{asked.spec.task.name}: the best of k trials, by rows held out of train", files)
    write_json(found.folder / "search.json", found.plain())
    return found


def _tell(quiet: bool, line: str) -> None:
    screen.print_lines([line], quiet)
