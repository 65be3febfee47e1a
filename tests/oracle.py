"""Shared by the contract tests: a task's sample rows, two kinds of tokenizer, and logits made by hand.

R rows, F features, T tokens, C the width of a head's logits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import own_tasks
import pytest

from bertkit import registry
from bertkit.data.rows import Rows
from bertkit.data.splits import Splits, read_splits
from bertkit.encoders import sample_folder
from bertkit.errors import EncoderError
from bertkit.heads import Answer, Head, MultiLabel, MultipleChoice, Number, Span, Tagging, Window
from bertkit.heads.features import IGNORED, Features, Ragged
from bertkit.spec import SAMPLE, Spec
from bertkit.task import Task

SAMPLES = Path(__file__).parent.parent / "tasks" / "samples"
SURE = 10.0
Columns = Mapping[str, Sequence[Any]]


def folder_for(task: Task) -> str | None:
    """Where a task's few rows are: its own sample, or that of the first task with the same head; None without."""
    if registry.samples(task):
        return SAMPLE
    for other in registry.tasks():
        place = registry.samples(other)
        if place and other.head == task.head:
            return next(str(place / name) for name in other.source.folders if (place / name).is_dir())
    return None


@cache
def splits_of(task_name: str) -> Splits:
    """The sample's rows of a task, its head's labels resolved; the test is skipped where there is no sample."""
    if task_name in own_tasks.OWN:
        return own_tasks.splits_of(task_name)
    task = registry.find(task_name)
    data = folder_for(task)
    if data is None:
        pytest.skip(f"{task_name}: no sample, and no task with the same head has one")
    return read_splits(Spec(task=task, model="sample", data=data, recipe=task.recipe))


def evaluated(task_name: str) -> list[tuple[str, Columns]]:
    """For each evaluation with rows its name and its columns; there is one at least."""
    found = splits_of(task_name).evaluations
    parts = [(name, rows.table[:]) for name, rows in found.items() if isinstance(rows, Rows)]
    assert parts
    return parts


def golds_of(head: Head, columns: Columns) -> list[Any]:
    """What is right for each row."""
    rows = zip(*columns.values(), strict=True)
    return [head.gold(dict(zip(columns, row, strict=True))) for row in rows]


def width(head: Head) -> int:
    """C."""
    if isinstance(head.labels, Number):
        return 1
    return len(head.labels)


def _runs(head: Head, features: Features) -> list[np.ndarray]:
    if features.choices is not None:
        return [np.zeros((count, width(head))) for count in features.choices]
    whole = isinstance(head, Span | Tagging)
    return [np.zeros((tokens if whole else 1, width(head))) for tokens in features.lengths]


def oracle(head: Head, features: Features) -> Ragged:
    """Logits of a model that knows the targets and is sure of them."""
    assert features.targets is not None
    runs = _runs(head, features)
    for i, run in enumerate(runs):
        target = features.targets[i]
        if isinstance(head, Span):
            run[target, [0, 1]] = SURE
        elif isinstance(head, Tagging):
            asked = np.flatnonzero(target != IGNORED)
            run[asked, target[asked]] = SURE
        elif isinstance(head, MultiLabel):
            run[0] = -SURE
            run[0, target] = SURE
        elif isinstance(head, MultipleChoice):
            run[target, 0] = SURE
        elif isinstance(head.labels, Number):
            run[0, 0] = target[0]
        else:
            run[0, target[0]] = SURE
    return Ragged.of(runs, "float32", width=width(head))


def made_up(head: Head, features: Features) -> Ragged:
    """Logits of a model that guesses, each feature by its own token ids and by nothing else."""
    runs = [
        np.random.default_rng(np.asarray(features.inputs["input_ids"][i])).normal(size=run.shape)
        for i, run in enumerate(_runs(head, features))
    ]
    return Ragged.of(runs, "float32", width=width(head))


def guessed(head: Head, columns: Columns, tokenizer: Any, window: Window) -> list[Answer]:
    """The answers that made-up logits decode to."""
    features = head.encode(columns, tokenizer, window)
    return head.decode(columns, features, made_up(head, features), window)


@cache
def tokenizer_of(kind: str) -> Any:
    """ "wordpiece" is MiniLM's own; "words" and "bytes" are like RoBERTa's, with and without `add_prefix_space`;
    "spaces" is like ModernBERT's, whose tokens hold the space before them, in their offsets too.
    """
    import transformers

    if kind != "wordpiece":
        return _byte_level(prefix=kind == "words", trim=kind != "spaces")
    try:
        return transformers.AutoTokenizer.from_pretrained(sample_folder())
    except EncoderError as error:
        pytest.skip(str(error))


def _byte_level(prefix: bool, trim: bool) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learner.train_from_iterator(
        _english(),
        trainers.BpeTrainer(vocab_size=4_000, special_tokens=names, initial_alphabet=alphabet, show_progress=False),
    )
    learner.post_processor = (
        processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=prefix)
        if trim
        else processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
        )
    )
    roles = {"bos_token": "<s>", "cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=learner, eos_token="</s>", mask_token="<mask>", **roles)


def _english() -> Iterator[str]:
    document = json.loads((SAMPLES / "squad" / "train-v1.1.json").read_text("utf-8"))
    for article in document["data"]:
        for paragraph in article["paragraphs"]:
            yield paragraph["context"]
            yield from (asked["question"] for asked in paragraph["qas"])
