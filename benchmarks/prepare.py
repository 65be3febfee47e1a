"""The same rows and tokens for both sides of a measurement, prepared by bertkit before timing starts."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from datasets import Dataset, List, Value
from datasets import Features as Columns

from benchmarks.turns import Job
from bertkit import registry
from bertkit.data.splits import read_splits
from bertkit.encoders import VOCABULARIES, locate_encoder
from bertkit.heads import Head, Span, Tagging
from bertkit.heads.features import IGNORED, Features, Ragged
from bertkit.models.load import load_tokenizer
from bertkit.progress import Progress
from bertkit.request.flags import Flags
from bertkit.request.pretrain_flags import PretrainFlags
from bertkit.request.specs import spec_of
from bertkit.runs.pretrain_claim import claim_pretrain, resolved_pretrain
from bertkit.runs.pretrain_model import parts_of
from bertkit.spec import RunOptions


def features(job: Job) -> dict[str, Any]:
    """Write the features of the first train rows as a `datasets.Dataset`, as the examples' `map` would leave them.

    There are `wanted` of them, or the largest multiple of `unit` that the rows give; where a row has several
    windows maybe a few fewer, so that they are those of the first `limit` whole rows.
    """
    spec = spec_of(registry.find(job["task"]), Flags(**job["asked"]))
    splits = read_splits(spec)
    assert splits.train is not None
    folder = locate_encoder(spec.model).folder
    assert folder is not None
    tokenizer = load_tokenizer(folder, splits.head, transformers.AutoConfig.from_pretrained(folder))
    table = splits.train.table.select(range(min(job["wanted"], len(splits.train))))
    found = splits.head.encode(table[:], tokenizer, spec.recipe.window)
    ends = np.cumsum(np.bincount(found.row))
    unit = job["unit"]
    target = min(job["wanted"], max(len(found) // unit * unit, min(unit, len(found))))
    limit = int(np.searchsorted(ends, target, side="right"))
    count = int(ends[limit - 1])
    width = spec.recipe.window.max_length if job["padded"] else None
    write(splits.head, found, count, tokenizer.pad_token_id or 0, width, Path(job["folder"]))
    labels = splits.head.labels if isinstance(splits.head.labels, tuple) else ()
    return {
        "limit": limit,
        "features": count,
        "mean_length": float(found.lengths[:count].mean()),
        "auto_model": splits.head.auto_model,
        "kind": splits.head.kind,
        "labels": [] if isinstance(splits.head, Span) else list(labels),
        "max_length": spec.recipe.window.max_length,
    }


def write(head: Head, found: Features, count: int, pad: int, width: int | None, folder: Path) -> None:
    """The first `count` features as columns that Trainer reads, each padded to `width` if there is one."""
    masks = [[1] * int(length) for length in found.lengths[:count]]
    columns: dict[str, Any] = {
        "input_ids": _lists(found.inputs["input_ids"], count, pad, width),
        "attention_mask": [mask + [0] * ((width or 0) - len(mask)) for mask in masks],
    }
    types: dict[str, Any] = {"input_ids": List(Value("int32")), "attention_mask": List(Value("int8"))}
    if "token_type_ids" in found.inputs:
        columns["token_type_ids"] = _lists(found.inputs["token_type_ids"], count, 0, width)
        types["token_type_ids"] = List(Value("int8"))
    assert found.targets is not None
    targets = [found.targets[i].tolist() for i in range(count)]
    if isinstance(head, Span):
        columns |= {"start_positions": [t[0] for t in targets], "end_positions": [t[1] for t in targets]}
        types |= {"start_positions": Value("int64"), "end_positions": Value("int64")}
    elif isinstance(head, Tagging):
        columns["labels"] = _lists(found.targets, count, IGNORED, width)
        types["labels"] = List(Value("int64"))
    else:
        columns["labels"], types["labels"] = [t[0] for t in targets], Value("int64")
    Dataset.from_dict(columns, features=Columns(types)).save_to_disk(folder)


def _lists(runs: Ragged, count: int, fill: int, width: int | None) -> list[list[int]]:
    lists = [runs[i].tolist() for i in range(count)]
    return [run + [fill] * ((width or 0) - len(run)) for run in lists]


def blocks(job: Job) -> dict[str, Any]:
    """Write the first `wanted` rows of a corpus before masking, and the tokenizer and the config of what is trained."""
    folder = Path(job["folder"])
    with ExitStack() as stack:
        spec = PretrainFlags(**job["asked"], budget="1step").spec([job["corpus"]])
        claimed = claim_pretrain(resolved_pretrain(spec), RunOptions(out=folder), Progress(), None, stack)
        parts = parts_of(claimed)
        found = parts.train.take(np.arange(min(job["wanted"], len(parts.train))))
        assert found.targets is not None
        seen, gold = found.inputs["input_ids"], found.targets.values
        rows = Ragged(np.where(gold == IGNORED, seen.values, gold), seen.offsets)
        columns = {"input_ids": _lists(rows, len(found), 0, None)}
        Dataset.from_dict(columns, features=Columns({"input_ids": List(Value("int32"))})).save_to_disk(folder / "rows")
        parts.model.loaded.tokenizer.save_pretrained(folder / "model")
        parts.config.save_pretrained(folder / "model")
    return {"features": str(folder / "rows"), "model": str(folder / "model"), "rows": len(found)}


def texts(job: Job) -> dict[str, Any]:
    """Write the texts of a task's first evaluation, `rows` of them at most, as JSON Lines."""
    task = registry.find(job["task"])
    splits = read_splits(spec_of(task, Flags(**job["asked"])))
    found = splits.evaluations[task.evaluations[0].name]
    assert not isinstance(found, str), found
    table = found.limited(job["rows"]).table
    rows = table.select_columns(list(splits.head.roles[:-1]))
    Path(job["place"]).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return {"rows": len(table)}


def encoder(job: Job) -> dict[str, Any]:
    """Make a BERT-base with random weights in one folder, with the vocabulary of the encoder in another folder."""
    folder = Path(job["folder"])
    transformers.set_seed(0)
    transformers.BertModel(transformers.BertConfig()).save_pretrained(folder)
    for name in (*VOCABULARIES, "tokenizer_config.json", "special_tokens_map.json"):
        if (Path(job["vocabulary"]) / name).is_file():
            shutil.copy(Path(job["vocabulary"]) / name, folder / name)
    return {}
