"""Errors: what a library said becomes one line of limited length."""

from __future__ import annotations

import pytest

from bertkit.errors import one_line


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("rain", "rain"),
        ("\n  1 error for Result\n  seed\n\tmust be a number\n", "1 error for Result seed must be a number"),
        ("", "ValueError"),
        (" \n ", "ValueError"),
        ("a" * 299 + "bc", "a" * 299 + "b"),
    ],
)
def test_an_error_becomes_one_line_of_at_most_300_characters(said: str, line: str) -> None:
    assert one_line(ValueError(said)) == line


def test_a_caller_may_take_the_first_line_alone_or_fewer_characters() -> None:
    error = ValueError("\nno such class\nit must be one of A, B, C")
    assert one_line(error, lines=1) == "no such class"
    assert one_line(error, longest=7) == "no such"


def test_a_reason_that_is_a_text_is_taken_as_it_is() -> None:
    # urllib's URLError.reason is an error or a text
    assert one_line("timed out") == "timed out"
