"""`eval glue --plot`: each task's score over the human one, beside published systems."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from door import Refused, refused
from test_suite import GLUE, bert_large

from bertkit import registry
from bertkit.cli import eval_, main
from bertkit.plots.against_human import System, draw
from bertkit.studies.against_human import plot, published_shares
from bertkit.studies.suite import Member, SuiteScore, average_of, summed
from bertkit.task import Suite

__all__ = ["refused"]

# Scores over human ones, in the order of the suite, as drawn in figure 1 of Wang et al. 2019 (SuperGLUE), to .01.
BERT_LARGE = {
    "cola": 0.911, "sst2": 0.970, "mrpc": 1.045, "stsb": 0.940, "qqp": 1.154, "mnli": 0.934, "qnli": 1.016,
    "rte": 0.749, "wnli": 0.679,
}  # fmt: skip


def test_the_shares_of_bert_large_are_those_of_the_published_figure() -> None:
    (one,) = [system for system in GLUE.published if system.name == "BERT-large"]
    found = published_shares(one, summed(GLUE, tuple(bert_large())))
    assert found.tasks == pytest.approx(BERT_LARGE, abs=0.01)
    assert found.average == pytest.approx(0.925, abs=0.001)


def test_every_published_system_has_a_source_and_all_numbers_of_the_glue_score() -> None:
    keys = {(column.task, *key) for column in GLUE.averages[0].columns for key in column.metrics}
    assert all(set(one.scores) == keys and one.source for one in GLUE.published)


def test_the_figure_is_written_and_tasks_without_a_score_are_left_out(tmp_path: Path) -> None:
    gone = Member(task=registry.find("wnli"), missing="no train split")
    files = plot(summed(GLUE, (*bert_large()[:-1], gone)), tmp_path / "runs", "mine")
    svg = files[1].read_text("utf-8")
    assert files[0].read_bytes().startswith(b"\x89PNG")
    for words in ("without wnli", "mine", "BERT-large (0.92)", "human"):
        assert words in svg
    assert "mine (" not in svg  # an average of eight tasks is none


def asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *typed: str) -> str:
    """What `eval glue --sample --plot` prints, with BERT-large's scores in place of training."""

    def scored(suite: Suite, *others: Any) -> SuiteScore:
        return summed(suite, tuple(bert_large()), average_of(suite, others[-1]))

    monkeypatch.setattr(eval_, "run_suite", scored)
    with pytest.raises(SystemExit) as left:
        main(["eval", "glue", "--sample", "--model", "sample", "--plot", "--quiet", *typed])
    printed = capsys.readouterr()
    assert left.value.code == 0, printed.err
    return printed.out


def test_the_figure_of_another_average_is_another_file_and_says_which_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for average in ("official", "bert"):
        png = tmp_path / f"glue-{average}-against-human.png"
        printed = asked(capsys, monkeypatch, "--average", average, "--out", str(tmp_path))
        assert printed.endswith(f"figure: {png}\n        {png.with_suffix('.svg')}\n")
    assert len([*tmp_path.iterdir()]) == 4
    assert "GLUE, average 'bert': m on dev" in (tmp_path / "glue-bert-against-human.svg").read_text("utf-8")


def test_the_json_names_the_files_of_the_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = json.loads(asked(capsys, monkeypatch, "--json", "--out", str(tmp_path)))
    assert found["figures"] == [str(tmp_path / f"glue-official-against-human.{kind}") for kind in ("png", "svg")]
    assert all(Path(one).is_file() for one in found["figures"])


def test_the_same_figure_is_the_same_bytes(tmp_path: Path) -> None:
    systems = [System(name="one", tasks={"cola": 0.5, "rte": 1.1}, average=0.8, is_ours=True)]
    for name in ("a", "b"):
        draw("title", systems, ["cola", "rte"], tmp_path / f"{name}.png", tmp_path / f"{name}.svg")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_task_has_no_such_figure(refused: Refused) -> None:
    assert "--plot: sst2 is no suite" in refused("eval", "sst2", "--sample", "--model", "sample", "--plot")
