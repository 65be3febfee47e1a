"""The result of a run, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertkit.pretraining import PretrainSpec
from bertkit.spec import Spec

SCHEMA = 1

_ONE = {
    "rows": "row",
    "words": "word",
    "questions": "question",
    "answers": "answer",
    "have": "has",
    "are": "is",
    "begin": "begins",
    "end": "ends",
}


def count_line(name: str, count: int) -> str:
    """A feature count as text: "words have no token", counted once, is "1 word has no token"."""
    words = name.split()
    first = [_ONE.get(word, word) for word in words[:5]] if count == 1 else words[:5]
    return " ".join([f"{count:,}", *first, *words[5:]])


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric's value as a fraction (or a correlation), with its uncertainty.

    low, high  the 95 % interval over the rows: how far another dev set of the same size might move it, without
               the variation over seeds.
    interval   its method: "Wilson", "Jeffreys", "Dirichlet", "bootstrap" or "t" (evaluation/intervals.py);
               in results of older versions the bootstrap
    """

    value: float
    low: float
    high: float
    interval: str = "bootstrap"

    @property
    def percent(self) -> str:
        """As a percentage with its interval, such as 86.7 % [84.9, 88.4]."""
        return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"

    @property
    def points(self) -> str:
        """A difference in points of a percentage, with its interval, such as +1.5 [-0.2, 3.1]."""
        return f"{100 * self.value:+.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


@dataclass(frozen=True, kw_only=True)
class Floor:
    """What a simple model scores on the same rows: its name, and the value of each metric."""

    name: str
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Leaked:
    """Rows of an evaluation that stand among the train rows too, and its scores without them."""

    rows: int
    metrics: Mapping[str, Score]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How well probabilities of labels agree with how often they are right (Guo et al. 2017).

    ece    the expected calibration error: the mean distance of confidence and accuracy over bins, weighted by rows
    brier  the squared differences of the probabilities and 1 for the gold, 0 for other labels: summed over the labels,
           averaged over the rows (Brier 1950), from 0 to 2
    bins   (rows, mean confidence, accuracy) of each bin of equal width that has rows
    """

    ece: float
    brier: float
    bins: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One evaluation: `rows` rows of `split`, each metric's Score, and more numbers in `details`.

    missing      why it was not scored, if it was not
    floors       what simple models score on the same rows; () where they were not asked for
    leaked       where rows of it are also train rows: how many, and the scores without them
    calibration  of its probabilities, where answers are one label each
    calibrated   the same of its probabilities with the temperature that was fitted, if one was
    """

    name: str
    split: str
    rows: int = 0
    metrics: Mapping[str, Score] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    missing: str | None = None
    floors: tuple[Floor, ...] = ()
    leaked: Leaked | None = None
    calibration: Calibration | None = None
    calibrated: Calibration | None = None


@dataclass(frozen=True, kw_only=True)
class RowCount:
    """How many rows of a split were used, of how many published, and from where.

    cut      how many of them `max_length` truncated
    counted  other counts for the user, by name: see `lines`
    """

    used: int
    there: int
    published: int | None = None
    origin: str = ""
    digest: str = ""
    notes: tuple[str, ...] = ()
    cut: int = 0
    counted: Mapping[str, int] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The counts, a line each."""
        cut = [f"{self.cut:,} of {self.used:,} rows cut to fit the window"] if self.cut else []
        return [*cut, *(count_line(name, count) for name, count in self.counted.items())]

    @property
    def is_complete(self) -> bool:
        """Whether this is the complete published split."""
        return self.published is not None and self.used == self.published


@dataclass(frozen=True, kw_only=True)
class Training:
    """What training did: updates, rows and real tokens seen, seconds, and the last update's loss.

    layout, order  of the batches
    dropout        its generator, "fast" or "torch"
    """

    steps: int
    examples: int
    tokens: int
    seconds: float
    loss: float | None
    layout: str = "bucketed"
    order: str = "length"
    dropout: str = "torch"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a run is taken for a failed one, which learnt nothing or lost what it had learnt, and what to try."""

    reason: str
    advice: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished run.

    marks     why the scores are not benchmark scores: the sample, a partial split
    selected  what was selected on rows taken out of train for it: the update whose model is kept, a threshold, a
              temperature
    failures  why the run is taken for a failed one; () for a sound one
    joules    the energy of the machine's "CPU" and "GPU" in `seconds`, where it counts that
    """

    spec: Spec
    evaluations: tuple[Scored, ...]
    rows: Mapping[str, RowCount]
    training: Training
    device: str
    precision: str
    encoder: Mapping[str, Any]
    versions: Mapping[str, str]
    marks: tuple[str, ...] = ()
    seconds: float = 0.0
    selected: Mapping[str, Any] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    joules: Mapping[str, float] = field(default_factory=dict)
    schema_number: int = SCHEMA

    @property
    def headline(self) -> tuple[str, Score] | None:
        """The first metric of the first evaluation that was scored."""
        for scored in self.evaluations:
            for name, score in scored.metrics.items():
                return name, score
        return None


@dataclass(frozen=True, kw_only=True)
class PretrainResult:
    """A finished pretraining run.

    measures  of the held-out text at the end, by name: loss in nats, perplexity, accuracy of predicted tokens
    unigram   the loss of the same tokens under the unigram distribution of the train text
    rows      rows of the "train" and the "held-out" text
    corpus    what was read, counted, and its digest
    encoder   the model: its architecture, parameters, digests
    """

    spec: PretrainSpec
    measures: Mapping[str, Score]
    unigram: float | None
    rows: Mapping[str, int]
    corpus: Mapping[str, Any]
    training: Training
    device: str
    precision: str
    encoder: Mapping[str, Any]
    versions: Mapping[str, str]
    seconds: float = 0.0
    schema_number: int = SCHEMA


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """A pretraining run's folder and its result; `before` if it had finished before this command."""

    folder: Path
    result: PretrainResult
    before: bool


def selected_lines(selected: Mapping[str, Any]) -> list[str]:
    """What was selected in a run, a line each, for the user: see `Result.selected`."""
    lines, on = [], f"on {selected.get('rows', 0):,} selection rows"
    if "step" in selected:
        ended = "; training stopped, no later score being better" if selected["stopped"] else ""
        score = f"{selected['metric']} {selected['value']:.4f}"
        lines.append(f"the model of update {selected['step']:,} is kept: {score} {on}{ended}")
    if "threshold" in selected:
        score = f"{selected['metric']} {selected['value with it']:.4f}"
        lines.append(f"labels are given from a probability of {selected['threshold']:.4f}: {score} {on}")
    if "temperature" in selected:
        lines.append(_temperature_line(selected, on))
    return lines


def _temperature_line(selected: Mapping[str, Any], on: str) -> str:
    if selected["temperature"] is None:
        return f"no temperature is best {on}: every one is right, or no more than by chance"
    low, high = selected["temperature low"], selected["temperature high"]
    sure = f"[{low:.3f}, {'no limit' if high is None else f'{high:.3f}'}]"
    chance = ", no clear gain" if low <= 1 <= (high or 1) else ""
    losses = f"log loss {selected['log loss']:.4f}, with it {selected['log loss with it']:.4f}"
    return f"temperature {selected['temperature']:.3f} {sure}{chance} (predict --calibrated): {losses} {on}"


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run's folder and its result; `before` if it had finished before this command."""

    folder: Path
    result: Result
    before: bool
