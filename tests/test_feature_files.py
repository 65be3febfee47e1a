"""Cached features: round trip, rebuilt where damaged, two writers at once."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from test_encoding import same

from bertkit.data import cache
from bertkit.data.cache import MANIFEST
from bertkit.data.encoding import key_of
from bertkit.data.feature_files import COLUMNS, cached_features
from bertkit.data.rows import Rows
from bertkit.data.table import Table
from bertkit.heads import Window
from bertkit.heads.features import Features
from bertkit.models.load import Loaded, load

KEY = "ab" * 32


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tiny.make("bert", tmp_path_factory.mktemp("stored") / "bert")
    return load(tiny.encoder(folder), tiny.SIGNS, scratch=False, seed=1)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The features' cache."""
    monkeypatch.setenv("BERTKIT_CACHE", str(tmp_path))
    return tmp_path / "features"


class Counted:
    """Parts of features, and how often they were asked for."""

    def __init__(self, *parts: Features) -> None:
        self.parts = parts
        self.asked = 0

    def __call__(self) -> Iterator[Features]:
        self.asked += 1
        yield from self.parts


@pytest.mark.parametrize("kind", tiny.HEADS)
def test_what_was_kept_is_not_made_again_and_is_the_same(loaded: Loaded, root: Path, kind: str) -> None:
    features = tiny.encode(kind, loaded)
    parts = Counted(features.take(np.arange(2)), features.take(np.arange(2, len(features))))
    first, second = cached_features(KEY, parts), cached_features(KEY, parts)
    assert parts.asked == 1
    same(first, features)
    same(second, features)
    np.testing.assert_array_equal(second.row, features.row)
    assert [path.name for path in root.iterdir()] == [KEY]


def test_without_a_key_nothing_is_kept(loaded: Loaded, root: Path) -> None:
    features = tiny.encode("classification", loaded)
    found = cached_features(None, Counted(features))
    assert list(root.iterdir()) == []
    same(found, features)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def turned(path: Path) -> None:
    text = bytearray(path.read_bytes())
    text[0] ^= 1
    path.write_bytes(bytes(text))


@pytest.mark.parametrize("harm", [cut, turned, Path.unlink])
@pytest.mark.parametrize("name", ["0", "3", COLUMNS, MANIFEST])
def test_what_is_damaged_is_made_again(loaded: Loaded, root: Path, name: str, harm: Callable[[Path], None]) -> None:
    features = tiny.encode("classification", loaded)
    parts = Counted(features)
    cached_features(KEY, parts)
    harm(root / KEY / name)
    same(cached_features(KEY, parts), features)
    same(cached_features(KEY, parts), features)
    assert parts.asked == 2


def test_what_fails_while_it_is_made_leaves_nothing(root: Path) -> None:
    def parts() -> Iterator[Features]:
        raise RuntimeError
        yield

    with pytest.raises(RuntimeError):
        cached_features(KEY, parts)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("damaged", [False, True])
def test_those_that_store_the_same_at_once_do_not_harm_each_other(loaded: Loaded, root: Path, damaged: bool) -> None:
    features = tiny.encode("tagging", loaded)
    parts = Counted(features)
    for _ in range(10):
        if damaged:
            cached_features(KEY, parts)
            cut(root / KEY / "0")
        with ThreadPoolExecutor(8) as workers:
            for found in workers.map(lambda _: cached_features(KEY, parts), range(8)):
                same(found, features)
        assert [path.name for path in root.iterdir()] == [KEY]
        assert cache._is_intact(root / KEY)


def test_what_cannot_be_kept_is_made_all_the_same(
    loaded: Loaded, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*given: Any, **named: Any) -> None:
        raise PermissionError

    features = tiny.encode("classification", loaded)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refused)
        same(cached_features(KEY, Counted(features)), features)
    assert list(root.iterdir()) == []
    root.rmdir()
    root.write_text("a file is in the way", "utf-8")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    for key in (KEY, None):
        same(cached_features(key, Counted(features)), features)
    assert not list((tmp_path / "temporary").iterdir())


def test_the_cache_of_another_user_is_read(loaded: Loaded, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: Any, **named: Any) -> None:
        raise PermissionError

    features = tiny.encode("classification", loaded)
    parts = Counted(features)
    cached_features(KEY, parts)
    monkeypatch.setattr("os.utime", refused)
    same(cached_features(KEY, parts), features)
    assert parts.asked == 1


def test_a_disk_that_is_full_is_named(root: Path) -> None:
    def parts() -> Iterator[Features]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield

    with pytest.raises(OSError, match="No space left") as full:
        cached_features(KEY, parts)
    assert full.value.filename == str(root)


def test_others_of_the_group_may_read_what_is_kept(loaded: Loaded, root: Path) -> None:
    before = os.umask(0o007)
    try:
        cached_features(KEY, Counted(tiny.encode("classification", loaded)))
    finally:
        os.umask(before)
    assert (root / KEY).stat().st_mode & 0o777 == 0o770


def test_what_else_lies_there_is_let_alone(loaded: Loaded, root: Path) -> None:
    root.mkdir()
    (root / "0a.arrow").write_text("mine", "utf-8")
    cached_features(KEY, Counted(tiny.encode("classification", loaded)))
    assert sorted(path.name for path in root.iterdir()) == ["0a.arrow", KEY]


def test_what_was_not_used_for_the_longest_time_goes_first(
    loaded: Loaded, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = tiny.encode("classification", loaded)
    keys = [letter * 64 for letter in "abc"]
    for age, key in ((300, keys[0]), (100, keys[1])):
        cached_features(key, Counted(features))
        then = (root / key).stat().st_mtime - age
        os.utime(root / key, (then, then))
    size = sum(file.stat().st_size for file in (root / keys[0]).iterdir())
    monkeypatch.setattr(cache, "MOST", int(2.5 * size))
    cached_features(keys[2], Counted(features))
    assert sorted(path.name for path in root.iterdir()) == keys[1:]


def test_the_key_changes_with_everything_that_features_depend_on() -> None:
    table = Table.from_columns(tiny.rows("classification"))
    rows = Rows(table=table, origin="here", digest="d", there=len(table))
    window = Window(max_length=64)
    keys = {
        key_of(tiny.SIGNS, rows, "t", window),
        key_of(tiny.TAGS, rows, "t", window),
        key_of(tiny.SIGNS, replace(rows, digest="e"), "t", window),
        key_of(tiny.SIGNS, rows.limited(3), "t", window),
        key_of(tiny.SIGNS, rows, "u", window),
        key_of(tiny.SIGNS, rows, "t", Window(max_length=65)),
    }
    assert len(keys) == 6


def test_the_key_is_the_same_in_another_process() -> None:
    code = (
        "import tiny; from bertkit.data.encoding import key_of; from bertkit.data.rows import Rows; "
        "from bertkit.data.table import Table; from bertkit.heads import Window; "
        "table = Table.from_columns(tiny.rows('classification')); "
        "print(key_of(tiny.SIGNS, Rows(table=table, origin='', digest='d', there=8), 't', Window(max_length=64)))"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1] and len(found[0]) == 65
