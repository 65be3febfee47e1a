"""A JSON list read one value at a time: as the whole document, wherever the blocks end."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from files import ODD_TEXTS, write
from test_detect import refused, rows_of

from bertkit.data import json_stream, read_json
from bertkit.data.json_stream import listed
from bertkit.errors import DataError

VALUES: list[Any] = [{"text": text, "n": [1, {"a": None}]} for text in ODD_TEXTS]


def cut(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("values", [VALUES, [], [[1], "two", 34, -5.6e-07, True, None], [123456]])
def test_the_values_are_the_documents_wherever_it_is_cut(values: list[Any], indent: int | None, size: int) -> None:
    text = f"\n {json.dumps(values, indent=indent, ensure_ascii=False)} \n"
    assert list(listed(cut(text, size), "a.json")) == values


@pytest.mark.parametrize("size", [1, 5, 1_000])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"a": 1}\n{"a": 2}]', "a.json, row 1 (line 2): not JSON: expected ']', found '{'"),
        ('[{"a": 1},\n{"a": }]', "a.json, row 2 (line 2): not JSON: Expecting value"),
        ('[{"a": 1},\n\n{"a": 2}', "a.json, row 2 (line 3): not JSON: expected ']', found the end"),
        ('[{"a": 1}, {"a"', "a.json, row 2 (line 1): not JSON: Expecting ':' delimiter"),
        ('[{"a": 1},]', "a.json, row 2 (line 1): not JSON: Expecting value"),
        ('[{"a": 1}]\n{"a": 2}', "a.json, row 1 (line 2): not JSON: a second value begins after the list"),
    ],
)
def test_a_list_that_is_not_json_is_refused_with_row_and_line(text: str, said: str, size: int) -> None:
    with pytest.raises(DataError) as caught:
        list(listed(cut(text, size), "a.json"))
    assert str(caught.value) == said


def test_a_value_nested_too_deeply_or_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="nested too deeply"):
        list(listed(iter(["[" * 100_000]), "a.json"))
    monkeypatch.setattr(json_stream, "MOST", 1_000)
    blocks = iter(['[{"a": "', *["x" * 100] * 10_000])
    with pytest.raises(DataError, match=r"row 1 \(line 1\): not JSON: Unterminated string"):
        list(listed(blocks, "a.json"))
    assert sum(1 for _ in blocks) > 9_900


def test_a_long_list_in_a_file_is_read_a_row_at_a_time_with_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(
        tmp_path / "a.json",
        json.dumps([{"text": f"row {k}", "label": k % 3} for k in range(20_000)]),
    )
    whole = rows_of(path)
    monkeypatch.setattr(read_json, "WHOLE", 10_000)
    assert rows_of(path) == whole
    assert len(whole) == 20_000


def test_a_long_list_with_a_row_that_is_none_is_refused_with_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_json, "WHOLE", 10)
    path = write(tmp_path / "a.json", json.dumps([{"a": "x" * 200_000}, 3]))
    assert refused(path) == f"{path}, row 2: expected a JSON object, found int"


def test_a_list_of_a_hundred_thousand_rows_is_never_held(tmp_path: Path) -> None:
    rows = ",".join(json.dumps({"text": f"a text of some length, number {k}", "label": k % 5}) for k in range(200_000))
    path = write(tmp_path / "a.json", f"[{rows}]")
    assert path.stat().st_size > read_json.WHOLE
    tracemalloc.start()
    count = sum(1 for _ in read_json.read_json(path, read_json.Findings([path]))[1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 200_000
    assert peak < 8 * read_json.WHOLE
