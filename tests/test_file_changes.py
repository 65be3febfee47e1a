"""A file that grows, shrinks, is replaced or vanishes while it is read is refused, and nothing of it is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from files import write

from bertkit import registry
from bertkit.data.detect import detect
from bertkit.data.readers import read_located
from bertkit.data.rows import read_files
from bertkit.errors import DataError
from bertkit.sources import Source, locate

CONTENT = "text,label\n" + "fine,1\ndull,0\n" * 10_000


def grown(path: Path) -> None:
    with path.open("a") as file:
        file.write("more,1\n")


def shrunk(path: Path) -> None:
    path.write_text(CONTENT[:-7])


def replaced(path: Path) -> None:
    write(path.with_name("new"), CONTENT.replace("fine", "good")).replace(path)


def touched(path: Path) -> None:
    os.utime(path, ns=(0, 10**18))


CHANGES = pytest.mark.parametrize(
    ("change", "said"),
    [
        (grown, "it changed while it was read (from 140,011 to 140,018 bytes): start again once it is complete"),
        (shrunk, "it changed while it was read (from 140,011 to 140,004 bytes): start again once it is complete"),
        (replaced, "it changed while it was read (though not its size): start again once it is complete"),
        (touched, "it changed while it was read (though not its size): start again once it is complete"),
        (Path.unlink, "it vanished while it was read: start again once it is back"),
    ],
)


@CHANGES
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, change: Callable[[Path], None], said: str
) -> None:
    path = write(tmp_path / "a.csv", CONTENT)
    rows = read_located(path, form=detect(path))
    next(rows)
    change(path)
    with pytest.raises(DataError) as caught:
        list(rows)
    assert str(caught.value) == f"{path}: {said}"


@CHANGES
def test_rows_of_a_file_that_changes_are_never_cached(
    tmp_path: Path, change: Callable[[Path], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.csv", CONTENT)
    source = Source(files={"train": ("a.csv",)}, columns={"text": ("text",)}, labels={"0": "negative", "1": "positive"})
    located = locate(source, tmp_path, "train")
    assert located
    cache = Path(os.environ["BERTKIT_CACHE"]) / "rows"
    kept = set(cache.glob("[0-9a-f]*"))
    monkeypatch.setattr("bertkit.data.rows.refuse_withheld", lambda rows, _: rows)
    original = read_located

    def changing(*arguments: object, **options: object) -> object:
        yield from original(*arguments, **options)  # type: ignore[arg-type]
        change(path)

    monkeypatch.setattr("bertkit.data.rows.read_located", changing)
    with pytest.raises(DataError) as caught:
        read_files(located, source, registry.find("sst2").head)
    assert str(caught.value) == f"{path}: {said}"
    assert set(cache.glob("[0-9a-f]*")) == kept


def test_a_file_that_is_gone_before_it_is_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", CONTENT)
    form = detect(path)
    path.unlink()
    with pytest.raises(DataError, match=r"a\.csv: there is no such file"):
        list(read_located(path, form=form))
