"""Flags to a spec, or one line that says what is wrong with them. Light: checked before torch loads."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import cast

from bertkit.encoders import DEFAULT
from bertkit.errors import RequestError
from bertkit.heads import Window
from bertkit.spec import HUB, SAMPLE, Device, Layout, OnBadRow, Precision, Spec
from bertkit.task import Ordering, Recipe, Task


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The flags of a run as they were typed; None where they were not."""

    model: str | None = None
    revision: str | None = None
    scratch: bool = False
    data: str | None = None
    sample: bool = False
    epochs: float | None = None
    max_steps: int | None = None
    batch_size: int | None = None
    batch_tokens: int | None = None
    order: Ordering | None = None
    gradient_accumulation: int | None = None
    learning_rate: float | None = None
    warmup: float | None = None
    weight_decay: float | None = None
    max_grad_norm: float | None = None
    max_length: int | None = None
    doc_stride: int | None = None
    max_answer_length: int | None = None
    null_threshold: float | None = None
    eval_every: int | None = None
    seed: int = 42
    limit: int | None = None
    device: str = "auto"
    precision: str = "auto"
    processes: int = 1
    layout: str = "auto"
    fast_dropout: bool = True
    on_bad_row: str = "error"

    @property
    def rows(self) -> str:
        """Where rows come from: "hub", "sample" or a folder. Raises RequestError for both."""
        if self.sample and self.data is not None:
            raise RequestError("--sample and --data: give one of them")
        if self.data == "":
            raise RequestError("--data '': it names no folder")
        return SAMPLE if self.sample else HUB if self.data is None else self.data

    @property
    def encoder(self) -> str:
        """The model's name: --sample brings its own."""
        if self.model == "":
            raise RequestError("--model '': it names no model")
        return (SAMPLE if self.sample else DEFAULT) if self.model is None else self.model


def spec_of(task: Task, asked: Asked) -> Spec:
    """The spec for `task` as `asked`, its numbers and flags checked. Raises RequestError."""
    return Spec(
        task=task,
        model=asked.encoder,
        revision=asked.revision,
        scratch=asked.scratch,
        data=asked.rows,
        limit=asked.limit,
        recipe=_recipe(task, asked),
        eval_every=asked.eval_every,
        seed=asked.seed,
        device=cast(Device, asked.device),
        precision=cast(Precision, asked.precision),
        processes=asked.processes,
        layout=cast(Layout, asked.layout),
        fast_dropout=asked.fast_dropout,
        on_bad_row=cast(OnBadRow, asked.on_bad_row),
    )


def memory_of(typed: str | None) -> int | None:
    """Bytes of memory, as people write them: 4GB or 500 MiB. Raises RequestError."""
    if typed is None:
        return None
    if not Path("/proc/self/statm").is_file():
        raise RequestError("--max-memory: only Linux tells how much a process takes")
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?", typed.strip().upper())
    count = 0
    if found:
        count = int(float(found[1]) * (1024 if found[3] else 1000) ** " KMGT".index(found[2] or " "))
    if count < 1:
        raise RequestError(f"--max-memory {typed}: it must be a size, such as 4GB or 500MiB")
    return count


def seeds_of(spec: Spec, seeds: int) -> list[Spec]:
    """The same spec with `seeds` seeds, counting up from its own. Raises RequestError."""
    if seeds < 1:
        raise RequestError(f"--seeds {seeds}: it must be at least 1")
    return [replace(spec, seed=spec.seed + k) for k in range(seeds)]


def _recipe(task: Task, asked: Asked) -> Recipe:
    if asked.epochs is not None and asked.max_steps is not None:
        raise RequestError("--epochs and --max-steps: give one of them")
    if asked.batch_size is not None and asked.batch_tokens is not None:
        raise RequestError("--batch-size and --batch-tokens: give one of them")
    recipe = task.sample_recipe if asked.sample else task.recipe
    typed = {f.name: getattr(asked, f.name, None) for f in fields(Recipe)}
    return replace(
        recipe,
        **{name: value for name, value in typed.items() if value is not None},
        window=_window(task, recipe.window, asked),
    )


def _window(task: Task, window: Window, asked: Asked) -> Window:
    typed = {f.name: getattr(asked, f.name) for f in fields(Window)}
    typed = {name: value for name, value in typed.items() if value is not None}
    for name in typed:
        task.head.check_flag(name, task.name)
    return replace(window, **typed)
