"""The command `bertkit predict RUN [TEXT ...]`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.heads import Answer
from bertkit.request.flags import DeviceFlag
from bertkit.request.option import COMPUTE, Option
from bertkit.runs.folder import read_spec

INPUT = "Input"


@dataclass(frozen=True, kw_only=True)
class PredictFlags:
    """What to predict on, where that is not the texts after the run, and how."""

    pair: Annotated[str | None, Option("--pair", INPUT, "Second text, for tasks on pairs of texts.")] = None
    question: Annotated[str | None, Option("--question", INPUT, "QA: the question.")] = None
    context: Annotated[str | None, Option("--context", INPUT, "QA: the document.")] = None
    file: Annotated[
        Path | None, Option("--file", INPUT, "One text per line, or a .tsv, .csv, .jsonl with the task's columns.")
    ] = None
    device: DeviceFlag = "auto"
    precision: Annotated[
        Literal["fp32", "bf16"],
        Option(
            "--precision",
            COMPUTE,
            "bf16 is faster on many rows; the first 1,000 are predicted in fp32 too, to count predictions that change.",
        ),
    ] = "fp32"


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    flags: PredictFlags,
    display: Display,
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts to predict on.")] = None,
) -> None:
    """Predict with a trained run; each prediction comes with its probabilities."""
    spec = read_spec(run)
    from bertkit.deploy.inputs import Typed, columns_of
    from bertkit.deploy.predict import as_line

    given = {name: getattr(flags, name) for name in ("pair", "question", "context", "file")}
    typed = Typed(texts=tuple(texts or ()), **given)
    columns_of(spec.task.head, typed, spec.task.source.columns)
    from bertkit.deploy.predict import predict as answer

    watch = screen.watch(display.quiet, spec)
    try:
        columns, answers = answer(run, typed, flags.device, watch, flags.precision)
    finally:
        watch.close()
    for i, one in enumerate(answers):
        if display.json:
            print(as_line(columns, i, one))
        else:
            _print_answer({role: values[i] for role, values in columns.items()}, one)


def _print_answer(row: dict[str, Any], answer: Answer) -> None:
    from rich.text import Text

    scores = answer.scores
    console = screen.console()
    if "tags" in scores and isinstance(row.get("words"), list):
        pairs = zip(row["words"], answer.value, scores["tags"], strict=True)
        console.print(Text("  ".join(f"{word}/{tag or '?'} {share:.2f}" for word, tag, share in pairs)))
        return
    if "n_best" in scores:
        console.print(Text(answer.value or "(no answer)", style="bold"))
        for best in scores["n_best"][:3]:
            console.print(Text(f"  {best['score']:.3f}  {best['text']}"))
        return
    value = f"{answer.value:.3f}" if isinstance(answer.value, float) else answer.value
    shares = "  ".join(f"{name} {share:.3f}" for name, share in scores.items())
    console.print(Text.assemble((str(value), "bold"), f"  {shares}" if shares else ""))
