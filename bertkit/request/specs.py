"""Turn flags into specs, or raise an error that says what is wrong. Light: checked before torch loads."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

from bertkit.encoders import DEFAULT
from bertkit.errors import RequestError
from bertkit.heads import Window
from bertkit.pretraining import seconds_of
from bertkit.request.flags import Flags, RunFlags
from bertkit.request.kit_flags import kit_of, with_threshold
from bertkit.request.label_map import label_map_of
from bertkit.spec import HUB, SAMPLE, RunOptions, Spec
from bertkit.task import Recipe, Task


def spec_of(task: Task, flags: Flags) -> Spec:
    """The spec for `task` with these flags, checked. Raises RequestError."""
    typed = {f.name: getattr(flags, f.name) for f in fields(Spec) if hasattr(flags, f.name)}
    typed |= {"model": _encoder(flags), "data": _rows(flags), "recipe": _recipe(task, flags)}
    typed["budget"] = None if flags.budget is None else seconds_of(flags.budget)
    typed["label_map"] = label_map_of(flags.label_map)
    typed["on_bad_row"] = flags.on_bad_row or ("skip" if task.understood or task.source.skips else "error")
    return Spec(task=with_threshold(task, flags.threshold), **typed)


def seeds_of(spec: Spec, seeds: int) -> list[Spec]:
    """The same spec with `seeds` seeds, counting up from its own. Raises RequestError."""
    if seeds < 1:
        raise RequestError(f"--seeds {seeds}: it must be at least 1")
    return [replace(spec, seed=spec.seed + k) for k in range(seeds)]


def options_of(flags: RunFlags, trained: Flags | None = None) -> RunOptions:
    """The RunOptions of these flags, checked, also against those of what is `trained`. Raises RequestError."""
    if trained and flags.keep_best and trained.eval_every is None:
        raise RequestError("--keep-best needs --eval-every, which scores the model during training")
    if trained and flags.keep_adapter and trained.lora is None:
        raise RequestError("--keep-adapter needs --lora")
    typed = {f.name: getattr(flags, f.name) for f in fields(RunOptions)}
    return RunOptions(**{**typed, "max_memory": _memory(flags.max_memory)})


def _rows(flags: Flags) -> str:
    """Where rows come from: "hub", "sample" or a folder. Raises RequestError for both."""
    if flags.sample and flags.data is not None:
        raise RequestError("--sample and --data: give one of them")
    if flags.data == "":
        raise RequestError("--data '': an empty name")
    return SAMPLE if flags.sample else HUB if flags.data is None else flags.data


def _encoder(flags: Flags) -> str:
    """The model's name: --sample has its own."""
    if flags.model == "":
        raise RequestError("--model '': an empty name")
    return (SAMPLE if flags.sample else DEFAULT) if flags.model is None else flags.model


def _memory(typed: str | None) -> int | None:
    """Bytes of a memory size such as 4GB or 500 MiB. Raises RequestError."""
    if typed is None:
        return None
    if not Path("/proc/self/statm").is_file():
        raise RequestError("--max-memory works on Linux only")
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?", typed.strip().upper())
    count = 0
    if found:
        count = int(float(found[1]) * (1024 if found[3] else 1000) ** " KMGT".index(found[2] or " "))
    if count < 1:
        raise RequestError(f"--max-memory {typed}: it must be a size, such as 4GB or 500MiB")
    return count


def _recipe(task: Task, flags: Flags) -> Recipe:
    lasting = {"--epochs": flags.epochs, "--max-steps": flags.max_steps, "--budget": flags.budget}
    given = [name for name, value in lasting.items() if value is not None]
    if len(given) > 1:
        raise RequestError(f"{' and '.join(given)}: give one of them")
    recipe = _without_replaced(task.sample_recipe if flags.sample else task.recipe, flags)
    typed = {f.name: getattr(flags, f.name, None) for f in fields(Recipe)}
    typed |= {"batch_size": _batch_size(flags), **kit_of(flags)}
    return replace(
        recipe,
        **{name: value for name, value in typed.items() if value is not None},
        window=_window(task, recipe.window, flags),
    )


def _without_replaced(recipe: Recipe, flags: Flags) -> Recipe:
    """The recipe without the fields in whose place the typed flags stand."""
    if flags.epochs is not None:
        recipe = replace(recipe, max_steps=None)
    if flags.batch_size is not None or flags.per_device_train_batch_size is not None:
        recipe = replace(recipe, batch_tokens=None)
    return recipe if flags.threshold in (None, "auto") else replace(recipe, threshold=None)


def _batch_size(flags: Flags) -> int | None:
    """Rows of a batch over all processes, if given. Raises RequestError if two flags give it."""
    each = flags.per_device_train_batch_size
    sizes = {"--batch-size": flags.batch_size, "--per-device-train-batch-size": each}
    sizes["--batch-tokens"] = flags.batch_tokens
    typed = [name for name, size in sizes.items() if size is not None]
    if len(typed) > 1:
        raise RequestError(f"{' and '.join(typed)}: give one of them")
    if each is not None and each < 1:
        raise RequestError(f"--per-device-train-batch-size {each}: it must be at least 1")
    return each * flags.processes if each else flags.batch_size


def _window(task: Task, window: Window, flags: Flags) -> Window:
    typed = {f.name: getattr(flags, f.name) for f in fields(Window)}
    typed = {name: value for name, value in typed.items() if value is not None}
    for name in typed:
        task.head.check_flag(name, task.name)
    window = replace(window, **typed)
    return window if task.head.is_windowed else _overlapping(window, set(typed), task)


def _overlapping(window: Window, typed: set[str], task: Task) -> Window:
    """The window of a long text, its overlap by default a quarter. Raises RequestError for flags it does not read."""
    if window.long != "windows":
        for name in sorted(typed & {"doc_stride", "max_windows"}):
            flag = "--" + name.replace("_", "-")
            raise RequestError(f"{flag} does not apply to {task.name} without --long windows")
    elif "doc_stride" not in typed and typed & {"long", "max_length"}:
        return replace(window, doc_stride=window.max_length // 4)
    return window
