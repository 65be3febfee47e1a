"""Runs with random weights, finished without training: what `predict` needs of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tiny
import transformers

from bertkit import registry
from bertkit.files import write_json
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.runs.folder import MODEL, SPEC
from bertkit.spec import to_plain
from bertkit.task import Task


def runs(below: Path, *names: str) -> dict[str, Path]:
    """A run of each of these tasks, under one tiny encoder, in folders of their names below `below`."""
    body = tiny.make("bert", below / "body")
    return {name: run_of(registry.find(name), body, below / name) for name in names}


def run_of(task: Task, body: Path, folder: Path) -> Path:
    """`folder`, holding a run of the task under this encoder."""
    folder.mkdir()
    stride = 16 if task.head.is_windowed and "doc_stride" in task.head.own_flags else None
    place = {"sample": True} if registry.samples(task) else {"data": str(folder)}
    spec = replace(spec_of(task, Flags(**place, max_length=128, doc_stride=stride)), task=task)
    write_json(folder / SPEC, to_plain(spec))
    config = transformers.AutoConfig.from_pretrained(body)
    task.head.configure(config)
    transformers.set_seed(1)
    getattr(transformers, task.head.auto_model).from_config(config).save_pretrained(folder / MODEL)
    transformers.AutoTokenizer.from_pretrained(body).save_pretrained(folder / MODEL)
    return folder
