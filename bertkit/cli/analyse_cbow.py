"""The command `bertkit analyse cbow CORPUS...`, and the function of that name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    from bertkit.analysis.analogies import Analogies, Analogy
    from bertkit.analysis.sense_sets import SenseSet, SetScores
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

    @property
    def sentences(self) -> list[str]:
        """What was found, in sentences."""
        from bertkit.analysis.cbow_reports import analogies_line, neighbours_line
        from bertkit.analysis.sense_reports import score_lines, verdict_lines

        return [
            *([neighbours_line(self.neighbours)] if self.neighbours else []),
            *([analogies_line(self.analogies)] if self.analogies is not None else []),
            *(verdict_lines(self.study) if self.study is not None else []),
            *(score_lines(self.scores) if self.scores is not None else []),
        ]

    def plain(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "words": self.words,
            "sentences": self.sentences,
            "neighbours": {word: [list(one) for one in near] for word, near in self.neighbours.items()},
            "analogies": None if self.analogies is None else self.analogies.plain(),
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
    from bertkit.analysis.analogies import read_analogies
    from bertkit.analysis.cbow import check_gensim, check_words

    senses, flags = asked
    senses.check(flags.word, needed=False)
    flags.check()
    if not (flags.asked or flags.analogies or senses.sentences or senses.set):
        raise RequestError("analyse cbow: say what to look at: --neighbours, --analogies, --word, or --set")
    check_gensim()
    rows = rows_of(senses, flags.word)
    check_words([*flags.asked, *([rows.word] if rows else ())])
    analogies = None if flags.analogies is None else read_analogies(flags.analogies)
    a_set = set_of(senses)
    read = Corpus(paths=tuple(corpus), column=flags.text_column, encoding=flags.encoding, held_out=0.0)
    shown = screen.progress_named(quiet, "analyse cbow")
    try:
        return _measured(read, (rows, analogies, a_set), asked, shown)
    finally:
        shown.close()


def _measured(
    corpus: Corpus,
    given: tuple[SenseRows | None, list[Analogy] | None, SenseSet | None],
    asked: tuple[SenseFlags, CbowFlags],
    shown: Progress,
) -> CbowFound:
    from bertkit.analysis.analogies import answer_analogies
    from bertkit.analysis.cbow import train_cbow, unspaced
    from bertkit.analysis.places import analysis_folder, write_numbers
    from bertkit.analysis.sense_draws import Sampling
    from bertkit.analysis.sense_sets import score_set
    from bertkit.analysis.word_study import senses_by_layer
    from bertkit.data.corpus import corpus_text

    (rows, analogies, a_set), (senses, flags) = given, asked
    text = corpus_text(corpus, shown)
    needed = [*flags.asked, *([rows.word] if rows else ())]
    whole = [*needed, *(word for one in analogies or () for word in one.words)]
    vectors = train_cbow(text, flags, unspaced(whole), needed, shown)
    sampling = Sampling(seed=flags.seed, draws=senses.draws, each=senses.per_sense)
    study = None
    if rows is not None:
        study = senses_by_layer(vectors.of_spans(rows.sentences, rows.spans)[0], rows, sampling)
    found = CbowFound(
        name=f"CBOW of {text.counts.characters:,} characters", words=vectors.size,
        neighbours={word: vectors.neighbours(word, flags.top_k) for word in flags.asked},
        analogies=None if analogies is None else answer_analogies(vectors, analogies, shown), study=study,
        scores=None if a_set is None else score_set(a_set, vectors.of_spans), figures=[], numbers=None, notes=[],
    )  # fmt: skip
    asked_of = None if analogies is None else [[one.heading, *one.words] for one in analogies]
    content = [None if rows is None else vars(rows), None if a_set is None else a_set.digest, asked_of, flags.asked]
    named = rows.word if rows is not None else (senses.set or "words")
    folder = analysis_folder(flags.out, CBOW, named, [vectors.digest, flags.top_k, vars(sampling), content])
    figures, notes = _drawn(found, folder)
    return replace(found, figures=figures, numbers=write_numbers(folder, CBOW, found.plain()), notes=notes)


def _drawn(found: CbowFound, folder: Path) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Write the figures: nearest words, analogies, a word's sentences, a set; and what to tell of them."""
    from bertkit.analysis.cbow_reports import draw_analogies, draw_neighbours
    from bertkit.analysis.sense_reports import Subject, draw_scores, draw_study

    parts = [draw_neighbours(found.neighbours, found.name, folder)]
    if found.analogies is not None:
        parts.append(draw_analogies(found.analogies, found.name, folder))
    if found.study is not None:
        parts.append(draw_study(found.study, Subject(name=found.name, layers=(0,)), folder))
    if found.scores is not None:
        parts.append((draw_scores(found.scores, found.name, folder), []))
    notes = dict.fromkeys(note for _, notes in parts for note in notes)
    return [pair for figures, _ in parts for pair in figures], list(notes)


def _print(found: CbowFound) -> None:
    from bertkit.analysis.cbow_reports import neighbours_line

    print_heading(f"{found.name} · {found.words:,} words have a vector")
    if found.neighbours:
        rows = [
            [word if rank == 0 else "", name, f"{value:.3f}"]
            for word, near in found.neighbours.items()
            for rank, (name, value) in enumerate(near)
        ]
        print_table(("WORD", "NEAREST", "COSINE"), rows, left=(0, 1))
        screen.print_below(neighbours_line(found.neighbours))
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
    from bertkit.analysis.cbow_reports import analogies_line

    print_heading(f"analogies: {analogies.right:,} of {len(analogies.answered):,} right")
    rows = [[f"{one[0]} : {one[1]}", f"{one[2]} : {one[3]}", one[4]] for one in analogies.answered[:SHOWN]]
    print_table((f"THE FIRST {len(rows)}", "WANTED", "ANSWER"), rows, left=(0, 1, 2))
    if analogies.by_heading:
        counts = Counter(analogies.headings)
        rows = [[name, f"{counts[name]:,}", screen.with_interval(one)] for name, one in analogies.by_heading.items()]
        print_table(("HEADING", "ANALOGIES", "RIGHT [95 %]"), rows)
    screen.print_below(analogies_line(analogies))
