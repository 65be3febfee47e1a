"""Labels in another order: what a confusion matrix shouts for, and what `eval` does about names that say nothing."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from door import Refused, refused  # noqa: F401  # the fixture
from files import json_lines, write
from safetensors.torch import load_file, save_file
from scipy.stats import binomtest

from bertkit.cli import main
from bertkit.errors import EncoderError, RequestError
from bertkit.evaluation.permuted import SURE, permuted
from bertkit.heads.labels import is_made_up, mapped
from bertkit.request.label_map import label_map_of, typed_label_map, written

THREE = ("entailment", "neutral", "contradiction")
SAID = {"entailment": "yes", "neutral": "perhaps", "contradiction": "never"}


def answered(golds: list[str], order: dict[str, str], wrong: int) -> list[str]:
    """Answers that call each label by another name, of which the first `wrong` are one further in the order."""
    names = list(order)
    return [order[names[(names.index(gold) + (k < wrong)) % len(names)]] for k, gold in enumerate(golds)]


@pytest.mark.parametrize("order", list(permutations(THREE))[1:], ids=str)
def test_every_order_of_three_labels_is_found(order: tuple[str, ...]) -> None:
    golds = [THREE[k % 3] for k in range(300)]
    found = permuted(golds, answered(golds, dict(zip(THREE, order, strict=True)), 45), THREE)
    assert found
    assert found.names == {answer: gold for gold, answer in zip(THREE, order, strict=True)}
    assert found.permuted == 255 / 300


def test_two_of_two_hundred_labels_are_found_exchanged() -> None:
    names = [f"l{k:03}" for k in range(200)]  # 200! is more than a float holds
    golds = names * 20
    exchanged = dict(zip(names, [*names[1:], names[0]], strict=True))
    found = permuted(golds, [exchanged[gold] for gold in golds], names)
    assert found and found.permuted == 1 and found.p == 0.0
    assert permuted(golds, golds, names) is None


def test_labels_in_their_own_order_are_left_so() -> None:
    golds = [THREE[k % 3] for k in range(300)]
    assert permuted(golds, answered(golds, dict(zip(THREE, THREE, strict=True)), 45), THREE) is None


@pytest.mark.parametrize(("exchanged", "found"), [(35, False), (36, True)])
def test_two_labels_are_found_exchanged_where_chance_is_ruled_out(exchanged: int, found: bool) -> None:
    golds, other = ["a", "b"] * 20, {"a": "b", "b": "a"}
    answers = [other[gold] if k < exchanged else gold for k, gold in enumerate(golds)]
    p = 2 * binomtest(exchanged, 40, 0.5, alternative="greater").pvalue  # McNemar's exact test, for two permutations
    assert bool(p < SURE) is found
    assert (permuted(golds, answers, ("a", "b")) is not None) is found


def test_chance_is_never_taken_for_a_permutation() -> None:
    draws = np.random.default_rng(1)
    for _ in range(200):
        golds, answers = (draws.choice(THREE, 500).tolist() for _ in range(2))
        assert permuted(golds, answers, THREE) is None


def test_a_model_that_answers_the_rarer_label_alone_is_not_turned_around() -> None:
    golds = ["a"] * 70 + ["b"] * 30  # exchanged, it is right on 70 of 100, as the commonest label alone is
    assert permuted(golds, ["b"] * 100, ("a", "b")) is None


def test_answers_that_are_no_label_count_as_wrong() -> None:
    golds = ["a", "b"] * 50
    found = permuted(golds, ["b", "a"] * 40 + ["", "a"] * 10, ("a", "b"))
    assert found and found.permuted == 0.9


@pytest.mark.parametrize("name", ["LABEL_0", "LABEL_12", "3"])
def test_names_that_transformers_makes_up_say_nothing(name: str) -> None:
    assert is_made_up(name) and not is_made_up(f"{name} star")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("LABEL_0=no,LABEL_1=yes", {"LABEL_0": "no", "LABEL_1": "yes"}),
        (" LABEL_0 = not so , LABEL_1 = so ", {"LABEL_0": "not so", "LABEL_1": "so"}),
        ('{"LABEL_0": "no, never", "LABEL_1": "a=b"}', {"LABEL_0": "no, never", "LABEL_1": "a=b"}),
        ('{"LABEL_0": " no", "LABEL_1": 1}', {"LABEL_0": " no", "LABEL_1": "1"}),
    ],
)
def test_a_label_map_is_read_and_written(typed: str, found: dict[str, str]) -> None:
    assert label_map_of(typed) == found
    assert label_map_of(written(found)) == found
    flag, text = shlex.split(typed_label_map(found))
    assert (flag, label_map_of(text)) == ("--label-map", found)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "it must be a checkpoint's labels"),
        ("LABEL_0", "it must be a checkpoint's labels"),
        ("LABEL_0=", "it must be a checkpoint's labels"),
        ("{", "it must be a checkpoint's labels"),
        ('{"LABEL_0": null, "LABEL_1": "yes"}', "it must be a checkpoint's labels"),
        ('{"LABEL_0": {"no": 1}, "LABEL_1": "yes"}', "it must be a checkpoint's labels"),
        ("{}", "it must be a checkpoint's labels"),
        ("LABEL_0=no,LABEL_0=yes", "the checkpoint's label LABEL_0 stands there twice"),
        ('{"LABEL_0": "no", "LABEL_0": "yes"}', "the checkpoint's label LABEL_0 stands there twice"),
        ("LABEL_0=no,LABEL_1=no", "the task's label no stands there twice"),
    ],
)
def test_a_label_map_that_is_none_is_refused(typed: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        label_map_of(typed)


@pytest.mark.parametrize(
    ("label_map", "said"),
    [
        ({"LABEL_0": "no"}, "m has the label LABEL_1 too; give each of LABEL_0, LABEL_1"),
        ({"LABEL_0": "no", "LABEL_2": "yes"}, "m has no label LABEL_2"),
        ({"LABEL_0": "no", "LABEL_1": "maybe"}, "the task has no label maybe; its labels are no, yes"),
    ],
)
def test_a_label_map_that_does_not_fit_names_the_label(label_map: dict[str, str], said: str) -> None:
    with pytest.raises(EncoderError, match=said):
        mapped(["LABEL_0", "LABEL_1"], label_map, ("no", "yes"), "m")


Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Say:
    """Type a command; its exit code, stdout and stderr."""

    def ask(*typed: str) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([*typed])
        printed = capfd.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return ask


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows as MNLI has them, whose label one word of the hypothesis tells."""
    folder = tmp_path_factory.mktemp("mnli")
    for name, start in (("train", 0), ("dev_matched", 1_000)):
        rows = [
            {"premise": tiny.REVIEWS[k % 8][0], "hypothesis": f"{SAID[THREE[k % 3]]} {k}", "label": THREE[k % 3]}
            for k in range(start, start + 150)
        ]
        write(folder / f"{name}.jsonl", json_lines(*rows))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, pairs: Path) -> Path:
    """A model that tells the three labels apart."""
    root = tmp_path_factory.mktemp("trained")
    body = tiny.make("bert", root / "tiny")
    typed = f"finetune mnli --data {pairs} --model {body} --lr 2e-3 --max-steps 80 --device cpu --quiet --json"
    with pytest.raises(SystemExit) as left:
        main([*typed.split(), "--out", str(root / "runs")])
    assert not left.value.code
    (model,) = root.glob("runs/*/model")
    return model


def nameless(trained: Path, folder: Path, order: tuple[str, ...]) -> Path:
    """`folder`, holding the model with its outputs in this order, and without their names."""
    shutil.copytree(trained, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    ours = [config["id2label"][str(k)] for k in range(3)]
    rows = torch.tensor([ours.index(name) for name in order])
    weights = load_file(folder / "model.safetensors")
    weights |= {name: weights[name][rows].clone() for name in ("classifier.weight", "classifier.bias")}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    names = {f"LABEL_{k}": k for k in range(3)}
    config |= {"id2label": {str(k): name for name, k in names.items()}, "label2id": names}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


def accuracy(say: Say, *typed: str) -> float:
    code, out, err = say(*typed, "--json", "--quiet")
    assert code == 0, err
    value: float = json.loads(out)["evaluations"][0]["metrics"]["accuracy"]["value"]
    return value


@pytest.mark.parametrize("order", list(permutations(THREE)), ids=str)
def test_permuted_mnli_labels_stop_with_the_map_that_puts_them_right(
    say: Say, trained: Path, pairs: Path, tmp_path: Path, order: tuple[str, ...]
) -> None:
    typed = ["eval", "mnli", "--data", str(pairs), "--device", "cpu", "--model"]
    right = accuracy(say, *typed, str(trained))
    assert right > 0.9
    model = str(nameless(trained, tmp_path / "model", order))
    code, out, err = say(*typed, model, "--quiet")
    label_map = ",".join(f"LABEL_{k}={name}" for k, name in enumerate(order))
    if order == THREE:  # the task's
        assert code == 0
        said = ", ".join(f"LABEL_{k} is {name}" for k, name in enumerate(order))
        assert f"labels, in the task's order, an assumption: {said}" in " ".join(out.split())
        return
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"in another {100 * right:.1f}: --label-map {label_map}\n" in err
    assert accuracy(say, *typed, model, "--label-map", label_map) == right


def test_the_map_that_was_given_is_printed_and_in_the_json(
    say: Say, trained: Path, pairs: Path, tmp_path: Path
) -> None:
    order = ("neutral", "contradiction", "entailment")
    model = str(nameless(trained, tmp_path / "model", order))
    label_map = ",".join(f"LABEL_{k}={name}" for k, name in enumerate(order))
    typed = f"eval mnli --data {pairs} --device cpu --quiet --model {model} --label-map {label_map}".split()
    assert "labels, by --label-map: LABEL_0 is neutral, LABEL_1 is contradiction" in " ".join(say(*typed)[1].split())
    found = json.loads(say(*typed, "--json")[1])
    assert found["label_map"] == {f"LABEL_{k}": name for k, name in enumerate(order)}
    assert found["label_map_assumed"] is False


def test_a_kept_head_is_trained_on_with_its_labels_by_the_map(
    say: Say, trained: Path, pairs: Path, tmp_path: Path
) -> None:
    order = ("neutral", "contradiction", "entailment")
    model = str(nameless(trained, tmp_path / "model", order))
    label_map = ",".join(f"LABEL_{k}={name}" for k, name in enumerate(order))
    typed = f"finetune mnli --data {pairs} --device cpu --keep-head --max-steps 1 --lr 1e-12 --model {model}".split()
    out = ["--out", str(tmp_path / "runs")]
    assert accuracy(say, *typed, *out, "--label-map", label_map) > 0.9
    (spec,) = tmp_path.glob("runs/*/spec.json")
    assert json.loads(spec.read_text("utf-8"))["label_map"]["LABEL_0"] == "neutral"
    assert accuracy(say, "finetune", str(spec), *out) > 0.9
    assert len(list(tmp_path.glob("runs/*"))) == 1  # the run's own spec is the same run
    code, _, err = say(*typed, *out)
    assert code == 2
    assert "has the labels LABEL_0, LABEL_1, LABEL_2" in err


def test_rows_whose_labels_are_permuted_are_reported_and_scored(say: Say, trained: Path, tmp_path: Path) -> None:
    turned = dict(zip(THREE, (*THREE[1:], THREE[0]), strict=True))
    rows = [
        {"premise": "A long film.", "hypothesis": f"{SAID[THREE[k % 3]]} {k}", "label": turned[THREE[k % 3]]}
        for k in range(150)
    ]
    write(tmp_path / "rows" / "dev_matched.jsonl", json_lines(*rows))
    typed = ("eval", "mnli", "--data", str(tmp_path / "rows"), "--device", "cpu", "--model", str(trained))
    code, out, _ = say(*typed)
    assert code == 0
    said, right = " ".join(out.split()), accuracy(say, *typed)
    assert right < 0.1  # the model learnt other premises, so it may be right by mistake
    assert f"matched: the rows' labels look permuted: accuracy {100 * right:.1f}, and " in said
    assert "with entailment for neutral, neutral for contradiction, contradiction for entailment" in said
    assert "check the label names" not in said


def test_own_rows_are_scored_with_a_model_whose_labels_have_no_names(say: Say, trained: Path, tmp_path: Path) -> None:
    rows = [
        {"premise": tiny.REVIEWS[k % 8][0], "hypothesis": f"{SAID[THREE[k % 3]]} {k}", "label": THREE[k % 3]}
        for k in range(150)
    ]
    file = tmp_path / "rows.jsonl"
    write(file, json_lines(*rows))
    model = nameless(trained, tmp_path / "model", ("neutral", "contradiction", "entailment"))
    typed = ["eval", str(file), "--text-column", "premise", "--text-pair-column", "hypothesis", "--device", "cpu"]
    code, out, err = say(*typed, "--model", str(model), "--quiet")
    assert (code, out) == (2, "")
    label_map = "LABEL_0=neutral,LABEL_1=contradiction,LABEL_2=entailment"
    assert f"--label-map {label_map}\n" in err
    assert accuracy(say, *typed, "--model", str(model), "--label-map", label_map) > 0.9


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("finetune sst2 --sample --label-map LABEL_0=negative,LABEL_1=positive", "give --keep-head too"),
        ("eval glue --sample --label-map LABEL_0=negative,LABEL_1=positive", "give --keep-head too"),
        ("eval sst2 --sample --model sample --label-map LABEL_0", "it must be a checkpoint's labels"),
    ],
)
def test_a_map_where_none_applies_is_refused(refused: Refused, typed: str, said: str) -> None:  # noqa: F811
    assert said in refused(*typed.split())


def test_a_map_for_a_number_is_refused(refused: Refused, tmp_path: Path) -> None:  # noqa: F811
    import untrained

    from bertkit import registry

    run = untrained.run_of(registry.find("stsb"), tiny.make("bert", tmp_path / "body"), tmp_path / "run")
    typed: list[Any] = ["eval", "stsb", "--sample", "--model", run / "model", "--label-map", "LABEL_0=x", "--quiet"]
    assert "a classification head of this task has no labels" in refused(*map(str, typed))
