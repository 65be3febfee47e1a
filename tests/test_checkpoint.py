"""Checkpoints: round trip, read by other libraries, intact or skipped, one at a time, only the newest kept."""

from __future__ import annotations

import errno
import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from bertkit.errors import RequestError, RunError
from bertkit.training import checkpoint, checkpointer
from bertkit.training.checkpoint import FACTS, MANIFEST, SCHEMA, TENSORS, State, newest, read, remove, write
from bertkit.training.checkpointer import CheckpointWriter

TENSORS_OF_ALL_TYPES = {
    "matrix": torch.arange(6.0).view(2, 3),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "number": torch.tensor(7.5),
    "none": torch.zeros(0, 4),
    "bytes": torch.arange(9, dtype=torch.uint8),
    "whole": torch.tensor([2**40, -1]),
    "a strided one": torch.arange(12.0).view(3, 4).T,
}


def state(step: int = 3, **tensors: torch.Tensor) -> State:
    return State(tensors=tensors or {"w": torch.full((4,), float(step))}, facts={"step": step, "loss": 0.1 + 0.2})


def fails(place: Any, name: str, monkeypatch: pytest.MonkeyPatch, after: int = 0) -> None:
    """From the call number `after` on, the disk is full."""
    plain, calls = getattr(place, name), [0]

    def full(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return plain(*given, **named)

    monkeypatch.setattr(place, name, full)


def test_what_was_written_is_read_bit_for_bit(tmp_path: Path) -> None:
    given = State(tensors=TENSORS_OF_ALL_TYPES, facts={"step": 12, "loss": 0.1 + 0.2, "words": [1, 2**50]}).copied()
    found = read(write(tmp_path, given))
    assert found.facts == given.facts
    assert list(found.tensors) and set(found.tensors) == set(given.tensors)
    for name, tensor in given.tensors.items():
        assert found.tensors[name].dtype == tensor.dtype and torch.equal(found.tensors[name], tensor), name


def test_the_tensors_are_a_file_that_the_library_reads(tmp_path: Path) -> None:
    place = write(tmp_path, State(tensors=TENSORS_OF_ALL_TYPES, facts={"step": 1}).copied())
    found = load_file(place / TENSORS)
    assert {name: (t.dtype, t.shape) for name, t in found.items()} == {
        name: (t.dtype, t.shape) for name, t in TENSORS_OF_ALL_TYPES.items()
    }


def test_a_copy_is_not_changed_by_what_happens_to_the_original() -> None:
    weights = torch.zeros(3)
    copied = state(w=weights).copied()
    weights += 1
    assert copied.tensors["w"].tolist() == [0, 0, 0]


def test_the_newest_is_taken_and_there_may_be_none(tmp_path: Path) -> None:
    said: list[str] = []
    assert newest(tmp_path, said.append) is None
    for step in (2, 10, 9):
        write(tmp_path, state(step))
    found = newest(tmp_path, said.append)
    assert found is not None and found.step == 10 and not said


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def turned(path: Path) -> None:
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(bytes(text))


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


@pytest.mark.parametrize("harm", [cut, turned, longer, Path.unlink])
@pytest.mark.parametrize("name", [TENSORS, FACTS])
def test_a_damaged_one_is_passed_over_with_a_line_for_the_one_before(
    tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    write(tmp_path, state(4))
    damaged = write(tmp_path, state(6))
    harm(damaged / name)
    said: list[str] = []
    found = newest(tmp_path, said.append)
    assert found is not None and found.step == 4
    trouble = f"it has no {name}" if harm is Path.unlink else f"its {name} has changed since it was written"
    assert said == [f"{damaged} is damaged and skipped: {trouble}"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", f'{{"schema": {SCHEMA}}}', json.dumps({"schema": SCHEMA, "files": {}}), "\0"]
)
def test_so_is_one_whose_manifest_says_nothing(tmp_path: Path, text: str) -> None:
    (write(tmp_path, state()) / MANIFEST).write_text(text, "utf-8")
    said: list[str] = []
    assert newest(tmp_path, said.append) is None
    assert len(said) == 1 and MANIFEST in said[0]


def test_another_versions_is_refused_by_name(tmp_path: Path) -> None:
    place = write(tmp_path, state())
    manifest = json.loads((place / MANIFEST).read_text("utf-8"))
    (place / MANIFEST).write_text(json.dumps({**manifest, "schema": 99}), "utf-8")
    with pytest.raises(RequestError, match=f"another version of bertkit: schema 99, not {SCHEMA}"):
        newest(tmp_path, lambda line: None)


@pytest.mark.parametrize("name", [TENSORS, FACTS, MANIFEST])
def test_one_that_the_disk_does_not_give_out_is_not_taken_for_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write(tmp_path, state(4))
    place = write(tmp_path, state(6))
    plain = Path.open

    def opened(path: Path, *given: Any, **named: Any) -> Any:
        if path == place / name:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return plain(path, *given, **named)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(RunError) as refused:
        newest(tmp_path, pytest.fail)
    assert str(refused.value) == (
        f"{place / name} cannot be read (Input/output error): try again, or remove {place} to resume without it"
    )


@pytest.mark.parametrize("calls", range(4))
def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    fails(os, "fsync", monkeypatch, after=calls)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, state())
    assert list((tmp_path / checkpoint.CHECKPOINTS).iterdir()) == []


def test_only_the_newest_checkpoint_stays(tmp_path: Path) -> None:
    writer = CheckpointWriter(tmp_path, pytest.fail)
    for step in (1, 2, 3):
        writer.save(state(step))
    writer.close()
    assert [place.name for place in (tmp_path / checkpoint.CHECKPOINTS).iterdir()] == ["step-000000003"]


def full(tensors: Any, path: Path) -> None:
    """A full disk, as safetensors 0.8 has it."""
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


def test_a_full_disk_keeps_the_last_good_one_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    writer = CheckpointWriter(tmp_path, said.append)
    writer.save(state(1))
    writer.wait()
    monkeypatch.setattr(checkpoint, "save_file", full)
    writer.save(state(2))
    writer.close()
    assert writer.written == 1
    found = newest(tmp_path, said.append)
    assert found is not None and found.step == 1
    assert said == [
        "the checkpoint of update 2 could not be written (No space left on device): the one of update 1 is kept"
    ]


def test_a_file_that_the_system_keeps_small_is_named_with_its_reason(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match=rf"File too large: '.*{TENSORS}'") as failed:
            write(tmp_path, state(w=torch.zeros(5_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failed.value.errno == errno.EFBIG
    assert list((tmp_path / checkpoint.CHECKPOINTS).iterdir()) == []


def test_what_safetensors_says_without_a_number_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails_oddly(tensors: Any, path: Path) -> None:
        raise SafetensorError("the moon is full")

    monkeypatch.setattr(checkpoint, "save_file", fails_oddly)
    with pytest.raises(OSError, match="the moon is full"):
        write(tmp_path, state())


def test_tied_and_strided_weights_are_written_once_they_are_copied(tmp_path: Path) -> None:
    table = torch.arange(6.0).view(2, 3)
    tied = state(embedding=table, decoder=table, transposed=table.T, row=table[1])
    found = read(write(tmp_path, tied.copied())).tensors
    assert {name: tensor.tolist() for name, tensor in found.items()} == {
        "embedding": [[0, 1, 2], [3, 4, 5]],
        "decoder": [[0, 1, 2], [3, 4, 5]],
        "transposed": [[0, 3], [1, 4], [2, 5]],
        "row": [3, 4, 5],
    }


def test_others_of_the_group_may_read_a_checkpoint_as_the_umask_has_it(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        place = write(tmp_path, state())
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o640}


def test_one_is_due_after_its_interval_and_later_where_writing_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(checkpointer.time, "monotonic", lambda: now[0])
    writer = CheckpointWriter(tmp_path, pytest.fail, interval=50)
    assert not writer.due
    now[0] += 50
    assert writer.due
    plain = checkpointer.write

    def slow(run: Path, given: State) -> Path:
        now[0] += 2
        return plain(run, given)

    monkeypatch.setattr(checkpointer, "write", slow)
    writer.save(state())
    writer.wait()
    now[0] += 100
    assert not writer.due  # two seconds of writing want two hundred of training
    now[0] += 100
    assert writer.due
    writer.close()


def test_removing_takes_what_an_interrupted_write_left(tmp_path: Path) -> None:
    kept = write(tmp_path, state(5))
    write(tmp_path, state(4))
    (tmp_path / checkpoint.CHECKPOINTS / ".step-000000007.123.tmp").mkdir()
    remove(tmp_path, keep=kept)
    assert list((tmp_path / checkpoint.CHECKPOINTS).iterdir()) == [kept]
    remove(tmp_path)
    assert not (tmp_path / checkpoint.CHECKPOINTS).exists()
