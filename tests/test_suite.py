"""A suite's score: the mean over tasks of the mean over their metrics, and when it may be called the GLUE score."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bertkit import registry
from bertkit.errors import BertkitError, PeerError, RequestError, RunError, StoppedError
from bertkit.progress import Progress
from bertkit.result import Result, RowCount, Score, Scored, Training
from bertkit.runs import run as runs
from bertkit.spec import RunOptions, Spec
from bertkit.studies.suite import Member, run_suite, summed
from bertkit.task import Task

GLUE = registry.find_suite("glue")
# BERT-large's test scores (Devlin et al. 2019 and the leaderboard), whose published mean is 80.5
BERT_LARGE: dict[str, list[list[float]]] = {
    "cola": [[60.5]],
    "sst2": [[94.9]],
    "mrpc": [[89.3, 85.4]],
    "stsb": [[87.6, 86.5]],
    "qqp": [[72.1, 89.3]],
    "mnli": [[86.7], [85.9]],
    "qnli": [[92.7]],
    "rte": [[70.1]],
    "wnli": [[65.1]],
}


def member(name: str, scores: list[list[float]], missing_rows: int = 0) -> Member:
    """A finished task with these scores, on all its rows but `missing_rows` of train."""
    task = registry.find(name)
    evaluations = [
        Scored(
            name=e.name,
            split=e.split,
            rows=1,
            metrics={m: Score(value=v / 100, low=0, high=1) for m, v in zip(e.metrics, values, strict=True)},
        )
        for e, values in zip(task.scored, scores, strict=True)
    ]
    rows = {"train": count(task, "train", missing_rows), **{e.name: count(task, e.split) for e in task.scored}}
    result = Result(
        spec=Spec(task=task, model="m"),
        evaluations=tuple(evaluations),
        rows=rows,
        training=Training(steps=1, examples=1, tokens=1, seconds=1, loss=1),
        device="cpu",
        precision="fp32",
        encoder={},
        versions={},
    )
    return Member(task=task, spec=result.spec, result=result)


def count(task: Task, split: str, missing: int = 0) -> RowCount:
    published = task.source.rows[split]
    return RowCount(used=published - missing, there=published - missing, published=published)


def bert_large() -> list[Member]:
    return [member(name, BERT_LARGE[name]) for name in GLUE.members]


def test_the_glue_score_of_bert_large_is_the_published_one() -> None:
    score = summed(GLUE, tuple(bert_large()))
    assert score.score is not None
    assert f"{100 * score.score:.1f}" == "80.5"
    assert (score.name, score.is_complete) == ("GLUE score (dev)", True)


def test_the_human_score_of_the_nine_tasks_is_the_published_one() -> None:
    humans = [Member(task=registry.find(name)).human(GLUE.averages[0]) for name in GLUE.members]
    assert sum(human for human in humans if human) / 9 == pytest.approx(GLUE.human, abs=0.001)


def test_a_partial_train_split_makes_it_no_glue_score() -> None:
    members = [*bert_large()[:-1], member("wnli", BERT_LARGE["wnli"], missing_rows=1)]
    score = summed(GLUE, tuple(members))
    assert not score.is_complete
    assert "not a GLUE score" in score.name


def test_eight_tasks_are_no_glue_score() -> None:
    gone = Member(task=registry.find("wnli"), missing="no train split")
    score = summed(GLUE, (*bert_large()[:-1], gone))
    assert score.name == "mean of 8 of 9 tasks, parts missing, not a GLUE score"
    assert score.score == pytest.approx((0.805 * 9 - 0.651) / 8, abs=5e-4)


def test_a_missing_evaluation_makes_a_task_partial() -> None:
    whole = member("mnli", BERT_LARGE["mnli"])
    assert whole.result is not None
    matched, mismatched = whole.result.evaluations
    unmet = Scored(name=mismatched.name, split=mismatched.split, missing="no dev_mismatched split")
    part = replace(whole, result=replace(whole.result, evaluations=(matched, unmet)))
    assert (part.is_complete, part.score(GLUE.averages[0])) == (False, 0.867)


def failing(error: BertkitError, done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run fails by `error`; its task is noted."""

    def run(spec: Spec, *given: Any) -> None:
        done.append(spec.task.name)
        raise error

    monkeypatch.setattr(runs, "run", run)


@pytest.mark.parametrize("error", [StoppedError(signal.SIGINT), PeerError("it is gone")])
def test_what_ends_one_run_for_all_ends_the_suite(
    error: RunError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    failing(error, done, monkeypatch)
    with pytest.raises(type(error)):
        run_suite(
            GLUE, [member("cola", [[0]]), member("sst2", [[0]])], RunOptions(out=tmp_path), lambda spec: Progress()
        )
    assert done == ["cola"]


def test_a_run_that_fails_by_itself_leaves_its_cell_saying_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    failing(RunError("the loss is nan"), done, monkeypatch)
    members = [member("cola", [[0]]), member("sst2", [[0]])]
    score = run_suite(GLUE, members, RunOptions(out=tmp_path), lambda spec: Progress())
    assert done == ["cola", "sst2"]
    assert [one.missing for one in score.members] == ["the loss is nan"] * 2


def test_a_file_in_place_of_the_folder_is_refused_before_any_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    failing(RunError("it ran"), done, monkeypatch)
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="is a file, not a folder"):
        run_suite(GLUE, [member("cola", [[0]])], RunOptions(out=tmp_path / "file"), lambda spec: Progress())
    assert not done
