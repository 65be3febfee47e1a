"""Chunk tags scored by entity: the numbers of seqeval, words that were cut, and the way from file to answers."""

from __future__ import annotations

import hashlib
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from oracle import oracle, tokenizer_of
from own_tasks import NAME_ROWS, own, predictions, said, stopped, sure, typed
from seqeval import metrics as seqeval
from seqeval import scheme as schemes

from bertkit import registry
from bertkit.cli import main
from bertkit.data.rows import _key
from bertkit.errors import RequestError
from bertkit.evaluation.intervals import bootstrap
from bertkit.evaluation.metrics import METRICS
from bertkit.evaluation.score import Answered, score
from bertkit.heads import Answer, Tagging, Window
from bertkit.heads.chunks import entities
from bertkit.spec import Spec
from bertkit.task import Evaluation

__all__ = ["own"]

PREFIXES = {"BIO": "BI", "IOB1": "BI", "BIOES": "BIES", "BILOU": "BILU"}
CLASSES = {"BIO": schemes.IOB2, "IOB1": schemes.IOB1, "BIOES": schemes.IOBES, "BILOU": schemes.BILOU}
Tags = list[list[str]]
F1, STRICT = METRICS["entity_f1"], METRICS["entity_f1_strict"]


def drawn(scheme: str, seed: int, rows: int = 40) -> tuple[Tags, Tags]:
    """Golds and answers of random tags, most of them equal, whether they keep the scheme or not."""
    draws = random.Random(f"{scheme} {seed}")
    names = ["O", *(f"{prefix}-{kind}" for prefix in PREFIXES[scheme] for kind in ("PER", "LOC", "A-B"))]
    golds = [draws.choices(names, k=draws.randint(1, 12)) for _ in range(rows)]
    values = [[tag if draws.random() < 0.7 else draws.choice(names) for tag in gold] for gold in golds]
    return golds, values


def kept(scheme: str, seed: int) -> tuple[Tags, Tags]:
    """The same of whole entities, which keep the scheme."""
    draws = random.Random(f"{scheme} {seed}")

    def entity(kind: str, before: str) -> list[str]:
        size = draws.randint(1, 3)
        if scheme == "BIO":
            prefixes = "B" + "I" * (size - 1)
        elif scheme == "IOB1":
            prefixes = ("B" if before.endswith(f"-{kind}") else "I") + "I" * (size - 1)
        else:
            last, single = ("E", "S") if scheme == "BIOES" else ("L", "U")
            prefixes = single if size == 1 else "B" + "I" * (size - 2) + last
        return [f"{prefix}-{kind}" for prefix in prefixes]

    golds: Tags = []
    for _ in range(40):
        row = ["O"]
        for _ in range(draws.randint(1, 5)):
            row += entity(draws.choice(("PER", "LOC")), row[-1]) if draws.random() < 0.6 else ["O"]
        golds.append(row)
    values = [gold if draws.random() < 0.6 else ["O"] * len(gold) for gold in golds]
    return golds, values


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scheme", ["BIO", "IOB1", "BIOES"])
def test_entity_f1_is_seqeval_s_in_its_default_mode(scheme: str, seed: int) -> None:
    golds, values = drawn(scheme, seed)
    expected = seqeval.f1_score(golds, values)
    assert 0.1 < expected < 0.9
    assert F1.under(scheme).of(golds, values) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scheme", CLASSES)
@pytest.mark.parametrize("make", [drawn, kept])
def test_strict_entity_f1_is_seqeval_s_by_the_scheme(make: Any, scheme: str, seed: int) -> None:
    golds, values = make(scheme, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no entity is whole
        expected = seqeval.f1_score(golds, values, mode="strict", scheme=CLASSES[scheme])
    assert STRICT.under(scheme).of(golds, values) == pytest.approx(expected)


@pytest.mark.parametrize("scheme", ["BIO", "BIOES", "BILOU"])
def test_without_a_scheme_strict_goes_by_the_labels(scheme: str) -> None:
    golds, values = kept(scheme, 1)
    names = tuple(sorted({tag for row in golds for tag in row}))
    assert STRICT.of(golds, values, names) == STRICT.under(scheme).of(golds, values)


@pytest.mark.parametrize("seed", range(3))
def test_bilou_is_bioes_by_other_letters(seed: int) -> None:
    golds, values = drawn("BILOU", seed)
    letters = str.maketrans("LU", "ES")
    theirs = [[[tag[0].translate(letters) + tag[1:] for tag in row] for row in side] for side in (golds, values)]
    assert F1.under("BILOU").of(golds, values) == pytest.approx(seqeval.f1_score(*theirs))


def test_two_entities_of_one_word_side_by_side_are_two() -> None:
    assert entities(["U-PER", "U-PER", "O"]) == {("PER", 0, 0), ("PER", 1, 1)}
    assert entities(["B", "I", "O", "B"]) == {("_", 0, 1), ("_", 3, 3)}


def test_an_answer_that_breaks_the_scheme_counts_by_default_and_not_strictly() -> None:
    golds, values = [["O", "B-PER", "I-PER"]], [["O", "I-PER", "I-PER"]]
    assert (F1.under("BIO").of(golds, values), STRICT.under("BIO").of(golds, values)) == (1, 0)
    assert STRICT.under("IOB1").of([["O", "I-PER", "I-PER"]], values) == 1


def test_an_evaluation_is_strict_by_its_head_s_own_scheme() -> None:
    evaluation = Evaluation(name="dev", split="dev", metrics=("entity_f1", "entity_f1_strict"))
    tags = ["I-PER", "I-PER", "O"]  # as BIO there is no entity in them
    found = {}
    for scheme in ("IOB1", "BIO"):
        head = Tagging(labels=("B-PER", "I-PER", "O"), scheme=scheme)
        answered = Answered(head, evaluation)
        answered.add({"row_id": ["0"], "words": [["a", "b", "c"]], "tags": [tags]}, [Answer(value=tags)])
        found[scheme] = score(head, answered).metrics
    assert [found[scheme]["entity_f1_strict"].value for scheme in ("IOB1", "BIO")] == [1, 0]
    assert [found[scheme]["entity_f1"].value for scheme in ("IOB1", "BIO")] == [1, 1]


def test_a_word_without_an_answer_is_outside() -> None:
    golds: Tags = [["B-PER", "I-PER", "O", "B-LOC"]]
    # the person is given with one word, and the place is missed: none of one given and two gold is right
    assert F1.of(golds, [["B-PER", None, None, None]]) == 0
    assert F1.of(golds, [["B-PER", "I-PER", None, None]]) == pytest.approx(2 * 1 / (1 + 2))


def test_a_word_without_a_gold_is_not_scored() -> None:
    assert F1.of([["B-PER", None]], [["B-PER", "B-LOC"]]) == 1


def test_the_interval_is_over_rows() -> None:
    golds: Tags = [["B-PER", "O", "B-PER"], ["O", "O"], ["B-LOC"]]
    values: Tags = [["B-PER", "O", "O"], ["O", "B-LOC"], ["B-LOC"]]
    # of each row twice the right ones, and those given and gold
    assert F1.measure(golds, values, ()).tolist() == [[2, 3], [0, 1], [2, 2]]
    assert F1.of(golds, values) == 4 / 6


def test_details_have_precision_recall_and_f1_of_each_type() -> None:
    golds = [["B-PER", "I-PER", "O", "B-LOC"], ["B-PER", "O"]]
    values = [["B-PER", "I-PER", "O", "O"], ["B-PER", "B-ORG"]]
    found = Tagging(scheme="BIO").details(golds, [Answer(value=value) for value in values])["entities"]
    assert found == {
        "LOC": {"precision": 0, "recall": 0, "F1": 0, "given": 0, "gold": 1},
        "ORG": {"precision": 0, "recall": 0, "F1": 0, "given": 1, "gold": 0},
        "PER": {"precision": 1, "recall": 1, "F1": 1, "given": 2, "gold": 2},
    }
    assert "entities" not in Tagging().details(golds, [Answer(value=value) for value in values])


# The head.


def test_an_entity_that_max_length_cuts_off_is_missed() -> None:
    head = Tagging(labels=("B-PER", "I-PER", "O"), scheme="BIO")
    columns = {"words": [["Anna", *["and"] * 20, "Carl"]], "tags": [["B-PER", *["O"] * 20, "B-PER"]]}
    features = head.encode(columns, tokenizer_of("wordpiece"), Window(max_length=12))
    (answer,) = head.decode(columns, features, oracle(head, features), Window(max_length=12))
    assert answer.value[-1] is None
    assert F1.of(columns["tags"], [answer.value]) == pytest.approx(2 * 1 / (1 + 2))


def test_a_head_without_a_scheme_has_the_repr_digest_and_cache_key_it_had() -> None:
    task = registry.find("ud_en_ewt")
    assert repr(Tagging(labels=("A",))) == "Tagging(labels=('A',), kind='tagging')"
    assert Spec(task=task, model="org/tiny").digest == "82363a3f"
    assert _sha(task) == "661dcd12d1d527a172b2d827845691745df4238963cef828b53c4425c7aeed01"
    assert repr(Tagging(labels=("O",), scheme="IOB2")) == "Tagging(labels=('O',), scheme='BIO', kind='tagging')"


def _sha(task: Any) -> str:
    return hashlib.sha256(_key([".tsv"], task.source, task.head, [True, False])).hexdigest()


def test_a_scheme_that_is_none_is_refused() -> None:
    with pytest.raises(RequestError, match="no scheme of chunk tags is called 'IO'; there are BIO, IOB1, BIOES, BILOU"):
        Tagging(scheme="IO")


# From file to answers.


def test_names_are_learnt_scored_again_and_read_by_transformers_pipeline(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = said(capsys, *typed("names", *sure(own)))
    (scored,) = run["evaluations"]
    assert scored["metrics"]["entity_f1"]["value"] == scored["metrics"]["entity_f1_strict"]["value"] == 1
    assert scored["details"]["entities"]["PER"]["gold"] == 4
    again = said(capsys, "eval", run["folder"], "--json", "--quiet")
    assert again["evaluations"][0]["metrics"] == scored["metrics"]
    model = transformers.AutoModelForTokenClassification.from_pretrained(f"{run['folder']}/model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(f"{run['folder']}/model")
    pipe = transformers.pipeline(
        "token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="first", device="cpu"
    )
    found = pipe("Anna Berg lives in Oslo")
    assert [(one["entity_group"], one["word"].lower()) for one in found] == [("PER", "anna berg"), ("LOC", "oslo")]


def test_scores_of_answers_are_by_word_and_the_numbers_seqeval_s(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = said(capsys, *typed("names", "--epochs", "4"))
    lines = predictions(Path(run["folder"]))
    assert [len(line["scores"]["tags"]) for line in lines] == [len(row["words"]) for row in NAME_ROWS]
    golds, values = [line["gold"] for line in lines], [line["answer"] for line in lines]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = seqeval.f1_score(golds, values), seqeval.f1_score(golds, values, mode="strict", scheme=schemes.IOB2)
    metrics = run["evaluations"][0]["metrics"]
    assert [metrics[name]["value"] for name in ("entity_f1", "entity_f1_strict")] == pytest.approx(list(expected))


def test_types_of_entities_are_printed(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = typed("names", "--max-steps", "1")
    with pytest.raises(SystemExit):
        main([flag for flag in asked if flag != "--json"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "entity F1, strict" in printed
    assert "dev, PER: precision" in printed and "4 gold" in printed


def test_a_run_that_is_stopped_resumes_to_the_same_bytes(
    own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = typed("names", "--batch-size", "2")
    whole = Path(said(capsys, *asked, "--out", "whole")["folder"])
    stopped([*asked, "--out", "parts"], 3, monkeypatch)
    (parts,) = Path("parts").iterdir()
    capsys.readouterr()
    said(capsys, "resume", str(parts), "--json", "--quiet")
    for name in ("model/model.safetensors", "predictions.jsonl"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()


def test_bootstrap_and_wilson_agree_on_entities() -> None:
    golds, values = drawn("BIO", 3, rows=400)
    table = F1.measure(golds, values, ())
    ours, theirs = F1.interval(table, F1.score), bootstrap(table, F1.score)
    np.testing.assert_allclose([ours.low, ours.high], [theirs.low, theirs.high], atol=0.01)
