"""The command `bertkit analyse cbow CORPUS...`, and the function of that name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer

from bertkit.analysis.sense_rows import SenseRows
from bertkit.cli import screen
from bertkit.cli.analyse_screen import print_files, print_heading, print_table
from bertkit.cli.analyse_word import plain_of, rows_of, set_of
from bertkit.cli.options import Display
from bertkit.cli.senses_screen import print_scores, print_study
from bertkit.errors import RequestError
from bertkit.pretraining import Corpus
from bertkit.progress import Progress
from bertkit.request.keywords import Given, Target
from bertkit.request.pretrain_keywords import corpora_named
from bertkit.request.sense_flags import CbowFlags, CbowOptions, SenseFlags

if TYPE_CHECKING:
    from bertkit.analysis.cbow import Analogies
    from bertkit.analysis.sense_sets import SetScores
    from bertkit.analysis.word_study import WordStudy

CBOW = "cbow"
SHOWN = 5
"""Analogies that are printed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CbowFound:
    """What was found of vectors of words, and the files it is written to.

    neighbours  of each word that was asked for, the nearest words and their cosines
    """

    name: str
    words: int
    neighbours: Mapping[str, Sequence[tuple[str, float]]]
    analogies: Analogies | None
    study: WordStudy | None
    scores: SetScores | None
    figures: list[tuple[Path, Path]]
    numbers: Path | None
    notes: list[str]

    def plain(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "words": self.words,
            "neighbours": {word: [list(one) for one in near] for word, near in self.neighbours.items()},
            "analogies": None if self.analogies is None else {**asdict(self.analogies), "right": self.analogies.right},
            **plain_of(self.name, self.study, self.scores),
        }


def analyse_cbow(
    corpus: Annotated[
        list[str], typer.Argument(metavar="CORPUS...", help="Files or folders of text, or hub:OWNER/NAME.")
    ],
    senses: SenseFlags,
    flags: CbowFlags,
    display: Display,
) -> int:
    """Learn one vector a word from a corpus by CBOW, and put it to the tests of `analyse word`, for comparison.

    Such a vector does not depend on the sentence, so that it cannot tell a word's senses apart. It needs gensim.
    """
    found = _found(corpus, (senses, flags), display.silent)
    if display.json:
        screen.print_json({**found.plain(), "figures": [str(path) for pair in found.figures for path in pair]})
    else:
        _print(found)
    return 0


def cbow(corpus: Target | Iterable[Target], *, progress: bool = False, **options: Unpack[CbowOptions]) -> CbowFound:
    """Learn vectors of words from a corpus, and look at them: `bertkit analyse cbow`. Raises BertkitError."""
    given = Given("analyse cbow", options, (SenseFlags, CbowFlags), like="analyse")
    return _found(corpora_named(corpus), (given.flags(SenseFlags), given.flags(CbowFlags)), not progress)


def _found(corpus: list[str], asked: tuple[SenseFlags, CbowFlags], quiet: bool) -> CbowFound:
    """Check what is asked, train, measure and write it."""
    from bertkit.analysis.cbow import check_gensim, read_analogies

    senses, flags = asked
    senses.check(flags.word, needed=False)
    flags.check()
    if not (flags.asked or flags.analogies or senses.sentences or senses.set):
        raise RequestError("analyse cbow: say what to look at: --neighbours, --analogies, --word, or --set")
    check_gensim()
    rows = rows_of(senses, flags.word)
    analogies = None if flags.analogies is None else read_analogies(flags.analogies)
    read = Corpus(paths=tuple(corpus), column=flags.text_column, encoding=flags.encoding, held_out=0.0)
    shown = screen.progress_named(quiet, "analyse cbow")
    try:
        return _measured(read, (rows, analogies), asked, shown)
    finally:
        shown.close()


def _measured(
    corpus: Corpus,
    given: tuple[SenseRows | None, list[tuple[str, str, str, str]] | None],
    asked: tuple[SenseFlags, CbowFlags],
    shown: Progress,
) -> CbowFound:
    from bertkit.analysis.cbow import answer_analogies, train_cbow, unspaced
    from bertkit.analysis.places import analysis_folder, write_numbers
    from bertkit.analysis.sense_reports import Subject, draw_study
    from bertkit.analysis.sense_sets import score_set
    from bertkit.analysis.word_study import Sampling, senses_by_layer
    from bertkit.data.corpus import corpus_text

    (rows, analogies), (senses, flags) = given, asked
    a_set = set_of(senses)
    text = corpus_text(corpus, shown)
    whole = [*flags.asked, *([rows.word] if rows else ()), *(word for one in analogies or () for word in one)]
    vectors = train_cbow(text, flags, unspaced(whole), shown)
    sampling = Sampling(seed=flags.seed, draws=senses.draws, each=senses.per_sense)
    study = None
    if rows is not None:
        vectors.check(rows.word)
        study = senses_by_layer(vectors.of_spans(rows.sentences, rows.spans)[0], rows, sampling)
    name = f"CBOW of {text.counts.characters:,} characters"
    found = CbowFound(
        name=name, words=vectors.size, neighbours={word: vectors.neighbours(word, flags.top_k) for word in flags.asked},
        analogies=None if analogies is None else answer_analogies(vectors, analogies, shown), study=study,
        scores=None if a_set is None else score_set(a_set, vectors.of_spans), figures=[], numbers=None, notes=[],
    )  # fmt: skip
    plain = found.plain()
    content = [None if rows is None else vars(rows), None if a_set is None else a_set.digest, analogies, flags.asked]
    named = rows.word if rows is not None else (senses.set or "words")
    folder = analysis_folder(flags.out, CBOW, named, [vectors.digest, flags.top_k, vars(sampling), content])
    subject = Subject(name=name, layers=(0,), sampling=sampling)
    figures, notes = ([], []) if study is None else draw_study(study, subject, folder)
    numbers = write_numbers(folder, CBOW, plain)
    return replace(found, figures=figures, numbers=numbers, notes=notes)


def _print(found: CbowFound) -> None:
    print_heading(f"{found.name} · {found.words:,} words have a vector")
    if found.neighbours:
        rows = [
            [word if rank == 0 else "", name, f"{value:.3f}"]
            for word, near in found.neighbours.items()
            for rank, (name, value) in enumerate(near)
        ]
        print_table(("WORD", "NEAREST", "COSINE"), rows, left=(0, 1))
    if found.analogies is not None:
        _print_analogies(found.analogies)
    if found.study is not None:
        print_study(found.study, found.name)
    if found.scores is not None:
        print_scores(found.scores, found.name)
    screen.print_lines(found.notes, quiet=False)
    assert found.numbers is not None
    print_files(found.figures, found.numbers)


def _print_analogies(analogies: Analogies) -> None:
    total = len(analogies.answered)
    share = f"{screen.percent(analogies.right / total)} %" if total else "none"
    unknown = f"; {analogies.unknown:,} have a word without a vector" if analogies.unknown else ""
    print_heading(f"analogies: {analogies.right:,} of {total:,} right ({share}){unknown}")
    rows = [[f"{one[0]} : {one[1]}", f"{one[2]} : {one[3]}", one[4]] for one in analogies.answered[:SHOWN]]
    print_table((f"THE FIRST {len(rows)}", "WANTED", "ANSWER"), rows, left=(0, 1, 2))
