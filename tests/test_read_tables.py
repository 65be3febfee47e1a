"""TSV and CSV as people have them: delimiters of other suffixes, and quotes where there is no quoting."""

from __future__ import annotations

from pathlib import Path

import pytest
from files import write
from test_readers import refusal

from bertkit.data.readers import read_raw
from bertkit.findings import Findings


def read(path: Path) -> tuple[list[tuple[str, ...]], list[str]]:
    """The values of every row, and what was said."""
    findings = Findings([path])
    rows = [tuple(row.values()) for _, row in read_raw(path, findings=findings)]
    return rows, [finding.line([path.name]) for finding in findings.found]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "sentence;label\nfine, really;1\ndull;0\n", "semicolons, not commas"),
        ("b.csv", '"sentence";"label"\r\n"fine, really";1\r\n"dull";0\r\n', "semicolons, not commas"),
        ("c.csv", "sep=;\nsentence;label\nfine, really;1\ndull;0\n", "semicolons, not commas"),
        ("d.csv", "sentence\tlabel\nfine, really\t1\ndull\t0\n", "tabs, not commas"),
        ("e.csv", "sentence|label\nfine, really|1\ndull|0\n", "vertical bars, not commas"),
        ("f.tsv", 'sentence,label\n"fine, really",1\ndull,0\n', "commas, not tabs"),
        ("g.tsv", "sentence;label\nfine, really;1\ndull;0\n", "semicolons, not tabs"),
    ],
)
def test_a_delimiter_that_fits_all_lines_is_taken_and_said(tmp_path: Path, name: str, content: str, said: str) -> None:
    rows, notes = read(write(tmp_path / name, content))
    assert rows == [("fine, really", "1"), ("dull", "0")]
    assert notes == [f"{name}: columns are separated by {said}"]


@pytest.mark.parametrize(
    ("name", "content", "values"),
    [
        ("a.csv", "sentence,label\nfine; really,1\nso; so; dull,0\n", [("fine; really", "1"), ("so; so; dull", "0")]),
        ("b.csv", "sentence\nfine; really\ndull; so\n", [("fine; really",), ("dull; so",)]),
        ("c.csv", "sentence; in English\nfine; really\ndull\n", [("fine; really",), ("dull",)]),
        ("d.tsv", "sentence\nfine, really\ndull\n", [("fine, really",), ("dull",)]),
        ("e.csv", "a,b;c\nfine,1;2\n", [("fine", "1;2")]),
    ],
)
def test_marks_in_a_text_separate_no_columns(
    tmp_path: Path, name: str, content: str, values: list[tuple[str, ...]]
) -> None:
    assert read(write(tmp_path / name, content)) == (values, [])


def test_a_delimiter_is_seen_through_a_cell_that_is_longer_than_the_lines_looked_at(tmp_path: Path) -> None:
    long = "\n".join(str(k) for k in range(150))
    rows, notes = read(write(tmp_path / "a.csv", f'sentence;label\nfine;1\n"{long}";0\n'))
    assert rows == [("fine", "1"), (long, "0")]
    assert len(notes) == 1


def test_the_line_of_an_error_counts_the_line_that_names_the_delimiter(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "sep=;\nsentence;label\nfine;1\ndull\n")
    assert refusal(path).startswith(f"{path}, line 4: 1 columns, expected 2 (sentence, label)")


def test_a_quote_that_is_never_closed_is_refused_with_the_line_that_opens_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'sentence,label\nfine,1\n"dull,0\nso,1\nso,0\n')
    assert refusal(path) == f"{path}, line 3: not CSV: a double quote opens a cell and none closes it"


QUOTES = '"He said ""no"""\t1\n'


@pytest.mark.parametrize(
    ("quoted", "plain", "said"),
    [(3, 0, "3 of the first 3 rows"), (3, 27, "3 of the first 30 rows"), (3, 28, ""), (2, 0, ""), (0, 5, "")],
)
def test_a_tsv_with_many_quoted_cells_says_so(tmp_path: Path, quoted: int, plain: int, said: str) -> None:
    content = "sentence\tlabel\n" + QUOTES * quoted + 'So "fine"\t1\n' * plain
    rows, notes = read(write(tmp_path / "a.tsv", content))
    assert rows[:quoted] == [('"He said ""no"""', "1")] * quoted
    assert len(notes) == bool(said)
    assert not said or notes[0].startswith(f"a.tsv: {said} have cells in double quotes")


def test_the_same_file_called_csv_is_read_without_its_quotes(tmp_path: Path) -> None:
    rows, notes = read(write(tmp_path / "a.csv", "sentence\tlabel\n" + QUOTES))
    assert rows == [('He said "no"', "1")]
    assert notes == ["a.csv: columns are separated by tabs, not commas"]


@pytest.mark.parametrize("name", ["MRPC/train", "QQP/train", "SST-2/train", "STS-B/dev"])
def test_nothing_is_said_of_the_quotes_in_glue(real_data: Path, name: str) -> None:
    assert read(real_data / "glue" / f"{name}.tsv")[1] == []
