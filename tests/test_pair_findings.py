"""What is said of accuracies on NSP and SOP pairs: what holds, what does not, and what is within noise."""

from __future__ import annotations

import numpy as np
import pytest

from bertkit.evaluation.pairs import READINGS, Reading
from bertkit.studies.pair_findings import NSP, OVERLAP, SOP, Accuracy, apart, at_chance, findings, lines
from bertkit.studies.pairs import accuracy_of

READERS = (NSP, SOP, OVERLAP)
PAIRS = 400
GOLDS = np.arange(PAIRS) % 2


def accuracy(reader: str, pairs: str, reading: Reading, *right: float) -> Accuracy:
    """An accuracy of so much over 400 pairs, for each seed."""
    given = np.stack([np.where(np.arange(PAIRS) < round(one * PAIRS), GOLDS, 1 - GOLDS) for one in right])
    return accuracy_of(reader, pairs, reading, given, GOLDS)


def table(nsp: tuple[float, float], sop: tuple[float, float], words: tuple[float, float]) -> list[Accuracy]:
    """The accuracies of both models and of the baseline on NSP and on SOP pairs, masked or whole."""
    of = dict(zip(READERS, (nsp, sop, words), strict=True))
    return [
        accuracy(reader, kind, reading, value)
        for reader, values in of.items()
        for kind, value in zip((NSP, SOP), values, strict=True)
        for reading in READINGS
    ]


PUBLISHED = table((0.905, 0.52), (0.789, 0.865), (0.71, 0.5))


def test_an_accuracy_is_a_mean_over_seeds_with_the_interval_over_pairs_and_that_of_each_class() -> None:
    golds, given = np.array([0, 0, 1, 1]), np.array([[0, 0, 0, 1], [0, 1, 0, 1]])
    found = accuracy_of(NSP, SOP, "whole", given, golds)
    assert (found.score.value, found.seeds) == (5 / 8, (0.75, 0.5))
    assert {name: score.value for name, score in found.classes.items()} == {"in order": 0.75, "swapped": 0.5}
    one = accuracy(NSP, NSP, "masked", 0.5)
    z, n = 1.959964, PAIRS
    half = z / (1 + z * z / n) * (0.25 / n + z * z / (4 * n * n)) ** 0.5
    assert (one.score.low, one.score.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)  # Wilson
    assert accuracy(NSP, NSP, "masked", 0.5, 0.5).score == one.score  # two seeds read the same pairs, not more of them


def test_of_the_published_pattern_all_holds() -> None:
    found = findings(PUBLISHED)
    verdicts = [one.verdict for one in found]
    assert verdicts[:-1] == ["holds"] * 7
    assert (found[-1].verdict, found[-1].published) == ("within noise", "90.5 and 86.5")  # of 400 pairs
    assert found[3].line.startswith(
        "Holds: the NSP model is at chance on SOP pairs (52.0 [47.1, 56.9]; Lan et al. 2020, table 5: 52.0)"
    )


def test_where_the_models_learnt_other_things_this_is_said() -> None:
    found = {one.claim: one.verdict for one in findings(table((0.7, 0.6), (0.4, 0.8), (0.75, 0.5)))}
    assert found["the NSP model tells NSP pairs better than word overlap does"] == "within noise"
    assert found["the NSP model is at chance on SOP pairs"] == "does not hold"
    assert found["the SOP model tells NSP pairs too"] == "does not hold"
    assert found["NSP is easier than SOP, each for its own model"] == "does not hold"


def test_what_holds_is_said_before_noise_and_before_what_does_not() -> None:
    said = lines(table((0.7, 0.6), (0.4, 0.8), (0.75, 0.5)))
    assert said[0] == "On NSP pairs the NSP model is 20.0 points above chance, and word overlap alone 25.0"
    heads = [line.partition(":")[0] for line in said if ": " in line]
    assert heads == sorted(heads, key=["Holds", "Within noise", "Does not hold"].index)
    assert said[-1] == "Whole text in place of masked text changes nothing beyond noise (+0.0, +0.0, +0.0, +0.0 points)"


def test_a_model_that_has_not_learnt_its_own_pairs_is_named() -> None:
    said = lines(table((0.5, 0.5), (0.5, 0.5), (0.71, 0.5)))
    assert said[-1].startswith("Neither model has learnt the pairs it was trained on")
    assert not any("points above chance" in line for line in said)
    assert "The SOP model has not" in lines(table((0.9, 0.5), (0.5, 0.5), (0.71, 0.5)))[-1]


def test_a_change_by_whole_text_is_said_where_intervals_are_apart() -> None:
    found = [one for one in PUBLISHED if (one.reader, one.pairs, one.reading) != (SOP, SOP, "whole")]
    said = lines([*found, accuracy(SOP, SOP, "whole", 0.75)])
    assert said[-1] == "Whole text in place of masked text changes the SOP model on SOP pairs -11.5 points"


def test_seeds_that_overlap_are_noise_even_where_intervals_over_pairs_do_not() -> None:
    low, high = accuracy(NSP, NSP, "masked", 0.5, 0.72), accuracy(SOP, NSP, "masked", 0.7, 0.9)
    assert low.score.high < high.score.low
    assert not apart(low, high)
    assert apart(accuracy(NSP, NSP, "masked", 0.5, 0.6), accuracy(SOP, NSP, "masked", 0.8, 0.7))
    assert at_chance(accuracy(NSP, NSP, "masked", 0.4, 0.75))
    assert "±" in low.shown and low.shown.endswith("± 15.6")  # the standard deviation of 50 and 72
