"""Label columns that hold something other than labels: rejected rows, unreadable lists, amounts, marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from door import Refused, refused
from files import write
from own_layouts import Layout, checked, jsonl, pick, sentence, table

from bertkit.data.cell_kinds import DATE, JSON_LIST, OBJECTS, TEXT, kind_of, listed

__all__ = ["refused"]

SUBJECT = ("Anna", "met", "Paul", "there")


def labelled(*cells: Any) -> str:
    return table("text,tags", lambda k: (sentence(k), cells[k % len(cells)]))


def several(cell: str, mark: str) -> str:
    return (
        f"a.csv: tags has cells such as '{cell}': say --head multi-label, if it is several labels with '{mark}' between"
    )


def written(cell: str) -> str:
    return f"a.csv: tags has cells such as '{cell}', a list that is neither JSON nor with a mark between its labels"


REFUSED = {
    "labels with spaces between them": (labelled("css html", "js", "css", "html js", "html"), several("css html", " ")),
    "labels with slashes between them": (labelled("joy/love", "joy", "love", "joy/fun"), several("joy/love", "/")),
    "a list without quotes": (labelled("[joy, love]", "[joy]", "[love]"), written("[joy, love]")),
    "a list as NumPy prints it": (labelled("['joy' 'love']", "['joy']", "['love']"), written("['joy' 'love']")),
    "a set": (labelled("{'joy', 'love'}", "{'joy'}"), written("{'joy', 'love'}")),
    "tags in angle brackets": (labelled("<css><html>", "<css>", "<js>"), written("<css><html>")),
    "an object in one cell": (labelled('{"choices": ["a", "b"]}', "a", "b", "c"), "a.csv: tags has objects"),
    "spans as Python's tuples": (labelled("[(0, 3, 'PER'), (4, 8, 'LOC')]", "[(0, 3, 'PER')]"), "a.csv: tags has obj"),
    "shares of several labels": (
        table("text,toxic,rude", lambda k: (sentence(k), f"0.{k % 10}", f"0.{k % 7}")),
        "a.csv: 2 columns could be the label: toxic ('0.0'); rude ('0.0')",
    ),
    "one word a row, its column called words": (
        table("sentence_id,words,labels", lambda k: (k // 4, SUBJECT[k % 4], pick("O B-PER I-PER O", k)), rows=48),
        "a.csv: one word a row (words, labels): give words and tags as JSON Lines",
    ),
    "a question beside the text": (
        table("question,comment,label", lambda k: (f"What is it of {k}?", sentence(k), k % 2)),
        "a.csv: 2 columns could be the text: comment",
    ),
    "lines of a title above the names": (
        "Reviews of May,\n,\n" + table("text,label", lambda k: (sentence(k), k % 2)),
        "a.csv: does line 1 ('Reviews of May', '') name the columns, or is it a row?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_label_that_is_something_else_is_refused(refused: Refused, tmp_path: Path, case: str) -> None:
    text, line = REFUSED[case]
    write(tmp_path / "a.csv", text)
    assert refused("check", "a.csv").startswith(f"Error: {line}")


@pytest.mark.parametrize("beside", [{"label": "SPORT"}, {"spans": [{"start": 0, "end": 3, "label": "PER"}]}])
def test_rows_that_say_their_annotation_is_rejected_are_refused(
    refused: Refused, tmp_path: Path, beside: dict[str, Any]
) -> None:
    rows = jsonl(lambda k: {"text": sentence(k), **beside, "answer": pick("accept reject", k)})
    write(tmp_path / "a.jsonl", rows)
    assert refused("check", "a.jsonl").startswith("Error: a.jsonl: answer says of each row whether its ")


def test_a_comma_that_may_separate_thousands_is_not_taken_for_a_decimal_one(refused: Refused, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", table("text,price", lambda k: (sentence(k), f"{k * 137:,}")))
    said = refused("check", "a.csv", "--head", "regression")
    assert said.startswith("Error: a.csv: price has cells such as '1,096': if the comma separates thousands, leave it")


# fmt: off
LAYOUTS = (
    Layout(
        name="spaces between labels that --head calls several",
        files={"a.csv": labelled("css html", "js", "css", "html js")}, typed="a.csv --head multi-label",
        head="multi-label", columns={"text": "text", "label": "tags"}, labels=("css", "html", "js"),
    ),
    Layout(
        name="labels of two words that share one",
        files={"a.csv": labelled("very good", "good", "bad", "very bad")}, typed="a.csv",
        head="classification", columns={"text": "text", "label": "tags"},
        labels=("bad", "good", "very bad", "very good"),
    ),
    Layout(
        name="a sentiment of 0 and 1 beside another column of 0 and 1",
        files={"a.csv": table("review,verified,sentiment", lambda k: (sentence(k), k % 2, k // 2 % 2))}, typed="a.csv",
        head="classification", columns={"text": "review", "label": "sentiment"}, labels=("0", "1"),
    ),
    Layout(
        name="a column of yes and no for each label",
        files={"a.csv": table("text,Toxic,Rude,Threat", lambda k: (
            sentence(k), pick("Yes No", k), pick("No No Yes", k), pick("Yes No No No No", k)))}, typed="a.csv",
        head="multi-label", columns={"text": "text", "label": ["Toxic", "Rude", "Threat"]},
        labels=("Toxic", "Rude", "Threat"),
    ),
    Layout(
        name="questions with several sentences each, and the document's title, as WikiQA has them",
        files={"a.tsv": table("Question,DocumentTitle,Sentence,Label", lambda k: (
            f"what is number {k // 4}", f"The {SUBJECT[k // 4 % 4]} {k // 4}", sentence(k), int(k % 4 == 0)),
                              48, "\t")},
        typed="a.tsv", head="classification",
        columns={"text": "Question", "text_pair": "Sentence", "label": "Label"}, labels=("0", "1"),
    ),
    Layout(
        name="a query and a doc",
        files={"a.csv": table("query,doc,label", lambda k: (f"what is {k}", sentence(k), k % 2))}, typed="a.csv",
        head="classification", columns={"text": "query", "text_pair": "doc", "label": "label"}, labels=("0", "1"),
    ),
    Layout(
        name="tweets without names, with a date as Twitter writes it",
        files={"a.csv": table(None, lambda k: (
            4 * (k % 2), 1467810369 + k, f"Mon Apr 06 22:19:{k + 10} PDT 2009", "NO_QUERY", f"user{k}", sentence(k)))},
        typed="a.csv", head="classification", columns={"text": "column 6", "label": "column 1"}, labels=("0", "4"),
    ),
)
# fmt: on


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_file_is_taken_for_what_it_is(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    layout.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert layout.seen(checked(capsys, layout.typed)) == layout.expected


@pytest.mark.parametrize("name", ["NA", "None", "NULL", "-", "<NA>"])
def test_a_label_that_may_stand_for_none_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.csv", labelled("good", "bad", name))
    monkeypatch.chdir(tmp_path)
    said = checked(capsys, "a.csv")
    assert f"label {name}: taken as a label; if it stands for none, empty those cells" in said["notes"]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("[(0, 3, 'PER')]", OBJECTS),
        ("{'a': 1}", OBJECTS),
        ('{"choices": ["a", "b"]}', OBJECTS),
        ("{really}", TEXT),
        ("['a' 'b']", TEXT),
        ("""['a', "it's ' '"]""", JSON_LIST),
        ("Mon Apr 06 22:19:45 PDT 2009", DATE),
        ("Tue Feb 24 11:35:52 +0000 2015", DATE),
        ("Fri, 13 Mar 2020 10:00:00 GMT", DATE),
        ("09 13, 2009", DATE),
    ],
)
def test_a_cell_is_of_its_kind(cell: str, kind: str) -> None:
    assert kind_of(cell) == kind


def test_an_array_of_numpy_is_no_list_of_one_long_word() -> None:
    assert listed("['Anna' 'met' 'Paul']") is None


def test_texts_too_long_to_be_kept_count_as_texts_beside_shorter_ones(refused: Refused, tmp_path: Path) -> None:
    rows = [f"{'so long a memo ' * 20}{i},place number {i % 40},{('good', 'bad')[i % 2]}" for i in range(60)]
    write(tmp_path / "memos.csv", "memo,place,label\n" + "\n".join(rows) + "\n")
    assert "2 columns could be the text: memo" in refused("check", "memos.csv")


@pytest.mark.parametrize("content", ["#text\n#text\n", "#a = b\n#c = d\n"])
def test_a_file_of_comments_alone_is_refused(refused: Refused, tmp_path: Path, content: str) -> None:
    write(tmp_path / "comments.txt", content)
    assert "comments.txt" in refused("check", "comments.txt")
