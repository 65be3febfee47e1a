"""The files of a pretraining run's folder: its spec with the number of updates, and its result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError
from bertkit.files import expanded, write_json
from bertkit.pretraining import PRETRAINING, PretrainSpec
from bertkit.result import PretrainResult
from bertkit.runs.folder import SPEC, UPDATES, WORKING_FOLDER, damage_named, read_result_by
from bertkit.spec import SAMPLE, to_plain


def write_pretrain_spec(folder: Path, spec: PretrainSpec, updates: int) -> None:
    """Write the spec, the number of its updates, and the folder that its relative paths start from."""
    plain = {PRETRAINING: to_plain(spec), UPDATES: updates}
    with suppress(FileNotFoundError):
        plain[WORKING_FOLDER] = str(Path.cwd())
    write_json(folder / SPEC, plain)


def read_pretrain_spec(folder: Path) -> PretrainSpec:
    """The spec of a pretraining run's folder. Raises RequestError if it is not one."""
    from pydantic import TypeAdapter

    plain = _written(folder)
    if plain is None or PRETRAINING not in plain:
        raise RequestError(f"{folder} is not the folder of a pretraining run: it has no {SPEC} of one")
    with damage_named(folder / SPEC):
        return TypeAdapter(PretrainSpec).validate_python(plain[PRETRAINING])
    raise AssertionError


def recorded_updates(folder: Path) -> int | None:
    """The number of updates that the run was started with; None if it was not started."""
    plain = _written(folder)
    if plain is None:
        return None
    with damage_named(folder / SPEC):
        return int(plain[UPDATES])
    raise AssertionError


def read_pretrain_result(folder: Path) -> PretrainResult | None:
    """The result of a finished run; None if the folder holds none. Raises RequestError if it is damaged."""
    from pydantic import TypeAdapter

    return read_result_by(folder, TypeAdapter(PretrainResult).validate_python)


def located_pretrain(folder: Path, spec: PretrainSpec) -> PretrainSpec:
    """The spec of a run, its relative paths resolved from the folder that the run was started in, if they exist.

    `spec` identifies the run; the result says where to read.
    """
    plain = _written(folder) or {}
    working, corpus, named = plain.get(WORKING_FOLDER), spec.corpus, spec.vocabulary.tokenizer

    def at(typed: str) -> str:
        path = Path(working if isinstance(working, str) else "") / expanded(typed)
        return str(path) if not typed.startswith("hub:") and path.exists() else typed

    paths, aside = (tuple(map(at, typed)) for typed in (corpus.paths, corpus.held_out_files))
    tokenizer = named if named in (None, SAMPLE) else at(named)
    return replace(
        spec,
        corpus=replace(corpus, paths=paths, held_out_files=aside),
        vocabulary=replace(spec.vocabulary, tokenizer=tokenizer),
    )


def _written(folder: Path) -> Mapping[str, Any] | None:
    """What spec.json holds; None if there is none."""
    path = folder / SPEC
    if not path.is_file():
        return None
    with damage_named(path):
        plain: Mapping[str, Any] = dict(json.loads(path.read_text("utf-8")))
        return plain
    raise AssertionError
