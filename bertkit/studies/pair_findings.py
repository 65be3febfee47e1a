"""What the accuracies on NSP and SOP pairs say, beside the published ones: what holds, what does not, what is noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bertkit.evaluation.pairs import READINGS, Reading
from bertkit.evaluation.stats import spread
from bertkit.result import Score

NSP, SOP, OVERLAP = "mlm+nsp", "mlm+sop", "word overlap"
"""Readers of pairs: the models of two objectives, which name the kinds of pairs too, and the baseline."""
TITLES = {NSP: "NSP", SOP: "SOP"}
CLASSES = {NSP: ("next", "other document"), SOP: ("in order", "swapped")}
"""The classes of each kind of pairs."""
CHANCE = 0.5
"""The accuracy of guessing: both classes are as likely."""
PUBLISHED = {(NSP, NSP): 0.905, (NSP, SOP): 0.520, (SOP, NSP): 0.789, (SOP, SOP): 0.865}
"""Lan et al. (2020), table 5: the accuracy of the model of the first on pairs of the second, for ALBERT-base."""
SOURCE = "Lan et al. 2020, table 5"

Verdict = Literal["holds", "within noise", "does not hold"]


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How well a reader tells pairs of one kind.

    score    its mean over seeds, with a 95 % interval over pairs
    seeds    the accuracy of each seed
    classes  the same for the pairs of each class
    """

    reader: str
    pairs: str
    reading: Reading
    score: Score
    seeds: tuple[float, ...]
    classes: Mapping[str, Score]

    @property
    def shown(self) -> str:
        """As a percentage with its interval, and its standard deviation where there are several seeds."""
        return _shown(self.score) + (f" ± {100 * spread(self.seeds).sd:.1f}" if len(self.seeds) > 1 else "")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that was expected, the accuracies it is about, and whether it holds for them."""

    claim: str
    here: str
    published: str | None
    verdict: Verdict

    @property
    def line(self) -> str:
        """In one sentence."""
        there = f"; {SOURCE}: {self.published}" if self.published else ""
        said = {"holds": "Holds", "does not hold": "Does not hold", "within noise": "Within noise"}[self.verdict]
        return f"{said}: {self.claim} ({self.here}{there})"


class _Table:
    """Accuracies by reader and kind of pairs."""

    def __init__(self, accuracies: Sequence[Accuracy], reading: Reading) -> None:
        self.of = {(one.reader, one.pairs): one for one in accuracies if one.reading == reading}

    def above(self, claim: str, one: tuple[str, str], other: tuple[str, str]) -> Finding:
        """Whether the first is above the second."""
        first, second = self.of[one], self.of[other]
        verdict: Verdict = "within noise"
        if apart(first, second):
            verdict = "holds" if first.score.value > second.score.value else "does not hold"
        there = f"{_percent(PUBLISHED[one])} and {_percent(PUBLISHED[other])}" if {one, other} <= {*PUBLISHED} else None
        return Finding(claim=claim, here=f"{first.shown} and {second.shown}", published=there, verdict=verdict)

    def above_chance(self, claim: str, one: tuple[str, str]) -> Finding:
        """Whether it is better than guessing."""
        found = self.of[one]
        verdict: Verdict = "within noise" if at_chance(found) else "does not hold"
        if found.score.low > CHANCE and min(found.seeds) > CHANCE:
            verdict = "holds"
        return Finding(claim=claim, here=found.shown, published=_published(one), verdict=verdict)

    def chance(self, claim: str, one: tuple[str, str]) -> Finding:
        """Whether it is no better than guessing: within noise of 50 %."""
        found = self.of[one]
        verdict: Verdict = "holds" if at_chance(found) else "does not hold"
        return Finding(claim=claim, here=found.shown, published=_published(one), verdict=verdict)


def at_chance(one: Accuracy) -> bool:
    """Whether guessing is within its interval over pairs, or between its seeds."""
    return one.score.low <= CHANCE <= one.score.high or min(one.seeds) <= CHANCE <= max(one.seeds)


def apart(one: Accuracy, other: Accuracy) -> bool:
    """Whether their intervals over pairs do not overlap, nor their seeds."""
    low, high = sorted((one, other), key=lambda accuracy: accuracy.score.value)
    return low.score.high < high.score.low and max(low.seeds) < min(high.seeds)


def findings(accuracies: Sequence[Accuracy]) -> tuple[Finding, ...]:
    """What was expected, and whether it holds of the models reading masked text, as they were trained."""
    table = _Table(accuracies, "masked")
    return (
        table.above_chance("word overlap tells NSP pairs", (OVERLAP, NSP)),
        table.chance("word overlap is at chance on SOP pairs, whose words are the same either way", (OVERLAP, SOP)),
        table.above("the NSP model tells NSP pairs better than word overlap does", (NSP, NSP), (OVERLAP, NSP)),
        table.chance("the NSP model is at chance on SOP pairs", (NSP, SOP)),
        table.above_chance("the SOP model tells SOP pairs", (SOP, SOP)),
        table.above_chance("the SOP model tells NSP pairs too", (SOP, NSP)),
        table.above("the NSP model tells NSP pairs better than the SOP model does", (NSP, NSP), (SOP, NSP)),
        table.above("NSP is easier than SOP, each for its own model", (NSP, NSP), (SOP, SOP)),
    )


def lines(accuracies: Sequence[Accuracy]) -> tuple[str, ...]:
    """What the accuracies say, in sentences: first what holds, then what is noise, then what does not hold."""
    found = findings(accuracies)
    order = ("holds", "within noise", "does not hold")
    said = [one.line for verdict in order for one in found if one.verdict == verdict]
    return (*_topic(accuracies), *said, *_readings(accuracies), *_unlearnt(accuracies))


def _topic(accuracies: Sequence[Accuracy]) -> list[str]:
    """How much of what the NSP model tells is told by words alone."""
    table = _Table(accuracies, "masked")
    model, words = table.of[NSP, NSP], table.of[OVERLAP, NSP]
    if at_chance(model) or model.score.value < CHANCE:
        return []
    gain, alone = (100 * (one.score.value - CHANCE) for one in (model, words))
    return [f"On NSP pairs the NSP model is {gain:.1f} points above chance, and word overlap alone {alone:.1f}"]


def _readings(accuracies: Sequence[Accuracy]) -> list[str]:
    """What whole text changes, for the models."""
    tables = {reading: _Table(accuracies, reading).of for reading in READINGS}
    changes, clear = [], []
    for key in PUBLISHED:
        masked, whole = (tables[reading][key] for reading in READINGS)
        change = 100 * (whole.score.value - masked.score.value)
        changes.append(f"{change:+.1f}")
        if apart(masked, whole):
            clear.append(f"the {TITLES[key[0]]} model on {TITLES[key[1]]} pairs {change:+.1f}")
    if clear:
        return [f"Whole text in place of masked text changes {', '.join(clear)} points"]
    return [f"Whole text in place of masked text changes nothing beyond noise ({', '.join(changes)} points)"]


def _unlearnt(accuracies: Sequence[Accuracy]) -> list[str]:
    """Models that have not learnt even their own pairs."""
    table = _Table(accuracies, "masked")
    names = [TITLES[name] for name in TITLES if at_chance(table.of[name, name])]
    if not names:
        return []
    who = "Neither model has" if len(names) > 1 else f"The {names[0]} model has not"
    return [f"{who} learnt the pairs it was trained on, so what it tells of others says little: give a larger --budget"]


def _published(one: tuple[str, str]) -> str | None:
    return _percent(PUBLISHED[one]) if one in PUBLISHED else None


def _shown(score: Score) -> str:
    return f"{_percent(score.value)} [{_percent(score.low)}, {_percent(score.high)}]"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"
