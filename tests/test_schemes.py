"""Schemes of chunk tags: which one tags are of, and which words break it."""

from __future__ import annotations

import pytest

from bertkit.errors import RequestError
from bertkit.heads.schemes import broken, is_tag_of, recognise, scheme_called, split_tag


def tags(line: str) -> list[str | None]:
    """Tags split at spaces; `/` is the end of a sentence."""
    return [None if tag == "/" else tag for tag in line.split()]


@pytest.mark.parametrize(
    ("line", "scheme"),
    [
        ("B-PER I-PER O B-LOC", "BIO"),
        ("B-PER.NAM I-PER.NAM O B-GPE.NOM", "BIO"),
        ("B-PER B-PER B-LOC", "BIO"),  # nothing but short entities
        ("B-PER I-PER O O I-LOC O B-LOC O B-ORG", "BIO"),  # one of four entities begins wrongly
        ("B I I O O B O", "BIO"),
        ("I-PER I-PER O I-LOC", "IOB1"),
        ("I-PER I-PER B-PER O I-LOC", "IOB1"),  # two persons side by side
        ("I-PER / I-PER O B-LOC / I-ORG", "IOB1"),  # three entities of four begin with I-
        ("B-PER I-PER E-PER O S-LOC", "BIOES"),
        ("B-PER E-PER O", "BIOES"),
        ("S-LOC O S-PER", "BIOES"),
        ("B-PER I-PER L-PER O U-LOC", "BILOU"),
        ("U-LOC O", "BILOU"),
        ("O O O", None),
        ("NOUN VERB DET O", None),
        ("B-PER I-PER LOC", None),
        ("B_PER I_PER O", None),
        ("B-PER X-PER O", None),
        ("B- I- O", None),
        ("I E S", None),  # letters that may be anything
        ("B-PER I-PER S-LOC O", None),  # no entity ends
        ("I-PER E-PER O", None),  # IOE
        ("B-PER E-PER U-LOC O", None),
        ("b-per i-per O", None),
        ("S-ADJ S-NOUN", None),  # one-word chunks alone, and no O
        ("", None),
    ],
)
def test_a_scheme_is_known_by_its_tags(line: str, scheme: str | None) -> None:
    assert recognise(tags(line)) == scheme


@pytest.mark.parametrize(
    ("names", "scheme"),
    [
        ({"O", "I-PER", "B-PER", "I-LOC", "B-LOC"}, "BIO"),
        ({"O", "I-PER", "I-LOC", "B-LOC"}, "BIO"),
        ({"O", "I-PER", "I-LOC"}, "IOB1"),
        ({"O": 9, "B-X": 2, "E-X": 2}, "BIOES"),
    ],
)
def test_a_set_of_tags_has_no_order_and_is_bio_if_entities_may_begin_with_b(names: set[str], scheme: str) -> None:
    assert recognise(names) == scheme


@pytest.mark.parametrize(
    ("scheme", "line", "places"),
    [
        ("BIO", "B-PER I-PER O B-PER B-PER I-PER", []),
        ("BIO", "O I-PER", [1]),
        ("BIO", "I-PER I-PER", [0]),
        ("BIO", "B-PER I-LOC I-LOC", [1]),
        ("BIO", "O / I-PER", []),  # the tag before is missing
        ("IOB1", "I-PER I-PER B-PER I-PER O", []),
        ("IOB1", "O B-PER", [1]),
        ("IOB1", "I-LOC B-PER", [1]),
        ("IOB1", "I-LOC I-PER", []),
        ("BIOES", "B-PER I-PER E-PER S-LOC O", []),
        ("BIOES", "B-PER O", [1]),
        ("BIOES", "B-PER E-PER E-PER", [2]),
        ("BIOES", "B-PER B-PER E-PER", [1]),
        ("BIOES", "S-PER I-PER E-PER", [1]),
        ("BIOES", "B-PER E-LOC", [1]),
        ("BIOES", "O B-PER", [1]),  # never ended
        ("BILOU", "B-PER L-PER U-PER O", []),
        ("BILOU", "B-PER U-PER", [1]),
        ("BILOU", "L-PER", [0]),
    ],
)
def test_words_whose_tag_breaks_the_scheme_are_found(scheme: str, line: str, places: list[int]) -> None:
    assert broken(tags(line), scheme) == places


@pytest.mark.parametrize(
    ("tag", "parts"),
    [("B-PER", ("B", "PER")), ("I-A-B", ("I", "A-B")), ("O", ("O", "")), ("B", ("B", "")), ("O-PER", ("", "")),
     ("B-", ("", "")), ("NOUN", ("", "")), ("", ("", ""))],
)  # fmt: skip
def test_a_tag_is_a_prefix_and_a_type(tag: str, parts: tuple[str, str]) -> None:
    assert split_tag(tag) == parts


@pytest.mark.parametrize(("tag", "fits"), [("O", True), ("B-X", True), ("E-X", False), ("X", False), ("", False)])
def test_a_tag_is_one_of_its_scheme_s(tag: str, fits: bool) -> None:
    assert is_tag_of(tag, "BIO") is fits


def test_a_scheme_has_several_names() -> None:
    assert [scheme_called(name) for name in ("iob2", "BIO", "IOBES", "IOB1")] == ["BIO", "BIO", "BIOES", "IOB1"]
    with pytest.raises(RequestError, match="no scheme of chunk tags is called 'IOE1'; there are BIO, IOB1"):
        scheme_called("IOE1")
