"""A run's answers against the golds: a confusion matrix or a cloud of numbers, and the worst errors, by evaluation."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bertkit.heads import Answer, Head
from bertkit.heads.shown import NOT_GIVEN, NOT_GOLD, Part, Segment, Shown
from bertkit.reports.charts import Chart, Series, chart
from bertkit.reports.texts import texts_of
from bertkit.result import Finished
from bertkit.runs.answered import prediction_lines
from bertkit.runs.folder import PREDICTIONS, damage_named

LABELS = 30
"""Labels up to which there is a matrix."""
CONFUSED = 10
DOTS = 600
LONGEST = 1_200
"""Characters of a text that are shown: around what is marked."""


@dataclass(frozen=True, kw_only=True)
class ByLabel:
    """One label: how often it is gold, how often it was answered, and how often both."""

    name: str
    gold: int
    right: int
    answered: int

    @property
    def precision(self) -> float | None:
        """The share of its answers that are right; None if there are none."""
        return self.right / self.answered if self.answered else None

    @property
    def recall(self) -> float:
        """The share of its golds that were answered."""
        return self.right / self.gold

    @property
    def f1(self) -> float:
        """Twice what is right, over golds and answers."""
        return 2 * self.right / (self.gold + self.answered)


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """How often each gold (a row) got each answer (a column)."""

    golds: tuple[str, ...]
    answers: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def shares(self) -> list[list[float]]:
        """Of each row."""
        return [[count / max(1, sum(row)) for count in row] for row in self.counts]

    @property
    def by_label(self) -> list[ByLabel]:
        """Precision, recall and F1 of each label that is gold somewhere."""
        given = [sum(row[k] for row in self.counts) for k in range(len(self.answers))]
        found = []
        for row, name in zip(self.counts, self.golds, strict=True):
            if name != NOT_GOLD and any(row):
                place = self.answers.index(name)
                right, gold, answered = row[place], sum(row), given[place]
                found.append(ByLabel(name=name, gold=gold, right=right, answered=answered))
        return found


@dataclass(frozen=True, kw_only=True)
class Example:
    """A wrong answer: the id of its row, and what is shown of it."""

    row_id: str
    shown: Shown


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answers of one evaluation.

    wrong     how many of `rows` are not wholly right
    confused  the commonest (gold, answer, count) that differ
    missing   why the worst errors have no texts
    """

    evaluation: str
    rows: int
    wrong: int
    matrix: Matrix | None
    confused: tuple[tuple[str, str, int], ...]
    cloud: Chart | None
    worst: tuple[Example, ...]
    missing: str = ""

    @property
    def segments(self) -> list[Segment]:
        """Those of all texts."""
        return [segment for one in self.worst for part in one.shown.parts for segment in part.segments]

    @property
    def marks(self) -> set[str]:
        """The marks of segments that have no labels of their own."""
        return {segment.mark for segment in self.segments if segment.mark and not segment.answer}

    @property
    def labelled(self) -> bool:
        """Whether segments have labels of their own, as words with tags have."""
        return any(segment.answer for segment in self.segments)


@dataclass(kw_only=True)
class _Tally:
    """What is counted of one evaluation while its lines are read."""

    rows: int = 0
    wrong: int = 0
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    numbers: list[tuple[float, float]] = field(default_factory=list)
    worst: list[tuple[float, int, str, Any, Answer]] = field(default_factory=list)

    def add(self, head: Head, line: Mapping[str, Any], most: int) -> None:
        answer, gold = Answer(value=line["answer"], scores=line["scores"]), line["gold"]
        error = head.error(gold, answer)
        self.rows += 1
        self.wrong += error > 0
        self.pairs.update(head.confusion_pairs(gold, answer))
        numbers = head.number_pair(gold, answer)
        if numbers is not None:
            self.numbers.append(numbers)
        if error > 0 and most:
            keep = heapq.heappush if len(self.worst) < most else heapq.heappushpop
            keep(self.worst, (error, -self.rows, str(line["row_id"]), gold, answer))


def answers_of(run: Finished, most: int) -> list[Answers]:
    """The answers of each scored evaluation with its `most` worst errors. Raises RequestError if they are damaged."""
    path, head = run.folder / PREDICTIONS, run.result.spec.task.head
    if not path.is_file():
        return []
    tallies: dict[str, _Tally] = {}
    for line in prediction_lines(run.folder):
        with damage_named(path):
            if line["gold"] is not None:
                tallies.setdefault(line["evaluation"], _Tally()).add(head, line, most)
    worst = {name: sorted(one.worst, key=lambda each: (-each[0], -each[1])) for name, one in tallies.items()}
    texts = texts_of(run.folder, run.result, {name: [one[2] for one in each] for name, each in worst.items() if each})
    found = []
    for name, tally in tallies.items():
        examples = [
            Example(row_id=ident, shown=shortened(head.shown(texts.row(name, ident), gold, answer)))
            for _, _, ident, gold, answer in worst[name]
        ]
        found.append(_answers(name, tally, head, tuple(examples), texts.missing.get(name, "")))
    return found


def _answers(name: str, tally: _Tally, head: Head, worst: tuple[Example, ...], missing: str) -> Answers:
    differing = Counter({pair: count for pair, count in tally.pairs.items() if pair[0] != pair[1]})
    ranked = sorted(differing.items(), key=lambda one: (-one[1], one[0]))
    return Answers(
        evaluation=name,
        rows=tally.rows,
        wrong=tally.wrong,
        matrix=_matrix(tally.pairs, head.label_names),
        confused=tuple((gold, answer, count) for (gold, answer), count in ranked[:CONFUSED]),
        cloud=_cloud(tally.numbers, name),
        worst=worst,
        missing=missing,
    )


def _matrix(pairs: Counter[tuple[str, str]], names: tuple[str, ...]) -> Matrix | None:
    golds, answers = ({pair[side] for pair in pairs} for side in (0, 1))
    both = (golds | answers) - {NOT_GIVEN, NOT_GOLD}
    if not pairs or len(both) > LABELS:
        return None
    labels = [name for name in names if name in both] + sorted(both - set(names))
    rows = [*labels, *({NOT_GOLD} & golds)]
    columns = [*labels, *({NOT_GIVEN} & answers)]
    counts = tuple(tuple(pairs[gold, answer] for answer in columns) for gold in rows)
    return Matrix(golds=tuple(rows), answers=tuple(columns), counts=counts)


def _cloud(numbers: list[tuple[float, float]], name: str) -> Chart | None:
    if not numbers:
        return None
    step = -(-len(numbers) // DOTS)
    golds, answers = (np.array(side, float) for side in zip(*numbers[::step], strict=True))
    every = f"every {step}th row of " if step > 1 else ""
    about = f"Answers against golds, {every}{name}: on the diagonal they are equal."
    return chart("Answer against gold", [Series(name="answer", x=golds, y=answers, as_dots=True)], "gold", about,
                 square=True)  # fmt: skip


def shortened(shown: Shown) -> Shown:
    """What is shown, with parts of long texts that are far from any mark left out."""
    return replace(shown, parts=tuple(replace(part, segments=_shortened(part)) for part in shown.parts))


def _shortened(part: Part) -> tuple[Segment, ...]:
    """The segments of a part, LONGEST characters of them: those around the first mark."""
    if sum(len(segment.text) for segment in part.segments) <= LONGEST:
        return part.segments
    marks = [i for i, segment in enumerate(part.segments) if segment.mark in ("answer", "gold", "both")]
    before = sum(len(segment.text) for segment in part.segments[: marks[0]]) if marks else 0
    start, kept, place = max(0, before - LONGEST // 3), [], 0
    for segment in part.segments:
        first, end = max(start - place, 0), min(start + LONGEST - place, len(segment.text))
        if first < end:
            kept.append(replace(segment, text=segment.text[first:end]))
        place += len(segment.text)
    left = [Segment(text="… ")] if start else []
    return (*left, *kept, *([Segment(text=" …")] if start + LONGEST < place else []))
