"""CoNLL-U, SQuAD's JSON and Parquet: round trip, by hand, against a reference implementation, nasty input."""

from __future__ import annotations

import json
from pathlib import Path

import conllu
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from files import ODD_TEXTS, squad, word, write
from test_readers import refusal, rows

from bertkit.data.readers import read_raw

# CoNLL-U.

DES = """\
# sent_id = fr-1
# text = du pain
1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_
1\tde\tde\tADP\tP\t_\t3\tcase\t_\t_
2\tle\tle\tDET\tD\t_\t3\tdet\t_\t_
3\tpain\tpain\tNOUN\tN\t_\t0\troot\t_\t_
3.1\tmangé\t_\tVERB\tV\t_\t_\t_\t_\t_
"""


def test_the_syntactic_words_of_a_sentence_count_and_ranges_and_empty_nodes_do_not(tmp_path: Path) -> None:
    assert rows(write(tmp_path / "dev.conllu", DES + "\n")) == [
        {
            "words": ["de", "le", "pain"],
            "upos": ["ADP", "DET", "NOUN"],
            "xpos": ["P", "D", "N"],
            "lines": [4, 5, 6],
            "sent_id": "fr-1",
        }
    ]


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n\n\n\n", "\n# the end"])
def test_the_last_sentence_counts_however_the_file_ends(tmp_path: Path, end: str) -> None:
    path = write(tmp_path / "dev.conllu", "\n".join([word(1, "Go", "VERB"), "", word(1, "Stop", "VERB")]) + end)
    assert [row["words"] for row in rows(path)] == [["Go"], ["Stop"]]


def test_what_the_conllu_package_writes_comes_back(tmp_path: Path) -> None:
    forms = ["NA", '"', "10 000", "a\u2028b", "_", "#", "果"]
    fields = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
    tokens = [
        conllu.Token(zip(fields, (k, form, "_", "X", "_", None, 0, "root", None, None), strict=True))
        for k, form in enumerate(forms, 1)
    ]
    path = tmp_path / "dev.conllu"
    path.write_text(conllu.TokenList(tokens).serialize(), "utf-8", newline="")
    assert [row["words"] for row in rows(path)] == [forms]


def test_a_carriage_return_is_no_part_of_a_conllu_column(tmp_path: Path) -> None:
    path = write(tmp_path / "dev.conllu", f"{word(1, 'Go', 'VERB')}\r\n\r\n{word(1, 'On', 'ADV')}\r\n")
    assert [row["words"] for row in rows(path)] == [["Go"], ["On"]]


@pytest.mark.parametrize("name", ["en_ewt/en_ewt", "fr_sequoia/fr_sequoia"])
def test_a_real_treebank_reads_as_the_conllu_package_reads_it(real_data: Path, name: str) -> None:
    path = real_data / "ud" / f"{name}-ud-dev.conllu"
    with path.open(encoding="utf-8", newline="\n") as file:
        sentences = [s.filter(id=lambda number: isinstance(number, int)) for s in conllu.parse_incr(file)]
    assert [(row["sent_id"], row["words"], row["upos"]) for row in rows(path)] == [
        (s.metadata["sent_id"], [token["form"] for token in s], [token["upos"] for token in s]) for s in sentences
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("2 Go _ VERB _ _ 0 root _ _", "1 columns, CoNLL-U has 10"),
        ("2\tGo\t_\tVERB", "4 columns, CoNLL-U has 10"),
        (word(3, "Go", "VERB"), "word id '3', expected 2"),
        (word("two", "Go", "VERB"), "word id 'two', expected 2"),
        (word(2, "", "VERB"), "a word needs its form"),
        (word(2, "Go", ""), "a word needs its form and its UPOS"),
    ],
)
def test_a_malformed_conllu_line_is_refused_with_its_line(tmp_path: Path, line: str, what: str) -> None:
    path = write(tmp_path / "dev.conllu", f"# text = They go\n{word(1, 'They', 'PRON')}\n{line}\n")
    assert refusal(path).startswith(f"{path}, line 3: {what}")


def test_a_tag_that_is_an_underscore_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "dev.conllu", f"{word(1, 'Go', '_', 'VB')}\n{word(2, 'on', 'ADV')}\n")
    (row,) = rows(path)
    assert (row["words"], row["upos"], row["xpos"]) == (["Go", "on"], [None, "ADV"], ["VB", None])


def test_a_word_knows_its_line(tmp_path: Path) -> None:
    sentence = f"# text = du pain\n{word('1-2', 'du', '_')}\n{word(1, 'de', 'ADP')}\n{word(2, 'le', 'DET')}\n"
    path = write(tmp_path / "dev.conllu", f"{sentence}\n\n{word(1, 'pain', 'NOUN')}\n")
    assert [(number, row["lines"]) for number, row in read_raw(path)] == [(2, [3, 4]), (7, [7])]


@pytest.mark.parametrize("words", [["_"] * 3, ["_"] * 9 + ["."]])
def test_a_treebank_whose_words_are_withheld_is_refused(tmp_path: Path, words: list[str]) -> None:
    path = write(tmp_path / "dev.conllu", "\n\n".join(word(1, form, "NOUN") for form in words))
    said = f"{words.count('_')} of {len(words)} words are '_': the text is withheld; the treebank's README says how"
    assert refusal(path).startswith(f"{path}: {said}")
    lines = "".join(json.dumps({"tokens": [form], "upos": ["NOUN"]}) + "\n" for form in words)
    path = write(tmp_path / "dev.jsonl", lines)
    assert refusal(path).startswith(f"{path}: {said}")


def test_a_few_words_that_are_underscores_are_words(tmp_path: Path) -> None:
    path = write(tmp_path / "dev.conllu", "\n\n".join(word(1, form, "NOUN") for form in ["_"] * 8 + ["a"]))
    assert sum(row["words"] == ["_"] for row in rows(path)) == 8


def test_a_sentence_of_a_range_alone_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "dev.conllu", f"# text = du\n{word('1-2', 'du', '_')}\n\n")
    assert refusal(path).startswith(f"{path}, line 2: ")


# SQuAD.


def test_a_question_of_squad_1_has_its_document_and_every_answer(tmp_path: Path) -> None:
    golds = [{"text": "May", "answer_start": 13}, {"text": "in May", "answer_start": 10}]
    path = write(tmp_path / "dev.json", squad({"id": "q1", "question": "When?", "answers": golds}))
    assert list(read_raw(path)) == [
        (
            1,
            {
                "id": "q1",
                "title": "Anna",
                "question": "When?",
                "context": "Anna came in May.",
                "answers": [{"text": "May", "start": 13}, {"text": "in May", "start": 10}],
            },
        )
    ]


def test_an_impossible_question_of_squad_2_has_no_answer_though_plausible_ones_are_given(tmp_path: Path) -> None:
    plausible = [{"text": "May", "answer_start": 13}]
    asked = {"id": "q", "question": "Why?", "answers": [], "plausible_answers": plausible, "is_impossible": True}
    assert [row["answers"] for row in rows(write(tmp_path / "dev.json", squad(asked)))] == [[]]


def test_a_question_without_answers_of_a_test_set_has_no_gold(tmp_path: Path) -> None:
    assert [row["answers"] for row in rows(write(tmp_path / "test.json", squad({"id": "q", "question": "Why?"})))] == [
        None
    ]


@pytest.mark.parametrize("name", ["squad_v1.1/dev-v1.1.json", "squad_v2.0/dev-part-a.json"])
def test_a_real_squad_file_reads_as_pandas_flattens_it(real_data: Path, name: str) -> None:
    path = real_data / name
    document = json.loads(path.read_text("utf-8"))
    flat = pandas.json_normalize(document["data"], ["paragraphs", "qas"], ["title", ["paragraphs", "context"]])
    theirs = zip(flat["id"], flat["title"], flat["question"], flat["paragraphs.context"], flat["answers"], strict=True)
    ours = [(r["id"], r["title"], r["question"], r["context"], r["answers"]) for r in rows(path)]
    assert ours == [
        (*rest, [{"text": gold["text"], "start": gold["answer_start"]} for gold in golds]) for *rest, golds in theirs
    ]


@pytest.mark.parametrize(
    "text",
    ['{"data": 3}', "[]", '"data"', "null", '{"version": "1.1"}', '{"data": [{"title": "t"}]}', "[" * 100_000],
)
def test_json_of_another_layout_than_squads_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "dev.json", text)
    assert refusal(path).startswith(str(path))


def test_a_question_that_lacks_its_text_is_refused_with_its_own_number(tmp_path: Path) -> None:
    path = write(
        tmp_path / "dev.json", squad({"id": "q1", "question": "Who?", "answers": []}, {"id": "q2", "answers": []})
    )
    assert refusal(path).startswith(f"{path}, question 2: ")


def test_a_squad_file_that_is_no_json_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "dev.json", '{\n "data": [\n  }\n')
    assert refusal(path).startswith(f"{path}, line 3: not JSON")


# Parquet.


def test_what_arrow_writes_as_parquet_comes_back(tmp_path: Path) -> None:
    written = [{"text": text, "label": number, "words": [text, text]} for number, text in enumerate(ODD_TEXTS)]
    path = tmp_path / "train.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(written), path)
    assert list(read_raw(path)) == list(enumerate(written, 1))


def test_a_class_of_a_parquet_file_is_read_by_its_name_and_minus_one_as_no_gold(tmp_path: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["neutral", "entailment"])})
    path = tmp_path / "train.parquet"
    table = Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    pyarrow.parquet.write_table(table.data.table, path)
    assert [row["label"] for row in rows(path)] == ["entailment", "neutral", None]


@pytest.mark.parametrize("content", [b"not parquet at all", b"PAR1", b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_a_broken_parquet_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "train.parquet", content)
    assert refusal(path).startswith(f"{path} cannot be read as Parquet")


def test_a_parquet_file_that_is_damaged_inside_is_refused_without_a_word_of_its_library(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "train.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": [f"text {k}" for k in range(1_000)]}), path)
    whole = path.read_bytes()
    write(path, whole[:20] + b"\xff" * 500 + whole[520:])
    assert refusal(path).startswith(f"{path} cannot be read as Parquet: ")
    assert capfd.readouterr() == ("", "")


def test_two_columns_of_a_parquet_file_with_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    pyarrow.parquet.write_table(pyarrow.table([["a"], ["b"]], names=["text", "text"]), path)
    assert refusal(path) == f"{path}: two columns are called 'text'"


def test_a_parquet_file_with_a_dictionary_or_without_rows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "key=value" / "train.parquet"
    path.parent.mkdir()
    table = pyarrow.table({"label": pyarrow.array(["a", "b"]).dictionary_encode()})
    pyarrow.parquet.write_table(table, path)
    assert rows(path) == [{"label": "a"}, {"label": "b"}]
    pyarrow.parquet.write_table(table.slice(0, 0), path)
    assert rows(path) == []
