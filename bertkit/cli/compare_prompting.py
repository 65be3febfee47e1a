"""The command `bertkit compare prompting TASK --model CAUSAL`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.compare import PROMPTING
from bertkit.cli.failures_screen import print_failures
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, first
from bertkit.request.check import check
from bertkit.request.flags import Flags, RunFlags, SeedsFlag
from bertkit.request.own_flags import OwnFlags
from bertkit.request.prompting_flags import Prompting, PromptingFlags
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import target_of
from bertkit.spec import Spec

if TYPE_CHECKING:
    from bertkit.encoders import Encoder
    from bertkit.studies.prompting import PromptStudy

SEEDS = 3


def compare_prompting(
    prompted: PromptingFlags,
    flags: Flags,
    own: OwnFlags,
    run: RunFlags,
    display: Display,
    task: Annotated[
        str | None, typer.Argument(metavar="TASK", help="A task of one text or two and a label, or a file.")
    ] = None,
    seeds: SeedsFlag = SEEDS,
) -> int:
    """Let a causal language model answer by prompts with examples, and fine-tune it: which is better?

    Its answer is the label whose words are likeliest, per token; calibrated, after Zhao et al. 2021.
    """
    spec, asked, lines = prompting_of(task, prompted, flags, own, seeds)
    options = options_of(run)
    if flags.processes > 1 and not distributed():
        return relaunch(flags.processes)
    screen.print_lines(lines, display.silent)
    encoder = causal_encoder(spec)
    from bertkit.studies.prompting import compare_prompting as compared

    found = compared(spec, encoder, asked, seeds, options, partial(screen.progress_named, display.silent))
    if first():
        _report(found, run.out, display.json)
    return 0


def prompting_of(
    task: str | None, prompted: PromptingFlags, flags: Flags, own: OwnFlags, seeds: int
) -> tuple[Spec, Prompting, tuple[str, ...]]:
    """The spec of fine-tuning, what is asked of prompts, and notes on the rows, checked. Raises RequestError."""
    target = target_of(task, own)
    asked = prompted.asked(target.task)
    if flags.model is None:
        raise RequestError(
            "compare prompting: name a causal language model with --model: a run of `bertkit pretrain --objective "
            "causal`, a folder, or a Hub id such as gpt2"
        )
    spec = target.arm(flags)
    seeds_of(spec, seeds)
    check([spec])
    return spec, asked, target.lines


def causal_encoder(spec: Spec) -> Encoder:
    """Where the model is. Raises EncoderError if it has no causal head."""
    from bertkit.deploy.language_models import find_language_model

    return find_language_model(spec.model, spec.revision, ("causal",)).encoder


def _report(found: PromptStudy, out: Path, json: bool) -> None:
    from hashlib import sha256

    from bertkit.files import write_json
    from bertkit.plots.prompting import draw_prompts
    from bertkit.studies.prompt_lines import lines

    plain = {"comparison": PROMPTING, **found.plain(), "sentences": list(lines(found))}
    made_of = [*plain["runs"], found.template, *found.words.items(), *(one.examples for one in found.prompted)]
    folder = out / f"{PROMPTING}-{found.task.name}-{sha256(repr(made_of).encode()).hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    draw_prompts(found.panel, _title(found), (folder / "prompting.png", folder / "prompting.svg"))
    write_json(folder / "compare.json", plain)
    if json:
        screen.print_json({"folder": str(folder), **plain})
        return
    _print(found, lines(found))
    names = (("figure: ", "prompting.png"), ("        ", "prompting.svg"), ("numbers: ", "compare.json"))
    for name, file in names:
        screen.console().print(f"{name}{folder / file}", soft_wrap=True)


def _title(found: PromptStudy) -> str:
    return f"{found.task.name}, {found.evaluation}: {found.model_name} in context and fine-tuned"


def _print(found: PromptStudy, said: tuple[str, ...]) -> None:
    from rich.table import Table

    title = screen.METRIC_TITLES.get(found.metric, found.metric)
    line = f"{found.task.name} · {title} on {found.evaluation}, {found.rows:,} rows · {found.model_name}"
    screen.print_marks(line, found.marks, found.task)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ANSWERED BY", f"{title.upper()} ± SD [95 %]", "OVER"):
        table.add_column(name, no_wrap=True)
    table.add_column("MOST OFTEN", overflow="fold")
    for one in found.prompted:
        label, share = next(iter(one.answers.items()))
        over = f"{len(one.scores)} draw{'s' * (len(one.scores) > 1)}"
        score = _shown(one.mean.value, one.spread.sd, one.mean.low, one.mean.high, len(one.scores))
        table.add_row(one.name, score, over, f"{100 * share:.0f} % {label}")
    tuned, seeds = found.tuned, found.seeds
    score = _shown(tuned.value, found.over_seeds.sd, tuned.low, tuned.high, len(seeds))
    table.add_row("fine-tuned", score, f"{len(seeds)} seed{'s' * (len(seeds) > 1)}", "")
    for floor in found.floors:
        table.add_row(floor.name, screen.percent(floor.metrics[found.metric]), "", "")
    table.add_row("chance", screen.percent(found.chance), "", "")
    screen.console().print(table)
    screen.print_below("answered by the label whose words are likeliest, per token; calibrated: Zhao et al. 2021")
    for sentence in said:
        screen.print_below(sentence)
    for run in found.runs:
        screen.console().print(f"{'finished before' if run.before else 'run'}: {run.folder}", soft_wrap=True)
    for run in found.runs:
        print_failures(run.result.failures, f"fine-tuned, seed {run.result.spec.seed} ")


def _shown(value: float, sd: float, low: float, high: float, count: int) -> str:
    over = f" ± {screen.percent(sd)}" if count > 1 else ""
    return f"{screen.percent(value)}{over} [{screen.percent(low)}, {screen.percent(high)}]"
