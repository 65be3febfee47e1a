"""The metrics: plain functions on scikit-learn and scipy.

A metric first measures each row (R rows -> measures (R, k)), then scores the measures: its interval over the rows
needs these alone (intervals.py). Scores are fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal

import numpy as np

from bertkit.evaluation import sums
from bertkit.evaluation.intervals import Measures, Method, bootstrap, jeffreys_f1, of_confusions, of_sums, wilson
from bertkit.evaluation.sums import macro_f1_of, macro_f1_of_sums, matthews_of
from bertkit.heads import chunks, squad, squad_chars
from bertkit.heads.label_sets import counts_of
from bertkit.heads.schemes import recognise

Labels = Sequence[str]
Kind = Literal["label", "labels", "answers", "number", "tags", "text"]
Measure = Callable[[Sequence[Any], Sequence[Any], Labels], Measures]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A way to score answers.

    kind      what it compares: a label's name, a list of them, the places of right answers, a number, tags, or a text
              with a list of golds
    measure   (golds, values, labels) -> (R, k), a line a row
    score     (R, k) -> a fraction, or a correlation
    interval  how the 95 % interval of the score over the rows is computed
    best      what a perfect system gets, `worst` the least there is; more is better for every metric here
    of_scheme its `measure` for chunk tags of a scheme, where that makes a difference
    sums      the score by sums over the rows; None where it is computed from the rows themselves
    """

    name: str
    kind: Kind
    measure: Measure
    score: Callable[[Measures], float]
    interval: Method = bootstrap
    best: float = 1.0
    worst: float = 0.0
    of_scheme: Callable[[str], Measure] | None = None
    sums: sums.Sums | None = None

    def under(self, scheme: str | None) -> Metric:
        """The metric for chunk tags of this scheme, where it goes by the scheme."""
        return self if scheme is None or self.of_scheme is None else replace(self, measure=self.of_scheme(scheme))

    def of(self, golds: Sequence[Any], values: Sequence[Any], labels: Labels = ()) -> float:
        """The score of `values` against `golds`, one of each a row."""
        return self.score(self.measure(golds, values, labels))


def _codes(golds: Sequence[Any], values: Sequence[Any], labels: Labels) -> Measures:
    order = {name: i for i, name in enumerate(labels)}
    return np.array([[order[gold], order[value]] for gold, value in zip(golds, values, strict=True)], float)


def _equal(golds: Sequence[Any], values: Sequence[Any], labels: Labels) -> Measures:
    return np.array([[gold == value] for gold, value in zip(golds, values, strict=True)], float)


def _numbers(golds: Sequence[Any], values: Sequence[Any], labels: Labels) -> Measures:
    return np.array(list(zip(golds, values, strict=True)), float)


def _tag_counts(golds: Sequence[Any], values: Sequence[Any], labels: Labels) -> Measures:
    """Right tags and words of each row; a word that got no tag is a wrong one, a word without a gold is none."""
    return np.array(
        [
            [sum(map(_right, gold, value)), len(gold) - gold.count(None)]
            for gold, value in zip(golds, values, strict=True)
        ],
        float,
    )


def _right(gold: str | None, value: str | None) -> bool:
    return gold is not None and gold == value


def _same_sets(golds: Sequence[Any], values: Sequence[Any], labels: Labels) -> Measures:
    return np.array([[set(gold) == set(value)] for gold, value in zip(golds, values, strict=True)], float)


def _set_counts(golds: Sequence[Any], values: Sequence[Any], labels: Labels) -> Measures:
    """Twice the right labels of each row, and the labels given and gold: F1 is the ratio of their sums."""
    pairs = [(set(gold), set(value)) for gold, value in zip(golds, values, strict=True)]
    return np.array([[2 * len(gold & value), len(gold) + len(value)] for gold, value in pairs], float)


def _set_counts_by_label(golds: Sequence[Any], values: Sequence[Any], labels: Labels) -> Measures:
    """The same by label, (R, 2 L): first what is right, then what is given and gold, of the L labels that occur."""
    _, counts = counts_of(golds, values, labels)
    found: Any = np.concatenate([2 * counts[:, 0], counts[:, 1] + counts[:, 2]], axis=1)
    return found  # type: ignore[no-any-return]  # small integers: of 5,000 labels floats would be large


def _entity_counts(scheme: str | None) -> Measure:
    """Twice the right entities of each row, and the entities given and gold, in seqeval's default mode or strictly."""

    def measure(golds: Sequence[Any], values: Sequence[Any], labels: Labels) -> Measures:
        counts = chunks.entity_counts(golds, values, scheme)
        return np.stack([2 * counts[:, 0], counts[:, 1] + counts[:, 2]], axis=1)

    return measure


def _strict_entity_counts(golds: Sequence[Any], values: Sequence[Any], labels: Labels) -> Measures:
    return _entity_counts(recognise(set(labels)) or "BIO")(golds, values, labels)


def _squad(
    best_of: Callable[[Sequence[str], str], float],
) -> Callable[[Sequence[Any], Sequence[Any], Labels], Measures]:
    def measure(golds: Sequence[Any], values: Sequence[Any], labels: Labels) -> Measures:
        return np.array([[best_of(g, v)] for g, v in zip(golds, values, strict=True)], float)

    return measure


def _mean(table: Measures) -> float:
    return float(table[:, 0].mean())


def _ratio(table: Measures) -> float:
    return float(table[:, 0].sum() / max(table[:, 1].sum(), 1))


def _f1(table: Measures) -> float:
    """F1 of the second label, GLUE's positive one; 0 where it is never given (scikit-learn)."""
    from sklearn.metrics import f1_score

    return float(f1_score(table[:, 0] == 1, table[:, 1] == 1, zero_division=0))


def _f1_macro(table: Measures) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(table[:, 0], table[:, 1], average="macro", zero_division=0))


def _matthews(table: Measures) -> float:
    """Matthews' correlation; 0, not NaN, where all golds or all answers are the same (scikit-learn)."""
    from sklearn.metrics import matthews_corrcoef

    return 0.0 if _constant(table) else float(matthews_corrcoef(table[:, 0], table[:, 1]))


def _pearson(table: Measures) -> float:
    """Pearson's correlation; 0 where either side is constant and it is not defined."""
    from scipy.stats import pearsonr

    return 0.0 if _constant(table) else float(pearsonr(table[:, 0], table[:, 1]).statistic)


def _spearman(table: Measures) -> float:
    """Spearman's rank correlation; 0 where either side is constant and it is not defined."""
    from scipy.stats import spearmanr

    return 0.0 if _constant(table) else float(spearmanr(table[:, 0], table[:, 1]).statistic)


def _f1_macro_of_sets(table: Measures) -> float:
    return float(macro_f1_of_sums(table.sum(axis=0, dtype=np.float64)[None])[0])


def _r2(table: Measures) -> float:
    """The coefficient of determination; where all golds are the same 1 if all answers are right, else 0."""
    from sklearn.metrics import r2_score

    return float(r2_score(table[:, 0], table[:, 1])) if len(table) > 1 else float(table[0, 0] == table[0, 1])


def _constant(table: Measures) -> bool:
    return len(table) < 2 or bool((np.ptp(table, axis=0) < 1e-12).any())


METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="accuracy", kind="label", measure=_equal, score=_mean, interval=wilson, sums=sums.MEAN),
        Metric(
            name="f1",
            kind="label",
            measure=_codes,
            score=_f1,
            interval=jeffreys_f1,
            sums=sums.F1,
        ),
        Metric(
            name="f1_macro",
            kind="label",
            measure=_codes,
            score=_f1_macro,
            interval=of_confusions(macro_f1_of),
            sums=sums.MACRO_F1,
        ),
        Metric(
            name="matthews",
            kind="label",
            worst=-1.0,
            measure=_codes,
            score=_matthews,
            interval=of_confusions(matthews_of),
            sums=sums.MATTHEWS,
        ),
        Metric(
            name="multilabel_f1_micro",
            kind="labels",
            measure=_set_counts,
            score=_ratio,
            interval=wilson,
            sums=sums.RATIO,
        ),
        Metric(
            name="multilabel_f1_macro",
            kind="labels",
            measure=_set_counts_by_label,
            score=_f1_macro_of_sets,
            interval=of_sums(macro_f1_of_sums),
            sums=sums.SETS_MACRO_F1,
        ),
        Metric(
            name="multilabel_exact", kind="labels", measure=_same_sets, score=_mean, interval=wilson, sums=sums.MEAN
        ),
        # SuperGLUE's F1a, over the answers of all questions, and EM, over questions (Wang et al. 2019, section 3.2)
        Metric(name="f1a", kind="answers", measure=_set_counts, score=_ratio, interval=wilson, sums=sums.RATIO),
        Metric(name="all_answers", kind="answers", measure=_same_sets, score=_mean, interval=wilson, sums=sums.MEAN),
        Metric(
            name="pearson",
            kind="number",
            worst=-1.0,
            measure=_numbers,
            score=_pearson,
            sums=sums.PEARSON,
        ),
        Metric(name="spearman", kind="number", measure=_numbers, score=_spearman, worst=-1.0),
        Metric(name="r2", kind="number", measure=_numbers, score=_r2, worst=-inf),
        Metric(name="tag_accuracy", kind="tags", measure=_tag_counts, score=_ratio, interval=wilson, sums=sums.RATIO),
        Metric(
            name="entity_f1", kind="tags", measure=_entity_counts(None), score=_ratio, interval=wilson, sums=sums.RATIO
        ),
        Metric(
            name="entity_f1_strict",
            kind="tags",
            measure=_strict_entity_counts,
            score=_ratio,
            interval=wilson,
            sums=sums.RATIO,
            of_scheme=_entity_counts,
        ),
        Metric(
            name="squad_em", kind="text", measure=_squad(squad.best_exact), score=_mean, interval=wilson, sums=sums.MEAN
        ),
        Metric(
            name="squad_f1", kind="text", measure=_squad(squad.best_f1), score=_mean, interval=wilson, sums=sums.MEAN
        ),
        Metric(
            name="squad_v1_em",
            kind="text",
            measure=_squad(squad.best_exact_v1),
            score=_mean,
            interval=wilson,
            sums=sums.MEAN,
        ),
        Metric(
            name="squad_v1_f1",
            kind="text",
            measure=_squad(squad.best_f1_v1),
            score=_mean,
            interval=wilson,
            sums=sums.MEAN,
        ),
        *(
            Metric(name=name, kind="text", measure=_squad(rule), score=_mean, interval=wilson, sums=sums.MEAN)
            for name, rule in (
                ("squad_chars_em", squad_chars.best_exact_chars),
                ("squad_chars_f1", squad_chars.best_f1_chars),
            )
        ),
    )
}
