"""A run's spec.json, given again in a task's place or as --config. Light."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bertkit import registry
from bertkit.errors import RequestError, one_line
from bertkit.files import expanded
from bertkit.pretraining import PRETRAINING
from bertkit.request.flags import Flags
from bertkit.request.kit_flags import with_threshold
from bertkit.request.label_map import written
from bertkit.request.specs import spec_of
from bertkit.spec import HUB, SAMPLE, SPEC_FILE, Spec, spec_from_plain

NOT_FLAGS = ("task", "model", "revision", "data", "recipe", "budget")
"""Fields of a spec that no flag has as they are."""


def is_saved_spec(typed: str) -> bool:
    """Whether this is a run's spec.json."""
    return Path(typed).name == SPEC_FILE and expanded(typed).is_file()


def saved_spec(path: Path) -> Spec:
    """The spec in a run's spec.json. Raises RequestError if it is damaged."""
    registry.packs()  # its head may come with a pack
    try:
        plain = json.loads(path.read_text("utf-8"))
        if PRETRAINING not in plain:
            return spec_from_plain(plain)
    except (ValueError, KeyError, TypeError, AttributeError, RequestError) as error:
        raise RequestError(f"{path} is damaged: {one_line(error, 200)}") from error
    raise RequestError(
        f"{path.parent} is a pretraining run, and has no task: `bertkit finetune TASK --model {path.parent}`"
    )


def values_of(spec: Spec) -> dict[str, Any]:
    """The values of the flags that are fields of a spec, and of those that other flags need."""
    named = [field.name for field in fields(Spec) if field.name not in NOT_FLAGS]
    label_map = written(spec.label_map) if spec.label_map else None
    return {**{name: getattr(spec, name) for name in named}, "lora": spec.recipe.lora, "label_map": label_map}


def again(spec: Spec, flags: Flags) -> Spec:
    """The spec with these flags, of which those that are None leave it as it is. Raises RequestError."""
    given = {
        name: getattr(spec, name) for name in ("limit", "eval_every", "on_bad_row") if getattr(flags, name) is None
    }
    if flags.model is None and not flags.sample:
        given |= {"model": spec.model, "revision": flags.revision or spec.revision}
    if flags.data is None and not flags.sample:
        given |= {"sample": True} if spec.data == SAMPLE else {} if spec.data == HUB else {"data": spec.data}
    base = replace(spec.task, recipe=spec.recipe, sample_recipe=spec.recipe)
    found = replace(spec_of(base, replace(flags, **given)), task=with_threshold(spec.task, flags.threshold))
    lasting = (flags.epochs, flags.max_steps, flags.budget)
    budget = spec.budget if lasting == (None, None, None) else found.budget
    return replace(found, budget=budget, redraw=spec.redraw, fast_start=spec.fast_start, token_map=spec.token_map)
