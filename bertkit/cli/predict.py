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
    """Inputs other than the texts after the run, device and precision."""

    pair: Annotated[str | None, Option("--pair", INPUT, "Second text, for tasks on pairs of texts.")] = None
    question: Annotated[str | None, Option("--question", INPUT, "QA: the question.")] = None
    context: Annotated[str | None, Option("--context", INPUT, "QA: the document.")] = None
    file: Annotated[
        Path | None,
        Option("--file", INPUT, "One text per line, or any file that finetune reads."),
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
    from bertkit.deploy.inputs import TypedInput, read_inputs

    given = {name: getattr(flags, name) for name in ("pair", "question", "context", "file")}
    typed = TypedInput(texts=tuple(texts or ()), **given)
    inputs = read_inputs(spec.task, typed)
    from bertkit.deploy.predict import as_line
    from bertkit.deploy.predict import predict as answer

    progress = screen.progress(display.quiet, spec)
    try:
        answers = answer(run, inputs, flags.device, progress, flags.precision)
    finally:
        progress.close()
    for place, row in enumerate(inputs.rows):
        one = None if row is None else answers[row]
        if display.json:
            print(as_line(inputs.at(place), one))
        else:
            _print_answer(inputs.at(place), one, numbered=len(inputs.rows) > 1)


def _print_answer(row: dict[str, Any], answer: Answer | None, numbered: bool) -> None:
    """Print one answer, after the number of its line or row if there are several."""
    from rich.text import Text

    console = screen.console()
    number = f"{row.get('line', row.get('row'))}  " if numbered else ""
    if answer is None:
        console.print(Text(f"{number}(blank line)"))
        return
    scores = answer.scores
    if "tags" in scores and isinstance(row.get("words"), list):
        pairs = zip(row["words"], answer.value, scores["tags"], strict=True)
        console.print(Text(number + "  ".join(f"{word}/{tag or '?'} {share:.2f}" for word, tag, share in pairs)))
        return
    if "n_best" in scores:
        console.print(Text.assemble(number, (answer.value or "(no answer)", "bold")))
        for best in scores["n_best"][:3]:
            console.print(Text(f"{' ' * len(number)}  {best['score']:.3f}  {best['text']}"))
        return
    value = f"{answer.value:.3f}" if isinstance(answer.value, float) else answer.value
    shares = "  ".join(f"{name} {share:.3f}" for name, share in scores.items())
    console.print(Text.assemble(number, (str(value), "bold"), f"  {shares}" if shares else ""))
