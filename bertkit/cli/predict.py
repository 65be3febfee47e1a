"""The command `bertkit predict RUN [TEXT ...]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bertkit.cli import options as o
from bertkit.cli import screen
from bertkit.heads import Answer
from bertkit.runs.folder import read_spec


def predict(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...", help="What to answer for.")] = None,
    pair: Annotated[str | None, typer.Option("--pair", help="The second text, where a run reads two.")] = None,
    question: Annotated[str | None, typer.Option("--question", help="QA: the question.")] = None,
    context: Annotated[str | None, typer.Option("--context", help="QA: the document.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="One text a line, or any file that finetune reads, with or without golds."),
    ] = None,
    device: o.DeviceOption = "auto",
    precision: Annotated[
        Literal["fp32", "bf16"],
        typer.Option(
            "--precision",
            help="bf16: faster on many rows. The first 1,000 are answered in fp32 too, to count answers that change.",
        ),
    ] = "fp32",
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Answer with a trained run; each answer with its probabilities."""
    spec = read_spec(run)
    from bertkit.deploy.inputs import Typed, read_inputs

    typed = Typed(texts=tuple(texts or ()), pair=pair, question=question, context=context, file=file)
    inputs = read_inputs(spec.task, typed)
    from bertkit.deploy.predict import as_line
    from bertkit.deploy.predict import predict as answer

    watch = screen.watch(quiet, spec)
    try:
        answers = answer(run, inputs, device, watch, precision)
    finally:
        watch.close()
    for place, row in enumerate(inputs.rows):
        one = None if row is None else answers[row]
        if json:
            print(as_line(inputs.at(place), one))
        else:
            _print_answer(inputs.at(place), one, numbered=len(inputs.rows) > 1)


def _print_answer(row: dict[str, Any], answer: Answer | None, numbered: bool) -> None:
    """One answer as text, the number of its line or row before it where there are several."""
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
