"""Words and tags in columns: CoNLL-2003's, tabs, comments, indexed characters, and what is no such file."""

from __future__ import annotations

from pathlib import Path

import pytest
from files import write
from test_detect import refused, rows_of

from bertkit.data.detect import detect
from bertkit.data.readers import read_located
from bertkit.findings import Findings

CONLL_2003 = """\
-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER
"""


def tagged(path: Path) -> list[tuple[list[str], list[str]]]:
    return [(row["words"], row["tags"]) for row in rows_of(path)]


def test_conll_2003_has_the_word_first_and_the_tag_last(tmp_path: Path) -> None:
    path = write(tmp_path / "eng.train", CONLL_2003)
    assert detect(path).columns == ("words", "column 2", "column 3", "tags")
    assert rows_of(path) == [
        {
            "words": ["EU", "rejects", "German"],
            "column 2": ["NNP", "VBZ", "JJ"],
            "column 3": ["B-NP", "B-VP", "B-NP"],
            "tags": ["B-ORG", "O", "B-MISC"],
            "lines": [3, 4, 5],
        },
        {
            "words": ["Peter", "Blackburn"],
            "column 2": ["NNP", "NNP"],
            "column 3": ["B-NP", "I-NP"],
            "tags": ["B-PER", "I-PER"],
            "lines": [7, 8],
        },
    ]


SENTENCES = [(["EU", "rejects", "it"], ["B-ORG", "O", "O"]), (["So", "!"], ["O", "O"])]


@pytest.mark.parametrize(
    "content",
    [
        "EU\tB-ORG\nrejects\tO\nit\tO\n\nSo\tO\n!\tO\n",
        "EU\tB-ORG\r\nrejects\tO\r\nit\tO\r\n\t\r\nSo\tO\r\n!\tO",
        "\ufeffEU B-ORG\nrejects O\nit O\n\n\n\nSo O\n! O\n\n\n",
        "EU  x   B-ORG \nrejects y O\nit x O\n \nSo x O\n! y O\n",
        "# id 5 domain=train\nEU _ _ B-ORG\nrejects _ _ O\nit _ _ O\n\n# id 6 domain=train\nSo _ _ O\n! _ _ O\n",
        "#\tsource A\n1\tEU\tB-ORG\n2\trejects\tO\n3\tit\tO\n\n#\tsource B\n1\tSo\tO\n2\t!\tO\n",
        "word\ttag\nEU\tB-ORG\nrejects\tO\nit\tO\n\nSo\tO\n!\tO\n",
        "B-ORG\tEU\nO\trejects\nO\tit\n\nO\tSo\nO\t!\n",
        "-DOCSTART-\tO\n\nEU\tB-ORG\nrejects\tO\nit\tO\n\n-DOCSTART-\tO\nSo\tO\n!\tO\n",
    ],
    ids=["tabs", "crlf", "spaces", "runs of spaces", "comments", "numbered", "headed", "tag first", "documents"],
)
@pytest.mark.parametrize("name", ["dev.txt", "dev.tsv", "a.dev"])
def test_one_word_and_its_tag_a_line_in_any_spelling_are_sentences(tmp_path: Path, name: str, content: str) -> None:
    assert tagged(write(tmp_path / name, content)) == SENTENCES


def test_tags_of_words_that_are_no_chunks_are_tags_too(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "The DET\ndog NOUN\nbarks VERB\n\nThe DET\ncat NOUN\nsleeps VERB\n\n" * 3)
    assert tagged(path)[0] == (["The", "dog", "barks"], ["DET", "NOUN", "VERB"])


def test_a_word_may_begin_with_the_mark_of_a_comment(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "#\tO\n#NFL\tB-ORG\nnow\tO\n\nso\tO\n#\tO\n")
    assert [words for words, _ in tagged(path)] == [["#", "#NFL", "now"], ["so", "#"]]


def test_indices_of_characters_are_left_out_and_it_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "weibo.train", "科0\tO\n技1\tO\n#0\tO\n\n北0\tB-GPE\n京1\tI-GPE\n8\u0030\tO\n")
    findings = Findings([path])
    rows = [row for _, row in read_located(path, findings=findings, form=detect(path))]
    assert [row["words"] for row in rows] == [["科", "技", "#"], ["北", "京", "8"]]
    assert [one.line([path.name]) for one in findings.found] == [
        "weibo.train: every word is a character and its index (科0): the indices are left out"
    ]


@pytest.mark.parametrize("line", ["科技\tO", "科\tO", "a0\tO\nb1\tO\nc2\tO\nd3\tO"])
def test_words_that_are_not_all_indexed_cjk_characters_stay_as_they_are(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "a.train", f"科0\tO\n技1\tB-GPE\n\n{line}\n")
    assert tagged(path)[0][0] == ["科0", "技1"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("German", "1 columns, expected 2 (words, tags)"),
        ("a b\tO\tO", "3 columns, expected 2 (words, tags)"),
        ("#NFL", "1 columns, expected 2 (words, tags)"),
        ("\tO", "a word and its tag must both be there"),
    ],
)
def test_a_line_without_a_word_or_a_tag_is_refused_with_its_number(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path / "a.txt", "EU\tB-ORG\nso\tO\n\nit\tO\nis\tO\n\n" * 5 + f"so\tO\n{line}\n")
    assert refused(path) == f"{path}, line 32: {said}"


def test_a_sentence_with_a_bad_line_can_be_skipped_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "EU\tB-ORG\nso\tO\n\nit\tO\nis\tO\n\n" * 5 + "so\tO\nbad\n\nfine\tO\n")
    findings = Findings([path], skips=True)
    rows = [row["words"] for _, row in read_located(path, findings=findings, form=detect(path))]
    assert rows[-2:] == [["it", "is"], ["fine"]]
    assert [one.place for one in findings.skipped] == ["line 32"]


@pytest.mark.parametrize(
    "content",
    [
        "text\tlabel\nfine film\tpos\ndull film\tneg\n\nso so\tneg\nno no\tpos\n",
        "text\tlabel\n很好\tpos\n不好\tneg\n一般\tneg\n",
        "word\tcount\nthe\t5\ndog\t3\n",
    ],
)
def test_a_table_of_texts_and_labels_is_no_sentence(tmp_path: Path, content: str) -> None:
    assert detect(write(tmp_path / "a.txt", content)).kind == "tsv"


def test_a_word_that_is_a_no_break_space_stays_a_word(tmp_path: Path) -> None:
    for delimiter in "\t ":
        path = write(tmp_path / "a.txt", f"EU{delimiter}B-ORG\n\xa0{delimiter}O\n10\xa0000{delimiter}O\n")
        assert tagged(path) == [(["EU", "\xa0", "10\xa0000"], ["B-ORG", "O", "O"])]


def test_real_sentences_are_those_between_blank_lines(real_data: Path) -> None:
    path = real_data / "own" / "wnut17" / "dev.conll"
    if not path.exists():
        pytest.skip("wnut17 is not among the data here")
    blocks = [block for block in path.read_text("utf-8").split("\n\n") if block.strip()]
    lines = [[line.split("\t") for line in block.split("\n") if line.strip()] for block in blocks]
    assert tagged(path) == [([word for word, _ in block], [tag for _, tag in block]) for block in lines]
