"""Rows of a tokenised corpus: windows and sentences, against a plain reading of their definition."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest

from bertkit.data.corpus import Part
from bertkit.data.text_rows import SentenceRows, WindowRows
from bertkit.data.tokens import TokenFiles, rows_of
from bertkit.errors import DataError

END = 99
Lengths = list[list[int]]
"""For each document the tokens of each of its sentences."""


def files_of(lengths: Lengths, part: Part = "train") -> TokenFiles:
    """Token files of sentences with these lengths; tokens count from 100, and start again at 65,536."""
    flat = [length for document in lengths for length in document]
    return TokenFiles(
        part=part,
        tokens=(100 + np.arange(sum(flat))).astype(np.uint16),
        sentences=np.concatenate([[0], np.cumsum(flat, dtype=np.int64)]).astype(np.int64),
        documents=np.concatenate([[0], np.cumsum([len(one) for one in lengths])]).astype(np.int64),
        frequencies=np.zeros(0, np.int64),
    )


def windows(lengths: Lengths, room: int, end: int | None) -> list[tuple[list[int], list[int], int]]:
    """Tokens, sentence starts and document of each window, one token after the other."""
    stream: list[tuple[int, bool, int]] = []
    token = 100
    for document, sentences in enumerate(lengths):
        if document and end is not None:
            stream.append((end, False, document - 1))
        for length in sentences:
            stream += [(token + k, k == 0, document) for k in range(length)]
            token += length
    rows = [stream[start : start + room] for start in range(0, len(stream) - room + 1, room)]
    return [
        (
            [token for token, _, _ in row],
            [k for k, (_, begins, _) in enumerate(row) if begins or not k],
            row[0][2],
        )
        for row in rows
    ]


def found(rows: WindowRows | SentenceRows, which: list[int]) -> list[tuple[list[int], list[int], int]]:
    texts = rows.texts(np.array(which, np.int64))
    assert texts.row.tolist() == which
    assert (texts.tokens.values.dtype, texts.tokens.values.flags.writeable) == (np.int32, True)
    return [(texts.tokens[k].tolist(), texts.sentences[k].tolist(), int(texts.document[k])) for k in range(len(which))]


@pytest.mark.parametrize("end", [END, None])
@pytest.mark.parametrize("room", [1, 2, 3, 5, 8, 40])
def test_windows_are_all_tokens_in_order(room: int, end: int | None) -> None:
    random = np.random.default_rng(room)
    lengths = [random.integers(1, 9, random.integers(1, 5)).tolist() for _ in range(30)]
    expected = windows(lengths, room, end)
    rows = rows_of(files_of(lengths), "windows", room, end)
    assert len(rows) == len(expected)
    which = random.permutation(len(expected)).tolist()
    assert found(rows, which) == [expected[k] for k in which]
    assert found(rows, [0, 0]) == [expected[0]] * 2


def test_an_end_token_stands_between_documents_and_not_after_the_last() -> None:
    rows = rows_of(files_of([[2, 1], [1], [3]]), "windows", 3, END)
    assert found(rows, [0, 1, 2]) == [
        ([100, 101, 102], [0, 2], 0),
        ([END, 103, END], [0, 1], 0),
        ([104, 105, 106], [0], 2),
    ]
    assert len(rows_of(files_of([[2, 1], [1], [2]]), "windows", 3, END)) == 2


def test_sentences_are_packed_into_rows_of_one_document() -> None:
    rows = rows_of(files_of([[2, 2, 2, 3, 3], [4], [3, 3]]), "sentences", 6, END)
    assert found(rows, [0, 1, 2]) == [
        ([100, 101, 102, 103, 104, 105], [0, 2, 4], 0),
        ([106, 107, 108, 109, 110, 111], [0, 3], 0),
        ([116, 117, 118, 119, 120, 121], [0, 3], 2),
    ]
    assert rows.notes == ("1 document of one sentence left out",)


def test_a_last_sentence_alone_takes_the_one_before_it_if_that_leaves_two() -> None:
    rows = rows_of(files_of([[1, 1, 1, 3], [3, 3, 2]]), "sentences", 4, None)
    assert [(tokens, starts) for tokens, starts, _ in found(rows, [0, 1, 2])] == [
        ([100, 101], [0, 1]),
        ([102, 103, 104, 105], [0, 1]),
        ([106, 107, 109, 110], [0, 2]),  # 3 + 3 of room for 4, and 2 alone
    ]
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("one", "two", "kept"),
    [(5, 1, (4, 1)), (1, 9, (1, 4)), (2, 9, (2, 3)), (9, 9, (3, 2)), (3, 3, (3, 2)), (3, 2, (3, 2))],
)
def test_two_sentences_too_long_are_cut_the_longer_one_first(one: int, two: int, kept: tuple[int, int]) -> None:
    rows = rows_of(files_of([[one, two]]), "sentences", 5, None)
    ((tokens, starts, _),) = found(rows, [0])
    assert starts == [0, kept[0]]
    assert tokens == [*range(100, 100 + kept[0]), *range(100 + one, 100 + one + kept[1])]
    assert bool(rows.notes) == (one + two > 5)


def test_rows_of_sentences_are_whole_ones_in_order() -> None:
    random = np.random.default_rng(5)
    lengths = [random.integers(1, 9, random.integers(1, 12)).tolist() for _ in range(200)]
    rows = rows_of(files_of(lengths), "sentences", 20, None)
    read = found(rows, list(range(len(rows))))
    begins = np.concatenate([[0], np.cumsum([sum(one) for one in lengths])])
    for tokens, starts, document in read:
        assert len(starts) >= 2
        assert len(tokens) <= 20
        place = tokens[0] - 100 - begins[document]
        assert tokens == list(range(tokens[0], tokens[0] + len(tokens)))  # no two sentences are over 20
        ends = np.cumsum([0, *lengths[document]])
        assert set((np.array([*starts, len(tokens)]) + place).tolist()) <= set(ends.tolist())
    alone = sum(len(one) == 1 for one in lengths)
    assert f"{alone:,} documents of one sentence left out" in rows.notes
    assert sum(len(tokens) for tokens, _, _ in read) >= 0.9 * sum(map(sum, lengths))


def test_too_little_text_for_a_row_is_refused() -> None:
    too_small = (
        "the corpus is too small: its text to train on has 7 tokens, and the 8 of one row are needed: give more text"
    )
    with pytest.raises(DataError, match=f"^{too_small}$"):
        rows_of(files_of([[3], [3]]), "windows", 8, END)
    with pytest.raises(DataError, match="has no document of two sentences, and the two of one row are needed"):
        rows_of(files_of([[3], [3]]), "sentences", 8, END)
    with pytest.raises(DataError, match=r"^the held-out text is too small: it has 0 tokens, .*: raise --held-out$"):
        rows_of(files_of([], "held-out"), "windows", 8, END)
    with pytest.raises(DataError, match=r"^the held-out text is too small: it has no document of two sentences"):
        rows_of(files_of([], "held-out"), "sentences", 8, END)


def test_a_held_out_part_smaller_than_a_row_is_a_shorter_row() -> None:
    rows = rows_of(files_of([[1], [2]], "held-out"), "windows", 8, END)
    assert len(rows) == 1
    assert found(rows, [0]) == [([100, END, 101, 102], [0, 2], 0)]


@pytest.mark.parametrize("cut", ["windows", "sentences"])
def test_a_batch_is_read_in_well_under_a_millisecond(cut: str) -> None:
    random = np.random.default_rng(1)
    lengths = [random.integers(5, 40, 20).tolist() for _ in range(5_000)]
    rows = rows_of(files_of(lengths), cut, 128, END)  # type: ignore[arg-type]
    batches = [random.choice(len(rows), 64, replace=False) for _ in range(50)]
    times = []
    for batch in batches:
        before = process_time()
        rows.texts(batch)
        times.append(process_time() - before)
    assert sorted(times)[len(times) // 2] < 0.001
