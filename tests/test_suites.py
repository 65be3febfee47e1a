"""SuperGLUE and CLUE as suites: averages of published rows, human scores, and what makes a score of one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from files import json_lines, write

from bertkit import registry
from bertkit.cli import main
from bertkit.evaluation.metrics import METRICS
from bertkit.request.flags import Flags
from bertkit.result import Result, RowCount, Score, Scored, Training
from bertkit.spec import Spec
from bertkit.studies.against_human import published_shares
from bertkit.studies.suite import Member, average_of, mean_of, plan, summed
from bertkit.task import Average, Suite

SUITES = {name: registry.find_suite(name) for name in ("superglue", "clue")}
SUPERGLUE, CLUE = SUITES["superglue"], SUITES["clue"]


def columns(text: str) -> list[list[float]]:
    """A row's numbers: a task's metrics with / between them."""
    return [[float(one) for one in cell.split("/")] for cell in text.split()]


def mean_of_means(row: list[list[float]]) -> float:
    return sum(sum(one) / len(one) for one in row) / len(row)


# Test scores in the order BoolQ, CB, COPA, MultiRC, ReCoRD, RTE, WiC, WSC: the leaderboard of 9 February 2022 as in Vu
# et al. 2022 (SPoT), table 5; BERT-large and Bort: github.com/alexa/bort, README; two more: Wang et al. 2019, table 3.
SUPERGLUE_ROWS = {
    "human": ("89.0 95.8/98.9 100.0 81.8/51.9 91.7/91.3 93.6 80.0 100.0", 89.8),
    "ST-MoE-32B": ("92.4 96.9/98.0 99.2 89.6/65.8 95.1/94.4 93.5 77.7 96.6", 91.2),
    "Turing NLR v5": ("92.0 95.9/97.6 98.2 88.4/63.0 96.4/95.9 94.1 77.1 97.3", 90.9),
    "ERNIE 3.0": ("91.0 98.6/99.2 97.4 88.6/63.2 94.7/94.2 92.6 77.4 97.3", 90.6),
    "T5-11B": ("91.2 93.9/96.8 94.8 88.1/63.3 94.1/93.4 92.5 76.9 93.8", 89.3),
    "GPT-3 few-shot": ("76.4 52.0/75.6 92.0 75.4/30.5 91.1/90.2 69.0 49.4 80.1", 71.8),
    "CBoW": ("62.2 49.0/71.2 51.6 0.0/0.5 14.0/13.6 49.7 53.1 65.1", 44.5),
    "BERT-large": ("77.4 75.7/83.6 70.6 70.0/24.1 72.0/71.3 71.7 69.6 64.4", 69.0),
    "most frequent": ("62.3 21.7/48.4 50.0 61.1/0.3 33.4/32.5 50.3 50.0 65.1", 47.1),
    "BERT-large++": ("79.0 84.7/90.4 73.8 70.0/24.1 72.0/71.3 79.0 69.5 64.3", 71.5),
    "Bort": ("83.7 81.9/86.5 89.6 83.7/54.1 49.8/49.0 81.2 70.1 65.8", 74.1),
}


def member(name: str, numbers: list[float], average: Average, complete: bool = True) -> Member:
    """A finished task with these scores of an average's metrics, on all its rows or on one less."""
    task = registry.find(name)
    keys = [key for column in average.columns if column.task == name for key in column.metrics]
    given = dict(zip(keys, numbers, strict=True))
    scored = [
        Scored(
            name=e.name,
            split=e.split,
            rows=1,
            metrics={m: Score(value=given.get((e.name, m), 50.0) / 100, low=0, high=1) for m in e.metrics},
        )
        for e in task.scored
    ]
    splits = {"train": "train", **{e.name: e.split for e in task.scored}}
    published = {name: task.source.rows.get(split, 2) for name, split in splits.items()}  # of ChID none is known
    rows = {
        split: RowCount(used=count - (not complete), there=count, published=count) for split, count in published.items()
    }
    result = Result(
        spec=Spec(task=task, model="m", recipe=task.recipe), evaluations=tuple(scored), rows=rows, device="cpu",
        precision="fp32", training=Training(steps=1, examples=1, tokens=1, seconds=1, loss=1), encoder={}, versions={},
    )  # fmt: skip
    return Member(task=task, spec=result.spec, result=result)


def members(suite: Suite, row: dict[str, list[float]], average: Average) -> list[Member]:
    return [
        member(name, row[name], average) if name in average.tasks else Member(task=registry.find(name), missing="-")
        for name in suite.members
    ]


@pytest.mark.parametrize("system", SUPERGLUE_ROWS)
def test_the_average_of_superglue_is_the_published_one(system: str) -> None:
    text, published = SUPERGLUE_ROWS[system]
    names = ("boolq", "cb", "copa", "multirc", "record", "superglue_rte", "wic", "wsc")
    row = dict(zip(names, columns(text), strict=True))
    assert mean_of_means(list(row.values())) == pytest.approx(published, abs=0.06)
    average = SUPERGLUE.averages[0]
    found = summed(SUPERGLUE, tuple(members(SUPERGLUE, row, average)))
    there = {name: numbers for name, numbers in row.items() if name in SUPERGLUE.members}
    assert found.score is not None
    assert 100 * found.score == pytest.approx(mean_of_means(list(there.values())))
    assert (found.is_complete, found.human) == (True, 0.898)


def test_the_score_of_cb_is_the_mean_of_accuracy_and_macro_f1() -> None:
    # 13 of 15 answers are right; F1 by label is 6/7 (recall 1, precision 6/8), 1 and 1/2 (recall 1/3, precision 1)
    golds = ["entailment"] * 6 + ["contradiction"] * 6 + ["neutral"] * 3
    values = ["entailment"] * 6 + ["contradiction"] * 6 + ["entailment"] * 2 + ["neutral"]
    labels = registry.find("cb").head.label_names
    numbers = {name: METRICS[name].of(golds, values, labels) for name in ("f1_macro", "accuracy")}
    macro = (6 / 7 + 1 + 1 / 2) / 3
    assert numbers == pytest.approx({"accuracy": 13 / 15, "f1_macro": macro})
    one = member("cb", [100 * value for value in numbers.values()], SUPERGLUE.averages[0])
    assert one.score(SUPERGLUE.averages[0]) == pytest.approx((13 / 15 + macro) / 2)


def test_a_part_of_superglue_is_no_score_of_it() -> None:
    names = ("boolq", "cb", "copa", "multirc", "record", "superglue_rte", "wic", "wsc")
    row = dict(zip(names, columns(SUPERGLUE_ROWS["T5-11B"][0]), strict=True))
    every = members(SUPERGLUE, row, SUPERGLUE.averages[0])
    part = [replace(every[0], result=None, missing="no rows"), *every[1:]]
    found = summed(SUPERGLUE, tuple(part))
    count = len(SUPERGLUE.members)
    assert found.name == f"mean of {count - 1} of {count} tasks, parts missing, not a SUPERGLUE score"
    short = member("wsc", row["wsc"], SUPERGLUE.averages[0], complete=False)
    assert not summed(SUPERGLUE, (*every[:-1], short)).is_complete


# AFQMC, TNEWS, IFLYTEK, CMNLI, OCNLI, CLUEWSC 2020, CSL, CMRC 2018 (EM), ChID, C3 on dev:
# github.com/CLUEbenchmark/CLUE, baselines/paddlenlp/README.md.
TEN = ("afqmc", "tnews", "iflytek", "cmnli", "ocnli", "cluewsc", "csl", "cmrc", "chid", "c3")
TEN_ROWS = {
    "ERNIE 2.0-Large": ("76.41 59.67 62.29 83.82 79.69 89.14 84.10 71.48 85.52 78.12", 77.03),
    "RoBERTa-wwm-ext-large": ("76.00 59.33 62.02 83.88 78.81 90.79 83.67 70.58 85.72 75.26", 76.61),
    "BERT-Base-Chinese": ("74.63 57.13 61.29 80.97 75.22 81.91 81.90 65.30 82.01 65.38", 72.57),
    "RBT3": ("70.95 55.53 59.18 76.20 70.71 67.11 76.63 55.73 70.26 54.93", 65.72),
}
# AFQMC, TNEWS, IFLYTEK, CMNLI, CLUEWSC 2020, CSL; CMRC 2018 (EM), ChID, C3 on test: the same repository's README.
SIX, THREE = ("afqmc", "tnews", "iflytek", "cmnli", "cluewsc", "csl"), ("cmrc", "chid", "c3")
SPLIT_ROWS = {
    "BERT-base": ("73.70 56.58 60.29 79.69 62.0 80.36", 68.77, "71.60 82.04 64.50", 72.71),
    "RoBERTa-wwm-large": ("76.55 58.61 62.98 82.12 74.6 82.13", 72.83, "77.95 85.37 73.82", 79.05),
    "ALBERT-tiny": ("69.92 53.35 48.71 70.61 58.5 74.56", 62.61, "53.35 43.53 50.26", 49.05),
}
CASES = [
    *(("ten", TEN, *row) for row in TEN_ROWS.values()),
    *(("classification", SIX, *row[:2]) for row in SPLIT_ROWS.values()),
    *(("reading", THREE, *row[2:]) for row in SPLIT_ROWS.values()),
]


@pytest.mark.parametrize(("name", "names", "text", "published"), CASES)
def test_the_averages_of_clue_are_the_published_ones(
    name: str, names: tuple[str, ...], text: str, published: float
) -> None:
    row = dict(zip(names, columns(text), strict=True))
    assert mean_of_means(list(row.values())) == pytest.approx(published, abs=0.011)
    average = average_of(CLUE, name)
    assert set(average.tasks) == set(names) & set(CLUE.members)
    found = summed(CLUE, tuple(members(CLUE, row, average)), average)
    expected = mean_of([numbers[0] for task, numbers in row.items() if task in CLUE.members])
    assert found.score is not None
    assert 100 * found.score == pytest.approx(expected)


def test_clue_counts_ocnli_and_not_cmnli_and_of_cmrc_the_exact_answers() -> None:
    official = CLUE.averages[0]
    assert "ocnli" in official.tasks
    assert "cmnli" not in official.tasks
    assert [one.metrics for one in official.columns if one.task == "cmrc"] == [(("dev", "squad_chars_em"),)]


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_averages_name_metrics_that_their_tasks_have(suite: Suite) -> None:
    for average in suite.averages:
        for column in average.columns:
            scored = {(e.name, m) for e in registry.find(column.task).scored for m in e.metrics}
            assert set(column.metrics) <= scored


def test_published_systems_are_compared_with_human_scores_where_there_are_some() -> None:
    nothing = tuple(Member(task=registry.find(name), missing="-") for name in SUPERGLUE.members)
    (bert,) = [one for one in SUPERGLUE.published if one.name == "BERT-large"]
    found = published_shares(bert, summed(SUPERGLUE, nothing))
    assert found.tasks["boolq"] == pytest.approx(77.4 / 89.0)
    assert found.tasks["multirc"] == pytest.approx((70.0 + 24.1) / (81.8 + 51.9))


def test_the_encoder_of_clue_is_a_chinese_one_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.studies.suite.check", lambda specs: None)
    for flags, model in ((Flags(), "google-bert/bert-base-chinese"), (Flags(model="m"), "m"),
                         (Flags(sample=True), "sample")):  # fmt: skip
        assert {one.spec.model for one in plan(SUITES["clue"], flags) if one.spec} == {model}


def test_every_published_system_has_a_source_and_a_number_for_each_task() -> None:
    for suite in SUITES.values():
        for one in suite.published:
            assert one.source
            assert {task for task, *_ in one.scores} >= set(suite.members) - {"ocnli"}


def printed(capsys: pytest.CaptureFixture[str], *typed: str) -> Any:
    with pytest.raises(SystemExit) as left:
        main([*typed, "--device", "cpu", "--quiet", "--json"])
    said = capsys.readouterr()
    assert left.value.code == 0, said.err
    return json.loads(said.out)


def test_a_suite_runs_on_what_is_there_and_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"premise": f"He knew that it rained {k}.", "hypothesis": "it rained", "label": label}
            for k, label in enumerate(("entailment", "neutral", "contradiction"))]  # fmt: skip
    for split in ("train", "val"):
        write(tmp_path / "data/CB" / f"{split}.jsonl", json_lines(*rows))
    model = str(tiny.make("bert", tmp_path / "tiny"))
    found = printed(capsys, *f"eval superglue --data data --model {model} --max-steps 1 --plot".split())
    assert found["tasks"]["cb"]["metrics"]["dev"].keys() == {"f1_macro", "accuracy"}
    assert "boolq: no dev split in data" in found["tasks"]["boolq"]["missing"]
    assert "record: no dev split in data" in found["tasks"]["record"]["missing"]
    assert found["whole"] is False
    assert Path(found["figures"][0]).name == "superglue-official-against-human.png"
    again = printed(capsys, *f"eval superglue --data data --model {model} --max-steps 1".split())
    assert again["tasks"]["cb"] == found["tasks"]["cb"]  # the finished run is taken as it is
