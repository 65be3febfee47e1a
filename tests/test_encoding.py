"""Features in files, and features used before all are encoded: the same, in the same order."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from bertkit.data import encoding
from bertkit.data.encoding import Encoded, Worker, ahead, blocks_of, encode
from bertkit.data.table import Table
from bertkit.heads.features import Features, Ragged
from bertkit.models.load import Loaded, load

KINDS = tuple(tiny.HEADS)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tiny.make("bert", tmp_path_factory.mktemp("encoding") / "bert")
    return load(tiny.encoder(folder), tiny.SIGNS, scratch=False, seed=1)


def table_of(kind: str, times: int = 1) -> Table:
    """The rows of a head, so many times over."""
    return Table.from_columns({name: column * times for name, column in tiny.rows(kind).items()})


def same(one: Features, other: Features) -> None:
    """Assert that two features are equal in every part but the row they count from."""
    for name in one.inputs:
        _same(one.inputs[name], other.inputs[name])
    for name in one.places:
        _same(one.places[name], other.places[name])
    assert one.targets is not None and other.targets is not None
    _same(one.targets, other.targets)
    assert one.cut.tolist() == other.cut.tolist()


def _same(one: Ragged, other: Ragged) -> None:
    assert one.values.dtype == other.values.dtype
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.offsets, other.offsets)


@pytest.mark.parametrize("kind", KINDS)
def test_features_in_files_are_those_of_one_piece(loaded: Loaded, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "CHUNK", 3)
    table = table_of(kind, 2)
    whole = tiny.HEADS[kind].encode(table[:], loaded.tokenizer, tiny.WINDOW)
    found = encode(tiny.HEADS[kind], table, loaded.tokenizer, tiny.WINDOW)
    same(found, whole)
    np.testing.assert_array_equal(found.row, whole.row)


def test_features_lie_in_files_without_a_name(loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTKIT_CACHE", str(tmp_path))
    found = encode(tiny.SIGNS, table_of("classification"), loaded.tokenizer, tiny.WINDOW)
    assert isinstance(found.inputs["input_ids"].values.base, np.memmap)
    assert list((tmp_path / "features").iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_features_that_are_taken_are_those_in_that_order(loaded: Loaded, kind: str) -> None:
    features = tiny.encode(kind, loaded)
    taken = features.take(np.array([2, 0, 2]))
    assert [run.tolist() for run in map(taken.inputs["input_ids"].__getitem__, range(3))] == [
        features.inputs["input_ids"][i].tolist() for i in (2, 0, 2)
    ]
    assert taken.lengths.tolist() == features.lengths_of(np.array([2, 0, 2])).tolist()
    same(features.take(np.arange(len(features))), features)


class Slow:
    """A worker that does nothing until it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.stopped = threading.Event()
        self.pool = ThreadPoolExecutor(1)

    def submit(self, work: Any, *given: Any) -> Any:
        return self.pool.submit(lambda: self.may.wait(20) and work(*given))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "span"])
def test_a_batch_is_the_same_before_and_after_all_rows_are_encoded(loaded: Loaded, kind: str) -> None:
    head, table = tiny.HEADS[kind], table_of(kind)
    worker = Slow()
    with worker.pool:
        source = Encoded(head, table, loaded.tokenizer, tiny.WINDOW, worker=worker)  # type: ignore[arg-type]  # stands in for a Worker
        which = np.array([3, 1])
        before = [source.take(which), source.take(which)]
        assert (len(source), source.lengths_of(which).tolist()) == (len(table), before[0].lengths.tolist())
        assert source._whole is not None and not source._whole.done()
        worker.may.set()
        whole = source.all_features
        after = source.take(which)
    same(whole, encode(head, table, loaded.tokenizer, tiny.WINDOW))
    for one in before:
        same(one, after)
        assert one.row.tolist() == after.row.tolist() == [3, 1]


def test_the_first_batch_alone_has_nothing_encoded_in_the_background(loaded: Loaded) -> None:
    with Worker() as worker:
        source = Encoded(tiny.SIGNS, table_of("classification"), loaded.tokenizer, tiny.WINDOW, worker=worker)
        source.take(np.array([0]))
        assert source._whole is None
        source.take(np.array([1]))
        assert source._whole is not None


def test_windows_are_counted_when_all_are_there(loaded: Loaded) -> None:
    with Worker() as worker:
        table = table_of("span", 3)
        source = Encoded(tiny.SPAN, table, loaded.tokenizer, tiny.WINDOW, worker=worker)
        assert len(source) == len(encode(tiny.SPAN, table, loaded.tokenizer, tiny.WINDOW)) >= len(table)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 4, 5])
def test_blocks_are_the_rows_in_their_order_with_their_own_features(
    loaded: Loaded, kind: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "BLOCK", 2)
    head, columns = tiny.HEADS[kind], {name: (column * 2)[:rows] for name, column in tiny.rows(kind).items()}
    for given in (columns, Table.from_columns(columns)):
        numbered = enumerate(blocks_of(given))
        blocks = list(ahead(head, numbered, loaded.tokenizer, tiny.WINDOW))
        name = head.roles[0]
        assert [number for number, _, _ in blocks] == list(range((rows + 1) // 2))
        assert [value for _, block, _ in blocks for value in block[name]] == columns[name]
        for _, block, features in blocks:
            assert features is not None
            same(features, head.encode(block, loaded.tokenizer, tiny.WINDOW))


def test_a_worker_that_is_left_stops_after_the_rows_it_is_at(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "CHUNK", 1)
    table = table_of("classification", 2_000)
    with Worker() as worker:
        source = Encoded(tiny.SIGNS, table, loaded.tokenizer, tiny.WINDOW, worker=worker)
        source.begin()
    assert source._whole is not None
    with pytest.raises(CancelledError):
        source._whole.result(timeout=0)


def test_what_goes_wrong_in_the_background_is_raised_where_features_are_asked_for(loaded: Loaded) -> None:
    table = Table.from_columns({"text": ["fine"], "label": ["unheard of"]})
    with Worker() as worker:
        source = Encoded(tiny.SIGNS, table, loaded.tokenizer, tiny.WINDOW, worker=worker)
        with pytest.raises(KeyError):
            _ = source.all_features
