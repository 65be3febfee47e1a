"""A spec: its digest, its folder's name, what it refuses, its round trip through JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import pytest

from bertkit import registry
from bertkit.errors import RequestError
from bertkit.heads import Classification, Head, MultiLabel, Span, Window
from bertkit.sources import Carve, FileFormat, HoldOut, HubRows, Mark, Nested, Source
from bertkit.spec import Spec, TokenMap, spec_from_plain, to_plain
from bertkit.task import Evaluation, Recipe, Task

NAMES = [task.name for task in registry.tasks()]
SPEC = Spec(task=registry.find("sst2"), model="org/tiny")
OTHER: dict[type, dict[str, Any]] = {
    Spec: {
        "task": registry.find("cola"),
        "model": "org/tiny2",
        "revision": "v1",
        "scratch": True,
        "redraw": "words",
        "fast_start": True,
        "token_map": TokenMap(kind="shift", by=3, symbols=("A", "C")),
        "keep_head": True,
        "label_map": {"LABEL_0": "negative", "LABEL_1": "positive"},
        "data": "sample",
        "limit": 7,
        "train_share": 0.5,
        "recipe": Recipe(epochs=1),
        "budget": 1_200.0,
        "eval_every": 10,
        "seed": 43,
        "device": "cpu",
        "precision": "fp32",
        "processes": 2,
        "layout": "padded",
        "fast_dropout": False,
        "on_bad_row": "skip",
        "trial": True,
    },
    Recipe: {
        "epochs": 1.5,
        "max_steps": 10,
        "batch_size": 8,
        "batch_tokens": 400,
        "order": "length",
        "gradient_accumulation": 2,
        "learning_rate": 1e-5,
        "warmup": 0.0,
        "weight_decay": 0.1,
        "max_grad_norm": 2.0,
        "window": Window(max_length=64),
        "class_weights": "balanced",
        "loss": "focal",
        "focal_gamma": 3.0,
        "label_smoothing": 0.1,
        "freeze": "embeddings",
        "layer_decay": 0.9,
        "reinit_layers": 1,
        "lora": 8,
        "lora_alpha": 4.0,
        "early_stopping": 2,
        "select": "best",
        "threshold": "auto",
        "calibrate": True,
    },
    Window: {
        "max_length": 64,
        "doc_stride": 64,
        "max_answer_length": 10,
        "null_threshold": 1.0,
        "long": "head-tail",
        "max_windows": 8,
    },
    Task: {
        "name": "another",
        "about": "something else",
        "head": Classification(labels=("positive", "negative")),
        "source": registry.find("cola").source,
        "evaluations": (Evaluation(name="dev", split="dev", metrics=("matthews",)),),
        "recipe": Recipe(epochs=1),
        "understood": ("a file",),
        "sample_recipe": Recipe(epochs=1),
        "trains_on": "mnli",
    },
    Source: {
        "hub": HubRows(id="org/rows"),
        "folders": ("elsewhere",),
        "files": {"train": ("rows.csv",)},
        "stems": {"train": ("rows",)},
        "columns": {"text": ("review",)},
        "header": {"train": ("text", "label")},
        "labels": {"bad": "negative"},
        "dropped": {"-1": "no label"},
        "drops_broken": True,
        "rows": {"train": 3},
        "carve": Carve(dev="dev", train=1, of=2),
        "hold_out": HoldOut(share=0.1),
        "formats": {"train": FileFormat(kind="csv", delimiter=";")},
        "joined": {"text": ("title", "body")},
        "listed": {"choices": ("one", "two")},
        "phrases": {"question": {"cause": "Why?"}},
        "separator": "|",
        "written": {"label": "comma"},
        "indicators": ("toxic", "insult"),
        "skips": True,
        "halved_by": Source(files={"dev": ("dev-en.tsv",)}),
        "blanks": registry.find("chid").source.blanks,
        "nested": Nested(each=("qas",)),
        "marks": (Mark(text="text", word="word", start="start", left="*", right="*"),),
    },
}
CHANGES = [(owner, name) for owner, values in OTHER.items() for name in values]


def unchanged(name: str) -> Spec:
    """SPEC with what a field of that name needs to mean anything."""
    if name == "fast_start":
        return replace(SPEC, scratch=True)
    if name == "threshold":
        return replace(SPEC, task=replace(SPEC.task, head=MultiLabel(labels=("a", "b"))))
    needs: dict[str, Any] = {"focal_gamma": {"loss": "focal"}, "lora_alpha": {"lora": 8}}
    every = 10 if name in ("early_stopping", "select") else None
    return replace(SPEC, recipe=replace(SPEC.recipe, **needs.get(name, {})), eval_every=every)


def changed(owner: type, name: str) -> Spec:
    """SPEC with one field of one of its parts another."""
    change = {name: OTHER[owner][name]}
    if owner is Spec:
        return replace(unchanged(name) if name == "fast_start" else SPEC, **change)
    if owner is Task:
        return replace(SPEC, task=replace(SPEC.task, **change))
    if owner is Source:
        return replace(SPEC, task=replace(SPEC.task, source=replace(SPEC.task.source, **change)))
    spec = unchanged(name)
    recipe = replace(spec.recipe, **change) if owner is Recipe else spec.recipe
    if owner is Window:
        recipe = replace(SPEC.recipe, window=replace(SPEC.recipe.window, **change))
    return replace(spec, recipe=recipe)


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_comes_back_from_json_as_it_was(name: str) -> None:
    task = registry.find(name)
    spec = Spec(task=task, model="org/tiny", recipe=task.sample_recipe, limit=3, eval_every=5)
    assert spec_from_plain(json.loads(json.dumps(to_plain(spec)))) == spec


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_from_json_has_the_digest_it_had(name: str) -> None:
    spec = Spec(task=registry.find(name), model="org/tiny", recipe=registry.find(name).recipe)
    assert spec_from_plain(json.loads(json.dumps(to_plain(spec)))).digest == spec.digest


@pytest.mark.parametrize("owner", OTHER, ids=lambda owner: owner.__name__)
def test_the_changes_above_cover_every_field(owner: type) -> None:
    assert set(OTHER[owner]) == {field.name for field in fields(owner)}


@pytest.mark.parametrize(("owner", "name"), CHANGES, ids=lambda part: getattr(part, "__name__", part))
def test_the_digest_changes_with_each_field(owner: type, name: str) -> None:
    assert changed(owner, name).digest != (unchanged(name) if owner is Recipe else SPEC).digest


def test_equal_specs_have_equal_digests() -> None:
    # 3 and 3.0 are one number, and the order in which a mapping was written is no part of it
    source = replace(SPEC.task.source, labels=dict(reversed(SPEC.task.source.labels.items())))
    again = replace(SPEC, task=replace(SPEC.task, source=source), recipe=replace(SPEC.recipe, epochs=3))
    assert again == SPEC
    assert again.digest == SPEC.digest


def test_the_digest_is_the_same_in_another_process() -> None:
    code = "from bertkit import registry, spec; print(spec.Spec(task=registry.find('sst2'), model='org/tiny').digest)"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == SPEC.digest


def test_a_folder_whose_name_is_not_utf_8_can_be_the_data() -> None:
    path = os.fsdecode(b"/data/caf\xe9")  # what Python makes of such a name: half a surrogate pair
    spec = replace(SPEC, data=path)
    assert spec_from_plain(json.loads(json.dumps(to_plain(spec)))).digest == spec.digest


@pytest.mark.parametrize("model", ["org/tiny", "/home/a b/my model/", "sample", "...", "org/tiny.v1_2", "模型"])
@pytest.mark.parametrize("scratch", [False, True])
def test_a_folder_s_name_ends_in_the_digest(model: str, scratch: bool) -> None:
    spec = replace(SPEC, model=model, scratch=scratch)
    assert spec.folder_name.endswith(f"-{spec.digest}")


@pytest.mark.parametrize("model", ["org/tiny", "/home/a b/my model/", "../..", "模型", "a\\b:c*?"])
def test_a_folder_s_name_is_one_plain_name(model: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", replace(SPEC, model=model).folder_name)


def test_a_folder_s_name_says_task_sample_model_arm_and_seed() -> None:
    spec = replace(SPEC, model="google-bert/bert-base-uncased", data="sample", scratch=True, seed=7)
    assert spec.folder_name == f"sst2-sample-bert-base-uncased-scratch-s7-{spec.digest}"


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"limit": 0}, "--limit 0"),
        ({"limit": -1}, "--limit -1"),
        ({"eval_every": 0}, "--eval-every 0"),
        ({"seed": -1}, "--seed -1"),
        ({"seed": 2**32}, "--seed 4294967296"),
        ({"processes": 0}, "--processes 0"),
        ({"processes": 33}, "--processes 33"),  # of a batch of 32
        ({"precision": "fp16", "device": "cpu"}, "--precision fp16"),
        ({"precision": "fp16", "device": "mps"}, "--precision fp16"),
    ],
)
def test_a_spec_refuses_what_cannot_be_and_names_the_flag(change: dict[str, Any], flag: str) -> None:
    with pytest.raises(RequestError, match=re.escape(flag)):
        replace(SPEC, **change)


@pytest.mark.parametrize(
    "change",
    [{"limit": 1}, {"eval_every": 1}, {"seed": 0}, {"seed": 2**32 - 1}, {"processes": 32}, {"precision": "fp16"}],
)
def test_a_spec_takes_the_last_value_that_can_be(change: dict[str, Any]) -> None:
    assert replace(SPEC, **change) != SPEC


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"epochs": 0.0}, "--epochs 0"),
        ({"epochs": float("nan")}, "--epochs nan"),
        ({"epochs": float("inf")}, "--epochs inf"),
        ({"max_steps": 0}, "--max-steps 0"),
        ({"batch_size": 0}, "--batch-size 0"),
        ({"gradient_accumulation": 0}, "--gradient-accumulation 0"),
        ({"learning_rate": 0.0}, "--learning-rate 0"),
        ({"learning_rate": -1e-5}, "--learning-rate -1e-05"),
        ({"warmup": 1.0}, "--warmup 1"),
        ({"warmup": -0.1}, "--warmup -0.1"),
        ({"weight_decay": 1.0}, "--weight-decay 1"),
        ({"weight_decay": -0.01}, "--weight-decay -0.01"),
        ({"max_grad_norm": 0.0}, "--max-grad-norm 0"),
        ({"window": Window(max_length=7)}, "--max-length 7"),
        ({"window": Window(doc_stride=-1)}, "--doc-stride -1"),
        ({"window": Window(max_answer_length=0)}, "--max-answer-length 0"),
    ],
)
def test_a_recipe_refuses_what_cannot_be_and_names_the_flag(change: dict[str, Any], flag: str) -> None:
    with pytest.raises(RequestError, match=re.escape(flag)):
        Recipe(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0.01},
        {"max_steps": 1},
        {"batch_size": 1},
        {"warmup": 0.0},
        {"weight_decay": 0.0},
        {"window": Window(max_length=8, doc_stride=0, max_answer_length=1)},
    ],
)
def test_a_recipe_takes_the_last_value_that_can_be(change: dict[str, Any]) -> None:
    assert Recipe(**change) != Recipe()


def test_windows_that_could_not_move_on_are_refused() -> None:
    # 128 less 64 of the question and 4 special tokens (RoBERTa's) leave 60 of the document
    squad = registry.find("squad")
    assert isinstance(squad.head, Span)
    with pytest.raises(RequestError, match="--doc-stride 60"):
        Spec(task=squad, model="m", recipe=Recipe(window=Window(max_length=128, doc_stride=60)))
    assert Spec(task=squad, model="m", recipe=Recipe(window=Window(max_length=128, doc_stride=59)))


def test_a_stride_is_no_matter_to_a_head_without_windows() -> None:
    assert replace(SPEC, recipe=Recipe(window=Window(max_length=16, doc_stride=500)))


@pytest.mark.parametrize("task", registry.tasks(), ids=lambda task: str(task.name))
def test_a_tasks_head_that_was_written_is_read_as_it_was(task: Task) -> None:
    spec = Spec(task=task, model="org/tiny", recipe=task.recipe)
    assert repr(spec_from_plain(to_plain(spec)).task.head) == repr(task.head)


def test_a_signal_that_comes_while_a_head_is_written_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(head: Head) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("bertkit.heads.plain.to_plain", stopped)
    with pytest.raises(KeyboardInterrupt):
        to_plain(SPEC)
