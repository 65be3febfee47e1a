"""`bertkit compare nsp-vs-sop`: two runs, each model on both kinds of pairs, and the baseline beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from door import Refused, refused
from files import write

import bertkit
from benchmarks import pairs
from bertkit.cli import main
from bertkit.data.corpus import corpus_text
from bertkit.heads.features import IGNORED
from bertkit.objectives.base import PAIR
from bertkit.pretraining import Budget, Corpus
from bertkit.progress import Progress
from bertkit.runs.pretrain_folder import read_pretrain_spec
from bertkit.studies.pairs import sources_of

__all__ = ["refused"]

NAMES = ["oak", "elm", "ash", "fir", "yew", "box", "bay", "fig", "nut", "pea", "rye", "hop"]
VERBS = ["grew", "fell", "bent", "broke", "burnt", "stood"]
FLAGS = ["--shape", "1/32/2", "--vocab-size", "120", "--max-length", "32", "-b", "4", "--device", "cpu"]


def text(documents: int, sentences: int = 8) -> str:
    """Documents between blank lines, each of its own two words, so that these tell which sentences go together."""
    draws = np.random.default_rng(5)
    found = []
    for document in range(documents):
        own = [NAMES[document % 12], NAMES[(document // 12 + document + 1) % 12]]
        lines = [f"The {own[k % 2]} {draws.choice(VERBS)} on day {document} {k}." for k in range(sentences)]
        found.append("\n".join(lines))
    return "\n\n".join(found) + "\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("corpus") / "trees.txt", text(60))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def compared(capsys: pytest.CaptureFixture[str], corpus: Path, *more: str) -> str:
    """What the study prints."""
    with pytest.raises(SystemExit) as left:
        main(["compare", "nsp-vs-sop", str(corpus), *FLAGS, "--held-out", "30%", "--budget", "4step", *more])
    printed = capsys.readouterr()
    assert left.value.code == 0, printed.err
    return printed.out


def by_hand(folder: Path, source: Any, rows: int, whole: bool) -> float:
    """The accuracy of a model read by transformers alone, a pair at a time."""
    model = transformers.BertForPreTraining.from_pretrained(folder / "model", dtype=torch.float32).eval()
    right = []
    for row in range(rows):
        pair = source.take(np.array([row]))
        ids = pair.inputs["input_ids"][0].astype(np.int64).copy()
        if whole:
            targets = pair.targets[0]
            ids[targets != IGNORED] = targets[targets != IGNORED]
        segments = pair.inputs["token_type_ids"][0].astype(np.int64)
        with torch.no_grad():
            output = model(input_ids=torch.tensor(ids)[None], token_type_ids=torch.tensor(segments)[None])
        right.append(output.seq_relationship_logits.argmax().item() == pair.places[PAIR][0].item())
    return float(np.mean(right))


def test_each_model_is_scored_on_both_kinds_of_pairs_as_transformers_scores_it(
    corpus: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(compared(capsys, corpus, "--out", str(runs), "--json"))
    folders = {arm["objective"]: Path(arm["runs"][0]["folder"]) for arm in found["arms"]}
    specs = {name: read_pretrain_spec(folder) for name, folder in folders.items()}
    held = {name: sources_of(spec, Progress())["held-out"] for name, spec in specs.items()}
    assert found["pairs"] == len(held["mlm+nsp"]) == len(held["mlm+sop"]) > 20
    values = {(one["reader"], one["pairs"], one["reading"]): one["score"]["value"] for one in found["accuracies"]}
    for reader, folder in folders.items():
        for kind, source in held.items():
            for reading in ("masked", "whole"):
                expected = by_hand(folder, source, found["pairs"], reading == "whole")
                assert values[reader, kind, reading] == pytest.approx(expected), (reader, kind, reading)
    assert {path.name for path in Path(found["folder"]).iterdir()} == {"compare.json", "curves.png", "curves.svg"}


def test_both_arms_have_the_same_text_vocabulary_and_updates(
    corpus: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(compared(capsys, corpus, "--out", str(runs), "--json"))
    first, second = found["arms"]
    assert (first["objective"], second["objective"]) == ("mlm+nsp", "mlm+sop")
    differ = {key for key in first["spec"] if first["spec"][key] != second["spec"][key]}
    assert differ == {"objective"}
    results = [json.loads((Path(arm["runs"][0]["folder"]) / "result.json").read_text()) for arm in (first, second)]
    assert results[0]["corpus"] == results[1]["corpus"]
    assert results[0]["encoder"]["tokenizer"] == results[1]["encoder"]["tokenizer"]
    assert [arm["runs"][0]["updates"] for arm in (first, second)] == [4, 4]


def test_the_table_of_the_benchmarks_is_made_of_what_the_study_writes(
    corpus: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(compared(capsys, corpus, "--out", str(runs), "--json"))
    lines = pairs.table(Path(found["folder"]) / "compare.json").splitlines()
    assert lines[0] == "| told by | text | NSP pairs | SOP pairs |"
    assert [line.split(" | ")[0] for line in lines[2:10]] == [
        *["| mlm+nsp"] * 2, *["| mlm+sop"] * 2, *["| word overlap"] * 2, "| mlm+nsp, ALBERT-base",
        "| mlm+sop, ALBERT-base",
    ]  # fmt: skip
    assert lines[8] == "| mlm+nsp, ALBERT-base | Lan et al. 2020, table 5 | 90.5 | 52.0 |"
    assert lines[-1].endswith("`bertkit compare nsp-vs-sop DATA/lm2/en --held-out 30% --budget 4step --seeds 1`")


def test_finished_runs_are_not_trained_again_and_what_is_printed_is_the_same(
    corpus: Path, runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    compared(capsys, corpus, "--out", str(runs), "-q")
    again = compared(capsys, corpus, "--out", str(runs), "-q")
    assert again.count("finished before: ") == 2
    assert again.count("mlm+nsp · 4 updates") == 1
    for line in ("mlm+nsp       masked", "mlm+sop       whole", "word overlap  whole"):
        assert sum(one.startswith(line) for one in again.splitlines()) == 1, again
    assert "Lan et al. 2020, table 5: 78.9" in again
    assert f"numbers: {runs}/nsp-vs-sop-" in again


def test_a_budget_of_time_is_that_of_the_first_run_and_python_gives_the_same(
    corpus: Path, runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bought = iter((3, 5, 7, 9))  # by a machine whose pace changes

    def updates_of(budget: Budget, *more: Any) -> int:
        return next(bought) if budget.unit == "seconds" else int(budget.amount)

    monkeypatch.setattr("bertkit.runs.pretrain.updates_of", updates_of)
    options: Any = {"shape": "1/32/2", "vocab_size": 120, "max_length": 32, "batch_size": 4, "device": "cpu"}
    found = bertkit.compare("nsp-vs-sop", corpus=corpus, held_out="30%", budget="30s", seeds=2, out=runs, **options)
    assert {run.result.training.steps for arm in found.arms for run in arm.runs} == {3}
    assert [[run.result.spec.seed for run in arm.runs] for arm in found.arms] == [[42, 43]] * 2
    budgets = [[run.result.spec.budget.unit for run in arm.runs] for arm in found.arms]
    assert budgets == [["seconds", "steps"], ["steps", "steps"]]
    assert all(len(one.seeds) == 2 for one in found.accuracies if one.reader != "word overlap")
    assert capsys.readouterr() == ("", "")


# What is refused.


@pytest.mark.parametrize(
    ("content", "more", "line"),
    [
        ("", (), "the corpus is empty"),
        (text(1), (), "nothing is left to train on"),
        (text(2), ("--vocab-size", "38"), "--objective mlm+nsp needs train text of two documents or more"),
        (text(40), ("--held-out", "0"), "--held-out 0: nsp-vs-sop tells pairs of held-out text apart"),
        (text(40), ("--held-out", "other.txt"), "needs held-out text of two documents or more"),
        (text(40), ("--documents", "file"), "nothing is left to train on"),
        (text(40), ("--seeds", "0"), "--seeds 0: it must be at least 1"),
        (text(40), ("--seed", str(2**32 - 1), "--seeds", "2"), f"--seed {2**32}: it must be below"),
        (text(40), ("--objective", "mlm"), "No such option: --objective"),
        (text(40), ("--architecture", "roberta"), "--objective mlm+nsp does not go with --architecture roberta"),
        (text(40), ("--scratch-lr", "1"), "No such option: --scratch-lr"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tmp_path: Path, refused: Refused, content: str, more: tuple[str, ...], line: str
) -> None:
    write(tmp_path / "a.txt", content)
    write(tmp_path / "other.txt", text(1, 20).replace("day", "night"))
    assert line in refused("compare", "nsp-vs-sop", "a.txt", "-q", *FLAGS, *more)


def test_the_line_for_next_sentences_of_one_held_out_document_names_both_flags(
    tmp_path: Path, refused: Refused
) -> None:
    write(tmp_path / "a.txt", text(40))
    write(tmp_path / "b.txt", text(1, 20).replace("day", "night"))
    said = refused("compare", "nsp-vs-sop", "a.txt", "-q", *FLAGS, "--held-out", "b.txt")
    assert "--held-out" in said and "--documents" in said


def test_for_pairs_two_documents_are_held_out_where_there_are_four(tmp_path: Path) -> None:
    for documents, least, held in ((4, 1, 1), (4, 2, 2), (3, 2, 1), (9, 2, 2)):
        path = write(tmp_path / f"{documents}.txt", text(documents))
        found = corpus_text(Corpus(paths=(str(path),), held_out=0.01), Progress(), least)
        assert (found.counts.documents, found.counts.held_out) == (documents, held)
