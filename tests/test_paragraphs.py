"""Paragraphs and documents of texts: Project Gutenberg's boilerplate, and lines that are hard-wrapped."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from bertkit.data.paragraphs import LONGEST, Boilerplate, Ends, paragraphs, text_of

HEADER = "The Project Gutenberg EBook of Sea\n\nThis eBook is for the use of anyone\n\n"
FOOTER = "\n*** START: FULL LICENSE ***\n\nSection 1. General Terms\n"
OLD = "Ever sent to you\n***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***\nWhy? You know: lawyers.\n"
BODY = "The old man\nwas thin.\n\nThe sea was calm.\n"

BOOKS = {
    "this": (
        "*** START OF THIS PROJECT GUTENBERG EBOOK SEA ***\n\n",
        "*** END OF THIS PROJECT GUTENBERG EBOOK SEA ***",
    ),
    "the": ("***START OF THE PROJECT GUTENBERG EBOOK SEA***\n\n", "***END OF THE PROJECT GUTENBERG EBOOK SEA***"),
    "two lines": (
        "*** START OF THE PROJECT GUTENBERG EBOOK SEA\nAND LAND ***\n\n",
        "End of the Project Gutenberg EBook of Sea\n\n*** END OF THE PROJECT GUTENBERG EBOOK SEA\nAND LAND ***",
    ),
    "credits": (
        "*** START OF THE PROJECT GUTENBERG EBOOK SEA ***\n\nProduced by A. Woman and\nthe volunteers\n\n\n"
        "This etext was prepared from the 1899 edition\n\n[Project Gutenberg Editor's Note: there is\nanother]\n\n",
        "End of Project Gutenberg's Sea",
    ),
    "small print": (
        f"{OLD}*END THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.07.00*END*\n\n",
        "End of The Project Gutenberg Etext of Sea",
    ),
    "older": (f"{OLD}*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*\n", "[End of Project Gutenberg"),
}


def cut(text: str, ends: Ends = "text") -> list[list[str]]:
    """The paragraphs of each document."""
    documents: list[list[str]] = [[]]
    for paragraph in paragraphs(text_of(text.split("\n")), ends, Boilerplate()):
        if paragraph is None:
            documents.append([])
        else:
            documents[-1].append(paragraph)
    return [document for document in documents if document]


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_of_a_book_its_paragraphs_are_left(name: str, ending: str) -> None:
    begin, end = BOOKS[name]
    text = f"{HEADER}{begin}{BODY}{end}\n{FOOTER}".replace("\n", ending)
    assert cut(text) == [["The old man was thin.", "The sea was calm."]]
    assert cut(text, "blank-lines") == [["The old man was thin."], ["The sea was calm."]]


def test_books_in_one_file_are_documents_and_what_is_left_out_is_counted() -> None:
    begin, end = BOOKS["this"]
    book = f"{HEADER}{begin}{BODY}{end}\n{FOOTER}"
    left_out = Boilerplate()
    text = text_of((book + book).split("\n"))
    assert [one for one in paragraphs(text, "text", left_out) if one] == [
        "The old man was thin.",
        "The sea was calm.",
    ] * 2
    assert left_out.books == 1
    assert left_out.characters == pytest.approx(2 * (len(book) - len(BODY)), abs=4)


def test_a_book_that_lost_its_beginning_is_counted_too() -> None:
    left_out = Boilerplate()
    lines = ["A man came in.", "", "End of Project Gutenberg's A Man, by No One", "", "The licence."]
    found = list(paragraphs(text_of(lines), "blank-lines", left_out))
    assert [one for one in found if one] == ["A man came in."]
    assert (left_out.books, left_out.characters) == (1, sum(len(line) + 1 for line in lines[2:]))


def test_without_a_marker_nothing_is_left_out() -> None:
    text = "*** A star\n\nWe read Project Gutenberg.\nProduced by me\n"
    assert cut(text, "blank-lines") == [["*** A star"], ["We read Project Gutenberg.", "Produced by me"]]


def test_a_line_break_ends_a_paragraph_unless_lines_are_hard_wrapped() -> None:
    words = "the old man and the sea were calm and thin in the long light of the morning " * 40
    wrapped = textwrap.fill(words, 72)
    assert cut(f"{wrapped}\n\nThe\nend\n") == [[" ".join(words.split()), "The end"]]
    a_line_each = "\n".join(f"Sentence {k} is {'very ' * (k % 9)}long." for k in range(60))
    assert len(cut(a_line_each)[0]) == 60
    as_wide = "\n".join(f"Sentence {k} is as long as all of the others are." for k in range(100, 160))
    assert len(cut(as_wide)[0]) == 60
    few = "\n".join(wrapped.split("\n")[:15])
    assert len(cut(few)[0]) == 15


def test_a_hard_wrapped_text_without_blank_lines_is_no_paragraph_of_any_size() -> None:
    wrapped = "\n".join(["the old man and the sea were calm and thin"] * (2 * LONGEST + 1))
    line = wrapped.partition("\n")[0]
    assert list(map(len, cut(wrapped)[0])) == [LONGEST * (len(line) + 1) - 1] * 2 + [len(line)]


def test_a_line_is_a_document_where_lines_are_rows() -> None:
    assert cut("one\n\n two \nthree", "line") == [["one"], ["two"], ["three"]]


def test_blank_lines_may_hold_white_space() -> None:
    assert cut("one\n \t\ntwo\r\n\r\nthree", "blank-lines") == [["one"], ["two"], ["three"]]
    assert cut("one\n\n\ntwo") == [["one", "two"]]


def test_of_the_real_books_no_boilerplate_is_left(real_data: Path) -> None:
    books = [*(real_data / "lm/gutenberg-en").glob("*.txt"), *(real_data / "lm2/en/gutenberg").glob("*.txt")]
    assert len(books) == 21
    for book in books:
        whole = book.read_text("utf-8-sig")
        (document,) = cut(whole)
        assert 0.94 < sum(map(len, document)) / len(whole.replace("\r", "")) < 0.999
        assert "gutenberg" not in " ".join(document).lower(), book.name
        ends = " ".join(document[:8] + document[-8:]).lower()
        for phrase in ("small print", "prepared by", "produced by", "transcribed from", "www.", "***"):
            assert phrase not in ends, (book.name, phrase)
