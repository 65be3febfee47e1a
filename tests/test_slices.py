"""Scores by parts of the rows: which rows are in a part, what it scores, and when it is said to differ from the others.

R rows.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from door import Refused, refused
from files import json_lines, write
from own_tasks import said
from scipy.stats import fisher_exact, permutation_test
from sklearn.metrics import accuracy_score

import bertkit
from bertkit.cli import main
from bertkit.data.raw_columns import annotators_in, matched
from bertkit.errors import RequestError
from bertkit.evaluation.metrics import METRICS
from bertkit.evaluation.parts import Division, by_agreement, by_column, by_value, quartered
from bertkit.evaluation.slices import Slicing, adjusted, difference_p, influence, on_parts, sliced
from bertkit.result import Score

__all__ = ["refused"]


def parts_of(division: Division) -> dict[str, list[int]]:
    return {name: np.flatnonzero(mask).tolist() for name, mask in division.parts.items()}


def test_quartiles_by_hand() -> None:
    found = quartered("length", [5, 1, 8, 2, 7, 3, 4, 6])
    assert parts_of(found) == {"1 to 2": [1, 3], "3 to 4": [5, 6], "5 to 6": [0, 7], "7 to 8": [2, 4]}


def test_equal_numbers_are_in_one_part() -> None:
    assert parts_of(quartered("length", [3, 3, 3, 3, 3, 9])) == {"3": [0, 1, 2, 3, 4], "9": [5]}
    assert parts_of(quartered("length", [2, float("nan"), 2])) == {"2": [0, 2]}
    assert parts_of(quartered("length", [float("nan")])) == {}


def test_the_commonest_values_have_parts_and_the_others_share_one() -> None:
    names = [[f"v{k:02}"] for k in range(14) for _ in range(14 - k)]
    found = by_value("source", names)
    assert list(found.parts) == [*(f"v{k:02}" for k in range(12)), "other (2)"]
    assert [int(mask.sum()) for mask in found.parts.values()] == [14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2 + 1]


def test_a_thirteenth_value_is_not_hidden_behind_other() -> None:
    assert len(by_value("source", [[f"{k}"] for k in range(13)]).parts) == 13


def test_a_row_may_be_in_several_parts() -> None:
    assert parts_of(by_value("tag", [["NOUN", "VERB"], ["NOUN"], []])) == {"NOUN": [0, 1], "VERB": [0]}


def test_large_numbers_and_close_ones_have_parts_of_their_own() -> None:
    large = [12345678901, 12345678902, 12345678903, 12345678904]
    assert list(quartered("id", large).parts) == [f"{one}" for one in large]
    assert list(quartered("share", [0.12345678901, 0.12345678902]).parts) == ["0.12345678901", "0.12345678902"]


def test_words_for_nothing_are_labels_of_annotators_and_missing_among_numbers() -> None:
    assert parts_of(by_agreement("agreement", [("none", "none"), ("none", "a"), ("", "a")])) == {
        "agree": [0],
        "disagree": [1],
    }
    assert list(by_column("stance", ["none", "none", "-", "null"]).parts) == ["none", "-", "null"]
    stars = by_column("stars", [*(str(k) for k in range(1, 17)), "NA", "-", float("nan")])
    assert list(stars.parts) == ["1 to 4", "5 to 8", "9 to 12", "13 to 16"]


def test_years_are_written_as_years() -> None:
    assert next(iter(by_column("year", range(1990, 2006)).parts)) == "1990 to 1993"


def test_a_column_of_many_numbers_is_cut_in_quartiles() -> None:
    assert list(by_column("stars", [str(k) for k in range(1, 17)]).parts) == ["1 to 4", "5 to 8", "9 to 12", "13 to 16"]


@pytest.mark.parametrize(
    ("cells", "parts"),
    [
        ([1, 2, 2, None], {"2": [1, 2], "(empty)": [3], "1": [0]}),
        (["web", " web", "print", ""], {"web": [0, 1], "(empty)": [3], "print": [2]}),
        ([True, False, True], {"True": [0, 2], "False": [1]}),
    ],
)
def test_a_column_of_few_values_has_a_part_for_each(cells: list[Any], parts: dict[str, list[int]]) -> None:
    assert parts_of(by_column("source", cells)) == parts


def test_annotators_agree_where_all_labels_are_the_same() -> None:
    given = [("a", "a"), ("a", "b"), ("a", ""), ("a", "a ", None), (0, 1)]
    assert parts_of(by_agreement("agreement", given)) == {"agree": [0, 3], "disagree": [1, 4]}


@pytest.mark.parametrize(
    ("present", "found"),
    [
        (["text", "label", "label1", "label2"], ["label1", "label2"]),
        (["Annotator A", "Annotator B", "text"], ["Annotator A", "Annotator B"]),
        (["rater_1_label", "rater_2_label"], ["rater_1_label", "rater_2_label"]),
        (["label1", "text"], []),  # one, as in MultiNLI's train
        (["label1", "rater2"], []),
        (["gold_label", "annotator_labels"], ["annotator_labels"]),
        (["sentence1", "sentence2", "label"], []),
    ],
)
def test_columns_of_annotators_are_known_by_their_names(present: list[str], found: list[str]) -> None:
    assert annotators_in(present) == found


def test_a_column_is_found_whatever_its_case() -> None:
    assert matched("SOURCE", ["text", "Source "]) == "Source "
    assert matched("source", ["Source", "source"]) == "source"
    assert matched("nix", ["source"]) is None


TAGGED = [["A", "B", None], ["B", "B"], ["A"], ["C", "A"]]
CASES: dict[str, tuple[list[Any], list[Any]]] = {
    "accuracy": (["a", "b", "a", "b", "a"], ["a", "b", "b", "b", "b"]),
    "multilabel_f1_micro": ([["a"], ["a", "b"], [], ["b"]], [["a"], ["b"], ["a"], ["a", "b"]]),
    "multilabel_exact": ([["a"], ["a", "b"], [], ["b"]], [["a"], ["b"], ["a"], ["b"]]),
    "pearson": ([1.0, 2.0, 3.0, 4.0, 2.0, 1.0], [1.5, 1.0, 2.5, 4.0, 3.0, 0.0]),
    "spearman": ([1.0, 2.0, 3.0, 4.0, 2.0, 1.0], [1.5, 1.0, 2.5, 4.0, 3.0, 0.0]),
    "r2": ([1.0, 2.0, 3.0, 4.0, 2.0, 1.0], [1.5, 1.0, 2.5, 4.0, 3.0, 0.0]),
    "tag_accuracy": (TAGGED, [["A", "A", "A"], ["B", None], ["A"], ["C", "C"]]),
    "entity_f1": ([["B-X"], ["B-X", "O"], ["B-Y"], ["O"]], [["B-X"], ["O", "B-X"], ["B-Y"], ["B-Y"]]),
    "squad_f1": ([["the cat"], ["dog"], [], ["a b c"]], ["cat", "cat", "", "b"]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_part_scores_as_its_rows_do_by_themselves(name: str) -> None:
    golds, answers = CASES[name]
    metric, rows = METRICS[name], len(golds)
    table = metric.measure(golds, answers, ("a", "b"))
    mask = np.arange(rows) < rows - 2
    if metric.kind == "number":
        mask = np.arange(rows) % 2 == 0
    (found,) = sliced(metric, table, [Division(by="half", parts={"first": mask, "second": ~mask})], "dev")
    for part, those in zip(found.slices, (mask, ~mask), strict=True):
        picked = [[side[k] for k in np.flatnonzero(those)] for side in (golds, answers)]
        alone = metric.measure(*picked, ("a", "b"))
        interval = metric.interval(alone, metric.score)
        assert part.score == Score(
            value=pytest.approx(metric.of(*picked, ("a", "b"))), low=interval.low, high=interval.high,
            interval=interval.name,
        )  # fmt: skip
        assert part.rows == int(those.sum())
    assert found.score.value == pytest.approx(metric.of(golds, answers, ("a", "b")))


def test_the_accuracy_of_a_label_is_its_recall() -> None:
    golds, answers = ["a", "a", "a", "b"], ["a", "a", "b", "b"]
    metric = on_parts("matthews")
    table = metric.measure(golds, answers, ("a", "b"))
    (found,) = sliced(metric, table, [by_value("gold label", [[gold] for gold in golds])], "dev")
    assert {part.name: part.score.value for part in found.slices} == {"a": pytest.approx(2 / 3), "b": 1.0}
    assert found.metric == "accuracy" and found.score.value == accuracy_score(golds, answers)


def test_a_part_on_which_a_correlation_is_not_defined_is_named_and_not_scored() -> None:
    metric = METRICS["pearson"]
    table = metric.measure([1.0, 2.0, 3.0, 4.0, 4.0, 4.0, 1.0], [1.0, 2.0, 2.5, 3.0, 2.0, 1.0, 2.0], ())
    parts = {"rising": [0, 1, 2], "two": [0, 6], "constant": [3, 4, 5], "others": [2, 3, 6]}
    masks = {name: np.isin(np.arange(7), rows) for name, rows in parts.items()}
    (found,) = sliced(metric, table, [Division(by="part", parts=masks)], "dev")
    assert [part.name for part in found.slices] == ["rising", "others"]
    assert found.undefined == ("two", "constant")


def test_rows_that_are_all_in_one_part_are_not_divided() -> None:
    table = METRICS["accuracy"].measure(["a", "a"], ["a", "b"], ())
    assert sliced(METRICS["accuracy"], table, [by_value("gold label", [["a"], ["a"]])], "dev") == []


def test_right_and_wrong_rows_are_tested_as_fisher_does() -> None:
    right, mask = np.array([1.0] * 8 + [0.0] * 4), np.array([True] * 5 + [False] * 7)
    mask[8:10] = True  # 5 right and 2 wrong against 3 right and 2 wrong
    assert difference_p(right - right.mean(), mask) == pytest.approx(fisher_exact([[5, 2], [3, 2]]).pvalue)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [8, 30, 100])
def test_other_measures_are_tested_as_by_permuting_the_rows(seed: int, size: int) -> None:
    draws = np.random.default_rng(seed)
    sizes = draws.integers(1, 30, 150)
    table = np.stack([draws.binomial(sizes, 0.85), sizes], axis=1).astype(float)
    sway = influence(METRICS["tag_accuracy"], table)
    mask = np.zeros(150, bool)
    mask[draws.permutation(150)[:size]] = True
    found = permutation_test(
        (sway[mask], sway[~mask]), lambda a, b, axis: a.sum(axis=axis), vectorized=True, n_resamples=9_999, rng=draws
    )
    assert difference_p(sway, mask) == pytest.approx(found.pvalue, abs=0.03)


def test_a_small_p_of_skewed_measures_is_that_of_permuting_the_rows() -> None:
    draws = np.random.default_rng(5)
    sway = draws.exponential(1.0, 200)
    order = np.argsort(sway)
    mask = np.isin(np.arange(200), order[[60, 90, 110, 130, 150, 165, 180, 185, 190, 195]])
    sums = np.array([draws.permutation(sway)[:10].sum() for _ in range(20_000)])
    wanted = 2 * float((sums >= sway[mask].sum()).mean())
    assert 0.01 < wanted < 0.05
    assert difference_p(sway, mask) == pytest.approx(wanted, rel=0.2)  # by two moments alone it is smaller


@pytest.mark.parametrize("name", ["pearson", "spearman", "r2", "tag_accuracy"])
def test_the_influence_of_a_row_is_what_the_score_loses_without_it(name: str) -> None:
    draws = np.random.default_rng(3)
    golds = draws.normal(0, 1, 400)
    table = np.stack([golds, golds + draws.normal(0, 0.7, 400)], axis=1)
    if name == "tag_accuracy":
        table = np.stack([draws.binomial(20, 0.8, 400), np.full(400, 20)], axis=1).astype(float)
    metric = METRICS[name]
    without = np.array([metric.score(np.delete(table, k, axis=0)) for k in range(0, 400, 8)])
    lost = metric.score(table) - without
    assert np.corrcoef(influence(metric, table)[::8], lost)[0, 1] > 0.98


def slicing(*ps: float) -> Slicing:
    from bertkit.evaluation.slices import Slice

    one = Score(value=0.5, low=0.4, high=0.6)
    return Slicing(
        by="x", evaluation="dev", metric="accuracy", score=one,
        slices=tuple(Slice(name=str(p), rows=1, score=one, p=p) for p in ps),
    )  # fmt: skip


def test_holm_by_hand_over_all_slices() -> None:
    found = adjusted([slicing(0.01, 0.04), slicing(0.03, 0.005)])
    # ascending: .005 x 4, .01 x 3, .03 x 2, .04 x 1, none below the one before it
    assert [part.p for one in found for part in one.slices] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjusted([]) == ()


def divided(draws: Any, rows: int) -> list[Division]:
    """As many parts as a run has: quartiles, labels, and a column of eight values."""
    return [
        quartered("length", draws.integers(3, 60, rows)),
        by_value("label", [[str(one)] for one in draws.integers(0, 3, rows)]),
        by_value("source", [[str(one)] for one in draws.integers(0, 8, rows)]),
    ]


@pytest.mark.parametrize("name", ["accuracy", "tag_accuracy", "squad_f1"])
def test_parts_drawn_at_random_are_marked_in_at_most_5_of_100_draws(name: str) -> None:
    marked, count = 0, 300
    for seed in range(count):
        draws = np.random.default_rng(seed)
        table = (draws.random((300, 1)) < 0.85).astype(float)
        if name == "tag_accuracy":
            sizes = draws.geometric(0.08, 300)
            table = np.stack([draws.binomial(sizes, 0.93), sizes], axis=1).astype(float)
        elif name == "squad_f1":
            table = table * draws.choice([0.25, 0.5, 1.0, 1.0], (300, 1))
        found = adjusted(sliced(METRICS[name], table, divided(draws, 300), "dev"))
        marked += any(part.p < 0.05 for one in found for part in one.slices)
    assert marked <= 0.05 * count


def test_a_part_that_is_worse_is_found() -> None:
    found = 0
    for seed in range(20):
        draws = np.random.default_rng(seed)
        divisions = divided(draws, 800)
        bad = divisions[-1].parts["3"]
        table = (draws.random((800, 1)) < np.where(bad, 0.55, 0.88)[:, None]).astype(float)
        slicings = adjusted(sliced(METRICS["accuracy"], table, divisions, "dev"))
        found += next(part for part in slicings[-1].slices if part.name == "3").p < 0.05
    assert found >= 19


# As it is typed.


SOURCES = ("web", "print", "radio")
ROWS = [
    {"text": f"{text} {k}", "label": label, "Source": SOURCES[k % 3], "year": 1990 + k, "label1": label,
     "label2": label if k % 4 else "negative"}
    for k in range(16)
    for text, label in tiny.REVIEWS
]  # fmt: skip


BY = ["length in tokens", "share of unknown tokens", "gold label", "agreement of label1, label2"]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a user's own file, a fifth of it held out; its model's weights are gone."""
    below = tmp_path_factory.mktemp("reviews")
    file = write(below / "reviews.jsonl", json_lines(*ROWS))
    model = tiny.make("bert", below / "tiny")
    done = bertkit.finetune(
        file, text_column="text", label_column="label", model=model, max_steps=12, learning_rate=3e-3, device="cpu",
        out=below / "runs",
    )  # fmt: skip
    (done.folder / "model" / "model.safetensors").unlink()
    return done.folder


def test_a_run_is_scored_by_parts_from_its_saved_answers(reviews: Path) -> None:
    from own_tasks import predictions

    found = bertkit.evaluate(reviews, slices=True, slice_by=["source", "year"])
    assert isinstance(found, tuple)
    by = {one.by: one for one in found}
    assert list(by) == [*BY, "Source", "year"]
    lines = predictions(reviews)
    rows = {str(k): row for k, row in enumerate(ROWS)}
    for name in SOURCES:
        right = [line["answer"] == line["gold"] for line in lines if rows[line["row_id"]]["Source"] == name]
        part = next(part for part in by["Source"].slices if part.name == name)
        assert (part.rows, part.score.value) == (len(right), pytest.approx(np.mean(right)))
    agree = [line for line in lines if rows[line["row_id"]]["label1"] == rows[line["row_id"]]["label2"]]
    assert next(part.rows for part in by["agreement of label1, label2"].slices if part.name == "agree") == len(agree)
    assert len(by["year"].slices) == 4 and sum(part.rows for part in by["year"].slices) == len(lines)
    assert {one.metric for one in found} == {"accuracy"} and {one.evaluation for one in found} == {"dev"}


def test_the_table_is_80_columns_wide(reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["eval", str(reviews), "--slice-by", "source"])
    printed = capsys.readouterr().out
    assert leaving.value.code == 0
    assert "by Source" in printed and "  radio " in printed and "accuracy [95 % over rows]" in printed
    assert max(map(len, printed.splitlines()[1:])) <= 80
    assert "slices" in printed.splitlines()[-1]


def test_json_has_every_slice(reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, "eval", str(reviews), "--slices", "--json")
    assert [one["by"] for one in found["slices"]] == BY
    assert set(found["slices"][0]["slices"][0]) == {"name", "rows", "score", "p"}


@pytest.mark.parametrize(
    ("task", "by"),
    [("squad_v2", "answer"), ("ud_en_ewt", "tag"), ("stsb", None)],
)
def test_every_head_has_parts(task: str, by: str | None, tmp_path: Path) -> None:
    model = tiny.make("bert", tmp_path / "tiny")
    stride = {"doc_stride": 16} if task == "squad_v2" else {}
    done = bertkit.finetune(
        task, sample=True, model=model, max_steps=12 if task == "stsb" else 1, learning_rate=5e-3, max_length=128,
        device="cpu", out=tmp_path / "runs", **stride,
    )  # fmt: skip
    found = bertkit.evaluate(done.folder, slices=True)
    assert isinstance(found, tuple)
    named = {one.by: one for one in found}
    assert ("length in tokens" in named) and (by is None or by in named)
    if by == "answer":
        assert {part.name for part in named[by].slices} == {"has an answer", "has none"}
        assert sum(part.rows for part in named[by].slices) == done.result.evaluations[0].rows
    if by == "tag":
        assert "NOUN" in {part.name for part in named[by].slices}


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--slice-by", "nix"], "--slice-by nix: no such column; there are text, label, Source, year, label1, label2"),
        (["--slices", "--seed", "2"], "--seed: a run is scored again as its spec.json says"),
    ],
)
def test_what_a_run_has_no_slices_by_is_refused(reviews: Path, refused: Refused, flags: list[str], line: str) -> None:
    assert line in refused("eval", str(reviews), *flags)


@pytest.mark.parametrize("target", ["sst2", "glue", "new.csv"])
def test_slices_are_of_a_run(refused: Refused, target: str) -> None:
    assert f"--slices: name a run's folder, not {target}" in refused("eval", target, "--slices")
    with pytest.raises(RequestError, match="name a run's folder"):
        bertkit.evaluate(target, slice_by="source")


def test_a_run_that_is_not_finished_is_named(reviews: Path, refused: Refused, tmp_path: Path) -> None:
    folder = shutil.copytree(reviews, tmp_path / "copy")
    (folder / "result.json").unlink()
    assert f"{folder} is not finished: `bertkit resume {folder}` resumes it" in refused("eval", str(folder), "--slices")


def test_rows_that_changed_since_are_refused(reviews: Path, refused: Refused, tmp_path: Path) -> None:
    folder = shutil.copytree(reviews, tmp_path / "copy")
    lines = (folder / "predictions.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / "predictions.jsonl").write_text("".join(lines[1:]), "utf-8")
    assert "they changed since it finished" in refused("eval", str(folder), "--slices")
    (folder / "predictions.jsonl").write_text("".join([*lines[1:], "{}\n"]), "utf-8")
    assert "predictions.jsonl is damaged" in refused("eval", str(folder), "--slices")


def test_the_keywords_of_evaluate_are_the_flags_of_eval() -> None:
    from dataclasses import fields
    from typing import get_type_hints

    from bertkit.api import EvaluateOptions
    from bertkit.request.keywords import Options
    from bertkit.request.slice_flags import SliceFlags

    assert set(get_type_hints(EvaluateOptions)) - set(get_type_hints(Options)) == {f.name for f in fields(SliceFlags)}
