"""The command `bertkit analyse word MODEL [WORD]`, and the function of that name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer

from bertkit.analysis.bodies import find_body
from bertkit.analysis.sense_rows import SenseRows, check_samples, read_sense_rows
from bertkit.cli import screen
from bertkit.cli.analyse_screen import print_files
from bertkit.cli.options import Display
from bertkit.cli.senses_screen import print_scores, print_study
from bertkit.progress import Progress
from bertkit.request.analyse_flags import AnalyseFlags, chosen_layers
from bertkit.request.keywords import Given, Target, named
from bertkit.request.sense_flags import SenseFlags, WordOptions

if TYPE_CHECKING:
    from bertkit.analysis.bodies import Body
    from bertkit.analysis.sense_sets import SenseSet, SetScores
    from bertkit.analysis.word_study import WordStudy

WORD = "word"


@dataclass(frozen=True, kw_only=True, eq=False)
class WordFound:
    """What was found of a word, or of a set of words, and the files it is written to."""

    model: str
    study: WordStudy | None
    scores: SetScores | None
    figures: list[tuple[Path, Path]]
    numbers: Path
    notes: list[str]

    def plain(self) -> dict[str, Any]:
        """All of it as JSON."""
        return plain_of(self.model, self.study, self.scores)


def plain_of(model: str, study: WordStudy | None, scores: SetScores | None) -> dict[str, Any]:
    """A study and scores as JSON."""
    return {
        "model": model,
        "word": None if study is None else study.plain(),
        "set": None if scores is None else scores.plain(),
    }


def analyse_word(
    model: Annotated[str, typer.Argument(help="A Hub id, a folder, a run, or 'sample'.")],
    senses: SenseFlags,
    flags: AnalyseFlags,
    display: Display,
    word: Annotated[str | None, typer.Argument(help="The word that is in each sentence.")] = None,
) -> int:
    """Show how alike a word's vectors are in different sentences, layer by layer, and whether they follow its senses.

    With --set: how often the senses of a whole set are told by cosine.
    """
    found = _found(model, word, (senses, flags), display.silent)
    if display.json:
        screen.print_json({**found.plain(), "figures": [str(path) for pair in found.figures for path in pair]})
        return 0
    if found.study is not None:
        print_study(found.study, found.model)
    if found.scores is not None:
        print_scores(found.scores, found.model)
    screen.print_lines(found.notes, quiet=False)
    print_files(found.figures, found.numbers)
    return 0


def word(
    model: Target, word: str | None = None, *, progress: bool = False, **options: Unpack[WordOptions]
) -> WordFound:
    """Look at a word's vectors in sentences, or score a set: `bertkit analyse word`. Raises BertkitError."""
    given = Given("analyse word", options, (SenseFlags, AnalyseFlags), like="analyse")
    return _found(named("model", model), word, (given.flags(SenseFlags), given.flags(AnalyseFlags)), not progress)


def _found(model: str, word: str | None, asked: tuple[SenseFlags, AnalyseFlags], quiet: bool) -> WordFound:
    """Check what is asked, measure and write it."""
    senses, flags = asked
    senses.check(word, needed=True)
    flags.check()
    encoder = find_body(model, flags.revision)
    rows = rows_of(senses, word)
    a_set = set_of(senses)
    from bertkit.analysis.bodies import load_body

    shown = screen.progress_named(quiet, f"analyse word, {model}")
    try:
        body = load_body(encoder, flags.device, flags.max_length)
        return _measured(body, (rows, a_set), asked, shown)
    finally:
        shown.close()


def rows_of(senses: SenseFlags, word: str | None) -> SenseRows | None:
    """The sentences that are asked for, checked. Raises RequestError or DataError."""
    if senses.sentences is None or word is None:
        return None
    rows = read_sense_rows(senses.sentences, word)
    if senses.draws:
        check_samples(rows, senses.per_sense)
    return rows


def set_of(senses: SenseFlags) -> SenseSet | None:
    """The set that is asked for. Raises DataError."""
    if senses.set is None or senses.data is None:
        return None
    from bertkit.analysis.sense_sets import read_set

    return read_set(senses.set, senses.data, senses.limit)


def _measured(
    body: Body, given: tuple[SenseRows | None, SenseSet | None], asked: tuple[SenseFlags, AnalyseFlags], shown: Progress
) -> WordFound:
    from bertkit.analysis.places import analysis_folder, write_numbers
    from bertkit.analysis.sense_draws import Sampling
    from bertkit.analysis.sense_reports import Subject, draw_scores, draw_study
    from bertkit.analysis.sense_sets import score_set
    from bertkit.analysis.vectors import encode_spans, span_vectors
    from bertkit.analysis.word_study import study_word

    (rows, a_set), (senses, flags) = given, asked
    sampling = Sampling(seed=flags.seed, draws=senses.draws, each=senses.per_sense)
    layers = chosen_layers(flags.layers, body.layers)
    study = None if rows is None else study_word(body, rows, sampling, shown)

    def embed(sentences: Any, spans: Any) -> Any:
        encoded = encode_spans(body, sentences, spans)
        return span_vectors(body, encoded, shown), encoded.there

    scores = None if a_set is None else score_set(a_set, embed)
    name = rows.word if rows is not None else str(senses.set)
    plain = plain_of(body.name, study, scores)
    content = [None if rows is None else vars(rows), None if a_set is None else a_set.digest]
    folder = analysis_folder(flags.out, WORD, name, [body.digest, body.window, layers, vars(sampling), content])
    subject = Subject(name=body.name, layers=layers)
    figures, notes = ([], []) if study is None else draw_study(study, subject, folder)
    if scores is not None:
        figures += draw_scores(scores, body.name, folder)
    numbers = write_numbers(folder, WORD, plain)
    return WordFound(model=body.name, study=study, scores=scores, figures=figures, numbers=numbers, notes=notes)
