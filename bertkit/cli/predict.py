"""The command `bertkit predict RUN [TEXT ...]`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.heads import Answer, Head
from bertkit.request.option import COMPUTE, OUTPUT, Option
from bertkit.request.training_flags import DeviceFlag
from bertkit.runs.folder import read_spec
from bertkit.runs.temperature import fitted_temperature
from bertkit.spec import Exactness, Spec

if TYPE_CHECKING:
    from bertkit.deploy.answer_file import Asked
    from bertkit.deploy.inputs import Inputs, TypedInput

INPUT = "Input"
STANDARD = "-"


@dataclass(frozen=True, kw_only=True)
class PredictFlags:
    """Inputs other than the texts after the run, what is written, device and precision."""

    pair: Annotated[str | None, Option("--pair", INPUT, "Second text, for tasks on pairs of texts.")] = None
    question: Annotated[str | None, Option("--question", INPUT, "QA: the question.")] = None
    context: Annotated[str | None, Option("--context", INPUT, "QA: the document.")] = None
    file: Annotated[
        Path | None,
        Option(
            "--file",
            INPUT,
            "One text per line, or any file that finetune reads; - reads text or JSON Lines from stdin, and writes "
            "JSON Lines as they come.",
        ),
    ] = None
    encoding: Annotated[str | None, Option("--encoding", INPUT, "Of the file, if it is text. [default: utf-8]")] = None
    header: Annotated[
        bool | None, Option("--header/--no-header", INPUT, "Whether the file's first line names the columns.")
    ] = None
    out: Annotated[
        Path | None,
        Option(
            "--out -o",
            OUTPUT,
            "Write the file's own columns with the answers beside them, as .csv, .tsv, .jsonl or .parquet; - is JSON "
            "Lines to stdout. A passage with several questions or blanks gives a row for each. A stopped command "
            "continues when it is given again.",
        ),
    ] = None
    top_k: Annotated[
        int | None,
        Option(
            "--top-k",
            OUTPUT,
            "Keep the K best labels (QA: answers) of each row. [default: all labels up to 10, else 5]",
        ),
    ] = None
    calibrated: Annotated[
        bool,
        Option(
            "--calibrated",
            OUTPUT,
            "Probabilities with the temperature that finetune --calibrate fitted; answers stay as they are.",
        ),
    ] = False
    force: Annotated[bool, Option("--force", OUTPUT, "Overwrite a finished --out.")] = False
    device: DeviceFlag = "auto"
    precision: Annotated[
        Exactness,
        Option(
            "--precision",
            COMPUTE,
            "bf16 is faster on many rows; the first 1,000 are predicted in fp32 too, to count predictions that change.",
        ),
    ] = "fp32"

    def check_reading(self) -> None:
        """Raise RequestError if it is said how a file is read, and there is none or it is not read so."""
        header = None if self.header is None else "--header" if self.header else "--no-header"
        given = [flag for flag in (self.encoding is not None and "--encoding", header) if flag]
        if given and self.file is None:
            raise RequestError(f"{' and '.join(given)}: it says how --file is read: give one")
        if given and str(self.file) == STANDARD:
            raise RequestError(f"{' and '.join(given)}: --file - reads UTF-8, text or JSON Lines: leave it out")


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    flags: PredictFlags,
    display: Display,
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts to predict on.")] = None,
) -> None:
    """Predict with a trained run; each prediction comes with its probabilities."""
    spec = read_spec(run)
    from bertkit.deploy.inputs import TypedInput, check_given

    given = {name: getattr(flags, name) for name in ("pair", "question", "context", "file")}
    typed = TypedInput(texts=tuple(texts or ()), **given)
    check_given(typed)
    flags.check_reading()
    if flags.top_k is not None and flags.top_k < 1:
        raise RequestError(f"--top-k {flags.top_k}: it must be at least 1")
    if flags.calibrated:
        fitted_temperature(run, spec)
    to_stdout = flags.out is not None and str(flags.out) == STANDARD
    if flags.file is None:
        if flags.out is not None:
            raise RequestError("--out needs --file, whose rows are answered")
        _typed(run, spec, typed, flags, display)
    elif str(flags.file) == STANDARD:
        if flags.out is not None and not to_stdout:
            raise RequestError(f"--file - writes JSON Lines to stdout: redirect it (> {flags.out}), without --out")
        _arriving(run, spec, flags)
    elif flags.out is None or to_stdout:
        _file(run, spec, flags, display, lines=to_stdout)
    else:
        _answer_file(run, spec, flags, display)


def _typed(run: Path, spec: Spec, typed: TypedInput, flags: PredictFlags, display: Display) -> None:
    """Print the answers to typed texts."""
    from bertkit.deploy.inputs import typed_inputs

    inputs = typed_inputs(spec.task, typed)
    from bertkit.deploy.predict import answered, load_run

    with closing(screen.progress(display.quiet, spec)) as progress:
        model = load_run(run, flags.device, flags.calibrated)
        for note in inputs.notes:
            progress.note(note)
        progress.phase("predicting", len(inputs.rows))
        found = list(answered(model, [inputs], progress, flags.precision))
    _print(found, model.head, flags, display, numbered=len(inputs.rows) > 1)


def _file(run: Path, spec: Spec, flags: PredictFlags, display: Display, lines: bool) -> None:
    """Print the answers to a file's rows, or with `lines` as JSON Lines with its own columns."""
    from bertkit.deploy.answer_formats import JsonLines
    from bertkit.deploy.file_format import Reading
    from bertkit.deploy.file_inputs import BLOCK, FileInput

    assert flags.file
    said = Reading(encoding=flags.encoding, header=flags.header)
    file = FileInput(spec.task, flags.file, keeps_bad=lines, said=said)
    places, rows, written = 0, 0, JsonLines(flags.top_k)
    for block in file.blocks():
        places, rows = places + len(block.places), rows + len(block.names)
        written.look(block)
    notes = tuple(file.notes)
    from bertkit.deploy.predict import answered, load_run

    # a bar is not drawn among answers on the same terminal
    hidden = display.quiet or (sys.stdout.isatty() and rows > BLOCK)
    with closing(screen.progress(hidden, spec)) as progress:
        model = load_run(run, flags.device, flags.calibrated)
        begin = written.begin(model.head)
        for note in (*notes, *filter(None, [written.note if lines else None])):
            progress.note(note)
        progress.phase("predicting", rows)
        found = answered(model, file.blocks(), progress, flags.precision)
        if rows <= BLOCK:
            found = iter(list(found))
            progress.close()
        if not lines:
            _print(found, model.head, flags, display, numbered=places > 1)
            return
        sys.stdout.write(begin.decode())
        for block, answers in found:
            sys.stdout.write(written.rows(block, answers).decode())
            sys.stdout.flush()


def _arriving(run: Path, spec: Spec, flags: PredictFlags) -> None:
    """Answer lines of standard input as they come."""
    from bertkit.deploy.arriving import answer_lines
    from bertkit.deploy.predict import load_run

    if flags.precision != "fp32":
        raise RequestError("--file - predicts in fp32: leave --precision out")
    stdin = screen.standard_input()
    answer_lines(load_run(run, flags.device, flags.calibrated), spec.task, stdin, sys.stdout, flags.top_k)


def _answer_file(run: Path, spec: Spec, flags: PredictFlags, display: Display) -> None:
    """Write the answers to a file's rows into another."""
    from bertkit.deploy.answer_file import answer_file, request_of

    request = request_of(spec.task, asked_of(flags))
    with closing(screen.progress(display.quiet, spec)) as progress:
        done = answer_file(request, run, flags.device, progress)
    if display.json:
        screen.print_json({"out": str(done.out), "rows": done.rows, "unanswered": done.unanswered})
        return
    more = f", {done.unanswered:,} of them without an answer" if done.unanswered else ""
    screen.console().print(f"{done.out}: {done.rows:,} row{'' if done.rows == 1 else 's'}{more}", soft_wrap=True)


def asked_of(flags: PredictFlags) -> Asked:
    """What is asked of the file."""
    from bertkit.deploy.answer_file import Asked
    from bertkit.deploy.file_format import Reading

    assert flags.file and flags.out
    said = Reading(encoding=flags.encoding, header=flags.header)
    return Asked(
        file=flags.file, out=flags.out, top=flags.top_k, force=flags.force, precision=flags.precision, said=said,
        calibrated=flags.calibrated,
    )  # fmt: skip


def _print(
    found: Iterable[tuple[Inputs, list[Answer]]], head: Head, flags: PredictFlags, display: Display, numbered: bool
) -> None:
    """Print the answers of all blocks, a line each, or as JSON."""
    from bertkit.deploy.predict import as_line

    for block, answers in found:
        for place, row in enumerate(block.rows):
            answer = None if row is None else answers[row]
            if display.json:
                print(as_line(block.at(place), answer, head, flags.top_k))
            else:
                _print_answer(block.at(place), answer, head, flags.top_k, numbered)
        sys.stdout.flush()


def _print_answer(row: dict[str, Any], answer: Answer | None, head: Head, top: int | None, numbered: bool) -> None:
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
        for best in scores["n_best"][: top or 3]:
            console.print(Text(f"{' ' * len(number)}  {best['score']:.3f}  {best['text']}"))
        return
    value = answer.value
    if isinstance(value, list):
        value = ", ".join(value) or "(no label)"
    elif isinstance(value, float):
        value = f"{value:.3f}"
    kept = head.answer_json(answer, top)["scores"]
    shares = "  ".join(f"{name} {share:.3f}" for name, share in kept.items())
    console.print(Text.assemble(number, (str(value), "bold"), f"  {shares}" if shares else ""))
