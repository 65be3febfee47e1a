"""The command `bertkit compare token-maps TASK`: sequences that are read as words by arbitrary maps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.compare import COMPARISON, TOKEN_MAPS
from bertkit.cli.compare_label_share import arms_in
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, first
from bertkit.request.check import check
from bertkit.request.flags import Flags, RunFlags, SeedsFlag
from bertkit.request.keywords import Options
from bertkit.request.option import Option
from bertkit.request.own_flags import OwnFlags
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import target_of
from bertkit.spec import SAMPLE, MapKind, Spec

if TYPE_CHECKING:
    from bertkit.studies.token_maps import MapStudy, TokenMaps
    from bertkit.studies.verdict import Verdict

ARMS = ("pretrained", "re-embedded", "scratch", "untrained-start")
"""Their names, as bertkit/studies/token_maps.py has them."""
MAPS = 5
"""Random maps, where --maps is not given."""


class TokenMapOptions(Options, total=False):
    """The options of `bertkit compare token-maps` as keywords, for type checkers."""

    arms: str | Iterable[str]
    map: str
    maps: int | None
    max_tokens: int


@dataclass(frozen=True, kw_only=True)
class TokenMapFlags:
    """The flags of a comparison by token maps."""

    arms: Annotated[
        str,
        Option(
            "--arms",
            COMPARISON,
            "The first is compared with each other one: pretrained; re-embedded (fresh word embeddings); scratch; "
            "untrained-start (scratch, with pretrain's fast start).",
        ),
    ] = ",".join(ARMS)
    map: Annotated[
        str,
        Option(
            "--map",
            COMPARISON,
            "What symbols are read as: random (words), identity (their own tokens), or shift:N (N tokens further on).",
        ),
    ] = "random"
    maps: Annotated[
        int | None,
        Option("--maps", COMPARISON, f"Random maps, drawn from --seed and the seeds that follow it. [default: {MAPS}]"),
    ] = None
    max_tokens: Annotated[
        int, Option("--max-tokens", COMPARISON, "Tokens that a run is trained on at most, special ones counted.")
    ] = 500_000

    def asked(self, spec: Spec, seeds: int) -> TokenMaps:
        """The study of this spec. Raises RequestError."""
        arms, (kind, by) = arms_in(self.arms, ARMS), map_of(self.map)
        maps = self.maps if self.maps is not None else MAPS if kind == "random" else 1
        if maps < 1:
            raise RequestError(f"--maps {maps}: it must be at least 1")
        if maps > 1 and kind != "random":
            raise RequestError(f"--maps {maps} --map {self.map}: there is one such map; --seeds gives more runs of it")
        if maps > 1 and seeds > 1:
            raise RequestError(
                f"--maps {maps} --seeds {seeds}: each map has a seed of its own; "
                f"--maps {maps * seeds} gives as many runs"
            )
        if self.max_tokens < 1:
            raise RequestError(f"--max-tokens {self.max_tokens}: it must be at least 1")
        if spec.recipe.batch_tokens is not None or spec.recipe.window.long == "windows":
            given = "--batch-tokens" if spec.recipe.batch_tokens is not None else "--long windows"
            raise RequestError(f"token-maps counts the tokens of batches of rows: {given} does not apply")
        if spec.recipe.early_stopping is not None:
            raise RequestError("token-maps gives every run as many updates: --early-stopping does not apply")
        seeds_of(spec, seeds)
        check([spec])
        from bertkit.studies.token_maps import TokenMaps

        return TokenMaps(spec=spec, arms=arms, kind=kind, by=by, maps=maps, seeds=seeds, most=self.max_tokens)


def map_of(typed: str) -> tuple[MapKind, int]:
    """The kind of a map and by how much it shifts: `random`, `identity` or `shift:N`. Raises RequestError."""
    kind, _, by = typed.strip().partition(":")
    if typed.strip() in ("random", "identity"):
        return ("random", 0) if kind == "random" else ("identity", 0)
    if kind == "shift" and by.isdecimal() and int(by):
        return "shift", int(by)
    raise RequestError(f"--map {typed}: it must be random, identity, or shift:N with a number of tokens above 0")


def compare_token_maps(
    compared: TokenMapFlags,
    flags: Flags,
    own: OwnFlags,
    run: RunFlags,
    display: Display,
    task: Annotated[str, typer.Argument(metavar="TASK", help="splice, promoters, or a file of sequences and labels.")],
    seeds: SeedsFlag = 1,
) -> int:
    """Read DNA, proteins or music as words by arbitrary maps: what does pretraining on text help (Kao and Lee 2021)?

    Letters are symbols; where rows have white space, what it separates.

    Each map has a run and a seed of its own; --seeds gives more runs of a single map.
    """
    target = target_of(task, own)
    asked, options = compared.asked(target.arm(flags), seeds), options_of(run)
    if flags.processes > 1 and not distributed():
        return relaunch(flags.processes)
    screen.print_lines(target.lines, display.silent)
    from bertkit.studies.token_maps import compare_maps

    found = compare_maps(asked, options, partial(screen.progress_named, display.silent))
    if first():
        _report(asked, found, run.out, display.json)
    return 0


def _report(asked: TokenMaps, found: MapStudy, out: Path, json: bool) -> None:
    from bertkit.cli.study_files import print_files, write_study

    model = "MiniLM-L6" if asked.spec.model == SAMPLE else asked.spec.model
    title = f"{model}, {found.map_name} map · mean ± sd of {_runs(found)}"
    plain = {"comparison": TOKEN_MAPS, **found.plain()}
    folder = write_study(f"{TOKEN_MAPS}-{found.task.name}", plain, found.panels, title, out)
    if json:
        screen.print_json({"folder": str(folder), **plain})
        return
    _print(found)
    print_files(folder)


def _runs(found: MapStudy) -> str:
    """`5 maps`, or `3 seeds` of one map."""
    runs, what = (len(found.maps), "map") if len(found.maps) > 1 else (found.seeds, "seed")
    return f"{runs} {what}{'s' * (runs > 1)}"


def _print(found: MapStudy) -> None:
    from rich.table import Table
    from rich.text import Text

    title = screen.METRIC_TITLES.get(found.metric, found.metric)
    line = f"{found.task.name} · {title} on {found.evaluation} · {found.map_name} map · {_runs(found)}"
    screen.print_marks(line, found.marks, found.task)
    console = screen.console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ARM", "MEAN ± SD", "[95 %]", f"{found.arms[0].name.upper()} IS AHEAD BY", "P (HOLM)"):
        table.add_column(name, no_wrap=True)
    against = {one.arms[1].name: one for one in found.verdicts}
    for arm in found.arms:
        low, high = screen.percent(arm.mean.low), screen.percent(arm.mean.high)
        mean = f"{screen.percent(arm.spread.mean)} ± {screen.percent(arm.spread.sd)}"
        table.add_row(arm.name, mean, f"[{low}, {high}]", *_against(against.get(arm.name)))
    console.print(table)
    over = f"{'maps' if len(found.maps) > 1 else 'seeds'} and rows" if len(found.arms[0].seeds) > 1 else "rows"
    console.print(f"  [95 % over {over}]; {found.steps:,} updates, {found.tokens:,} tokens a run")
    for sentence in found.lines:
        screen.print_below(sentence)
    seed, tokens = next(iter(found.maps.items()))
    shown = ", ".join(f"{symbol} {token}" for symbol, token in list(tokens.items())[:6])
    console.print(Text(f"  map {seed}: {shown}{', ...' if len(tokens) > 6 else ''}"), soft_wrap=True)
    if found.failures:
        failed = [f"{one['arm']}, seed {one['seed']}" for one in found.failures]
        screen.print_below(f"failed runs, which are in the means: {'; '.join(dict.fromkeys(failed))}")


def _against(verdict: Verdict | None) -> tuple[str, str]:
    """By how much the first arm is ahead, and p."""
    if verdict is None:
        return "", ""
    from bertkit.studies.verdict_lines import shown_p

    gap = verdict.difference
    size = f"{100 * gap.value:+.1f} [{100 * gap.low:+.1f}, {100 * gap.high:+.1f}]"
    return size, shown_p(verdict.adjusted).removeprefix("p = ").removeprefix("p ")
