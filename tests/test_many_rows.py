"""Many rows: what is held of them does not grow with the rows' texts, and blocks give what the whole gives."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from files import json_lines, write

from bertkit.data.seen import RECENT, Seen
from bertkit.data.splits import Splits, read_splits
from bertkit.data.table import Table
from bertkit.evaluation import inference, logits
from bertkit.evaluation.inference import blocks
from bertkit.heads import FROM_TRAIN, Classification
from bertkit.models.load import load
from bertkit.runs.run import run
from bertkit.sources import HoldOut, Source
from bertkit.spec import RunOptions, Spec
from bertkit.task import Evaluation, Recipe, Task

TASK = Task(
    name="many",
    about="a text -> its label",
    head=Classification(labels=FROM_TRAIN),
    source=Source(
        files={"train": ("rows.jsonl",)}, columns={"text": ("text",), "label": ("label",)}, hold_out=HoldOut(most=100)
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy",)),),
    recipe=Recipe(batch_size=8, max_steps=1),
)


def test_an_id_is_seen_again_however_many_there_are_between() -> None:
    seen = Seen()
    assert [seen.add(text) for text in ("a", "b", "a")] == [False, False, True]
    assert not any(seen.add(str(k)) for k in range(RECENT + 10))
    assert [seen.add(text) for text in ("a", "b", "c", "7", str(RECENT + 9))] == [True, True, False, True, True]


def peak_of(call: Callable[[], Any]) -> int:
    """Bytes that Python and numpy hold at most while `call` runs, above what they held before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def rows_in(folder: Path, count: int) -> str:
    draws = random.Random(0)
    rows = ({"text": f"{draws.random()} {'long ' * 40}", "label": f"label {k % 7}"} for k in range(count))
    write(folder / "rows.jsonl", json_lines(*rows))
    return str(folder)


def split(folder: str) -> Splits:
    return read_splits(Spec(task=TASK, model="sample", data=folder))


def test_a_row_costs_at_most_100_bytes_while_rows_are_read_and_held_out(tmp_path: Path) -> None:
    peaks = []
    for count in (6_000, 30_000):  # both are read in several chunks
        folder = rows_in(tmp_path / str(count), count)
        peaks.append(peak_of(lambda folder=folder: split(folder)))  # type: ignore[misc]
    assert peaks[1] - peaks[0] < 24_000 * 100  # a text has 220


@pytest.mark.parametrize("kind", tiny.HEADS)
def test_answers_in_blocks_are_those_of_the_whole(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(tiny.encoder(tiny.make("bert", tmp_path / "tiny")), tiny.HEADS[kind], scratch=False, seed=1)
    head, columns, features = tiny.HEADS[kind], tiny.rows(kind), tiny.encode(kind, loaded)
    monkeypatch.setattr(inference, "BLOCK", 3)
    found = tiny.predict(kind, loaded, features)
    whole = head.decode(columns, features, found, tiny.WINDOW)
    monkeypatch.setattr(logits, "IN_MEMORY", 0)  # now they are in a file
    again = tiny.predict(kind, loaded, features)
    assert np.array_equal(again.values, found.values)
    parts = [
        head.decode(block, part, some, tiny.WINDOW)
        for block, part, some in blocks(Table.from_columns(columns), features, again)
    ]
    assert len(parts[0]) == 3
    assert [answer for part in parts for answer in part] == whole


def test_a_run_that_is_scored_in_blocks_has_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = Spec(task=TASK, model=str(tiny.make("bert", tmp_path / "tiny")), data=rows_in(tmp_path, 90), device="cpu",
                recipe=TASK.recipe)  # fmt: skip
    whole = run(spec, RunOptions(out=tmp_path / "whole"))
    monkeypatch.setattr(inference, "BLOCK", 4)
    monkeypatch.setattr(logits, "IN_MEMORY", 0)
    parts = run(spec, RunOptions(out=tmp_path / "parts"))
    lines = [(one.folder / "predictions.jsonl").read_bytes() for one in (whole, parts)]
    assert lines[0] == lines[1]
    assert len(lines[0].splitlines()) == 18
    assert json.loads(lines[0].splitlines()[0])["evaluation"] == "dev"
    assert parts.result.evaluations == whole.result.evaluations
