"""Files of texts and labels, in the layouts that people have, are taken for what they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from own_layouts import SUBJECTS, Layout, checked, jsonl, pick, sentence, table, three

TWO, FOUR = "bad good", "billing delivery quality refund"
# fmt: off
LAYOUTS = (
    Layout(
        name="a CSV with text and label",
        files={"a.csv": table("text,label", lambda k: (sentence(k), pick(TWO, k)))},
        typed="a.csv", head="classification", columns={"text": "text", "label": "label"}, labels=("bad", "good"),
    ),
    Layout(
        name="the label first, under other names",
        files={"a.csv": table("sentiment,review", lambda k: (pick(TWO, k), sentence(k)))},
        typed="a.csv", head="classification", columns={"text": "review", "label": "sentiment"},
        labels=("bad", "good"),
    ),
    Layout(
        name="stars from 1 to 5, with an id and a date",
        files={"a.csv": table("review_id,date,review_text,stars",
                              lambda k: (f"r{k}", f"2024-03-{k % 28 + 1:02}", sentence(k), k % 5 + 1))},
        typed="a.csv", head="classification", columns={"text": "review_text", "label": "stars", "id": "review_id"},
        labels=("1", "2", "3", "4", "5"),
    ),
    Layout(
        name="pandas' index before the columns",
        files={"a.csv": table(",tweet,target", lambda k: (k, sentence(k), k % 2))},
        typed="a.csv", head="classification", columns={"text": "tweet", "label": "target"}, labels=("0", "1"),
    ),
    Layout(
        name="Excel's semicolons, with a quoted newline",
        files={"a.csv": table("Kommentar,Kategorie", lambda k: (sentence(k) + "\nDanke; bis bald.", pick(FOUR, k)),
                              delimiter=";")},
        typed="a.csv", head="classification", columns={"text": "Kommentar", "label": "Kategorie"},
        labels=tuple(FOUR.split()),
    ),
    Layout(
        name="a TSV with the label's name after its number",
        files={"a.tsv": table("text,label,label_text", lambda k: (sentence(k), k % 2, pick(TWO, k)), delimiter="\t")},
        typed="a.tsv", head="classification", columns={"text": "text", "label": "label"}, labels=("0", "1"),
    ),
    Layout(
        name="bars between the columns",
        files={"a.txt": table("message,intent", lambda k: (sentence(k), pick(FOUR, k)), delimiter="|")},
        typed="a.txt", head="classification", columns={"text": "message", "label": "intent"},
        labels=tuple(FOUR.split()),
    ),
    Layout(
        name="spam and ham without names, the label first, a comma too many in one text",
        files={"a.csv": table("v1,v2,,,", lambda k: (
            pick("ham spam ham", k), sentence(k), "and that is all I can say of it now" if k == 7 else "", "", ""))},
        typed="a.csv", head="classification", columns={"text": "v2", "label": "v1"}, labels=("ham", "spam"),
    ),
    Layout(
        name="class, title and description without a header, as AG News has them",
        files={"a.csv": table(None, lambda k: (k % 4 + 1, f"News of the {SUBJECTS[k % 12]} {k} today", sentence(k)))},
        typed="a.csv", head="classification", columns={"text": ["column 2", "column 3"], "label": "column 1"},
        labels=("1", "2", "3", "4"),
    ),
    Layout(
        name="tab-separated text and label without a header",
        files={"a.dat": table(None, lambda k: (sentence(k), pick(TWO, k)), delimiter="\t")},
        typed="a.dat", head="classification", columns={"text": "column 1", "label": "column 2"},
        labels=("bad", "good"),
    ),
    Layout(
        name="a title and a body, joined",
        files={"a.csv": table("id,title,body,topic",
                              lambda k: (k, f"About the {SUBJECTS[k % 12]} {k}", sentence(k), pick(FOUR, k)))},
        typed="a.csv", head="classification", columns={"text": ["title", "body"], "label": "topic", "id": "id"},
        labels=tuple(FOUR.split()),
    ),
    Layout(
        name="columns that no list of names has",
        files={"a.csv": table("was_gesagt_wurde,art", lambda k: (sentence(k), pick(FOUR, k)))},
        typed="a.csv --header", head="classification", columns={"text": "was_gesagt_wurde", "label": "art"},
        labels=tuple(FOUR.split()),
    ),
    Layout(
        name="Chinese texts",
        files={"a.csv": table("cat,label,review", lambda k: (pick("水果 衣服", k // 2), k % 2,
                                                            f"第{k}次购买，味道很好，包装也不错，下次还会再来"))},
        typed="a.csv", head="classification", columns={"text": "review", "label": "label"}, labels=("0", "1"),
    ),
    Layout(
        name="JSON Lines with true and false",
        files={"a.jsonl": jsonl(lambda k: {"comment": sentence(k), "label": k % 2 == 0})},
        typed="a.jsonl", head="classification", columns={"text": "comment", "label": "label"},
        labels=("false", "true"),
    ),
    Layout(
        name="1, 0, true and 1.0 in one column",
        files={"a.jsonl": jsonl(lambda k: {"text": sentence(k), "label": [1, 0, True, "1.0", "0", False][k % 6]})},
        typed="a.jsonl", head="classification", columns={"text": "text", "label": "label"}, labels=("0", "1"),
    ),
    Layout(
        name="a JSON list of objects",
        files={"a.json": json.dumps([{"utterance": sentence(k), "intent": pick(FOUR, k)} for k in range(24)])},
        typed="a.json", head="classification", columns={"text": "utterance", "label": "intent"},
        labels=tuple(FOUR.split()),
    ),
    Layout(
        name="labels in several spellings",
        files={"a.csv": table("text,label",
            lambda k: (sentence(k), pick("yes no Yes no YES no", k) + " " * (k % 7 == 0)))},
        typed="a.csv", head="classification", columns={"text": "text", "label": "label"}, labels=("no", "yes"),
    ),
    Layout(
        name="-1, 0 and 1",
        files={"a.csv": table("text,polarity", lambda k: (sentence(k), k % 3 - 1))},
        typed="a.csv", head="classification", columns={"text": "text", "label": "polarity"}, labels=("-1", "0", "1"),
    ),
    Layout(
        name="labels with commas in their names",
        files={"a.csv": table("complaint,category", lambda k: (sentence(k),
            ["Food, drink", "Rent, housing"][k % 2]))},
        typed="a.csv", head="classification", columns={"text": "complaint", "label": "category"},
        labels=("Food, drink", "Rent, housing"),
    ),
    Layout(
        name="premise and hypothesis",
        files={"a.jsonl": jsonl(lambda k: {"premise": sentence(k), "hypothesis": sentence(k + 50),
                                           "label": pick("entailment neutral contradiction", k)})},
        typed="a.jsonl", head="classification",
        columns={"text": "premise", "text_pair": "hypothesis", "label": "label"},
        labels=("contradiction", "entailment", "neutral"),
    ),
    Layout(
        name="question1 and question2, as Quora has them",
        files={"a.csv": table("id,qid1,qid2,question1,question2,is_duplicate",
                              lambda k: (k, 2 * k, 2 * k + 1, sentence(k), sentence(k + 50), k % 2))},
        typed="a.csv", head="classification",
        columns={"text": "question1", "text_pair": "question2", "label": "is_duplicate", "id": "id"},
        labels=("0", "1"),
    ),
    Layout(
        name="a pair with a score, as STS-B has it",
        files={"a.tsv": table("sentence1,sentence2,score", lambda k: (sentence(k), sentence(k + 50), k % 21 / 4),
                              delimiter="\t")},
        typed="a.tsv", head="regression", columns={"text": "sentence1", "text_pair": "sentence2", "label": "score"},
    ),
    Layout(
        name="prices with decimals",
        files={"a.csv": table("description,price", lambda k: (sentence(k), f"{k * 3.75:.2f}"))},
        typed="a.csv", head="regression", columns={"text": "description", "label": "price"},
    ),
    Layout(
        name="whole numbers that --head calls amounts",
        files={"a.csv": table("text,upvotes", lambda k: (sentence(k), k * 7))},
        typed="a.csv --head regression", head="regression", columns={"text": "text", "label": "upvotes"},
    ),
    Layout(
        name="decimal commas that --head calls numbers",
        files={"a.csv": table("text,wert", lambda k: (sentence(k), f"{k},{k % 10}"), delimiter=";")},
        typed="a.csv --head regression", head="regression", columns={"text": "text", "label": "wert"},
    ),
    Layout(
        name="labels with bars between them",
        files={"a.csv": table("text,labels", lambda k: (sentence(k),
            ["joy|love", "anger", "love", "joy|anger"][k % 4]))},
        typed="a.csv", head="multi-label", columns={"text": "text", "label": "labels"},
        labels=("anger", "joy", "love"),
    ),
    Layout(
        name="labels with semicolons between them",
        files={"a.csv": table("plot,genres", lambda k: (sentence(k),
            ["Drama; War", "Comedy", "Drama", "War; Comedy"][k % 4]))},
        typed="a.csv", head="multi-label", columns={"text": "plot", "label": "genres"},
        labels=("Comedy", "Drama", "War"),
    ),
    Layout(
        name="labels with commas and spaces between them",
        files={"a.csv": table("ticket_text,tags",
                              lambda k: (sentence(k),
                                  ["login, urgent", "billing", "urgent", "billing, login"][k % 4]))},
        typed="a.csv", head="multi-label", columns={"text": "ticket_text", "label": "tags"},
        labels=("billing", "login", "urgent"),
    ),
    Layout(
        name="label ids with commas, three of them at times, as GoEmotions has them",
        files={"a.tsv": table(None, lambda k: (sentence(k), ["4,17", "2", "4", "2,4,17", "17"][k % 5], f"ee{k}x"),
                              delimiter="\t")},
        typed="a.tsv", head="multi-label", columns={"text": "column 1", "label": "column 2"}, labels=("2", "4", "17"),
    ),
    Layout(
        name="4,17 which --head calls labels",
        files={"a.tsv": table("text,label", lambda k: (sentence(k),
            ["4,17", "2", "4", "2,4"][k % 4]), delimiter="\t")},
        typed="a.tsv --head multi-label", head="multi-label", columns={"text": "text", "label": "label"},
        labels=("2", "4", "17"),
    ),
    Layout(
        name="lists of labels in JSON Lines, some of them empty",
        files={"a.jsonl": jsonl(lambda k: {"text": sentence(k), "labels": [["joy", "love"], ["joy"], [],
            ["anger"]][k % 4]})},
        typed="a.jsonl", head="multi-label", columns={"text": "text", "label": "labels"},
        labels=("anger", "joy", "love"),
    ),
    Layout(
        name="JSON lists in the cells of a CSV",
        files={"a.csv": table("text,labels", lambda k: (sentence(k),
            ['["joy", "love"]', '["anger"]', '["joy"]'][k % 3]))},
        typed="a.csv", head="multi-label", columns={"text": "text", "label": "labels"},
        labels=("anger", "joy", "love"),
    ),
    Layout(
        name="Python's lists in the cells of a CSV",
        files={"a.csv": table("text,labels", lambda k: (sentence(k),
            ["['joy', 'love']", "['anger']", "['joy']"][k % 3]))},
        typed="a.csv", head="multi-label", columns={"text": "text", "label": "labels"},
        labels=("anger", "joy", "love"),
    ),
    Layout(
        name="a column of 0 and 1 for each label",
        files={"a.csv": table("id,comment_text,toxic,obscene,threat",
                              lambda k: (f"{k:04}", sentence(k), k % 2, int(k % 5 == 0), int(k % 7 == 0)))},
        typed="a.csv", head="multi-label",
        columns={"text": "comment_text", "label": ["toxic", "obscene", "threat"], "id": "id"},
        labels=("toxic", "obscene", "threat"),
    ),
    Layout(
        name="questions on passages with true or false, which is a pair",
        files={"a.jsonl": jsonl(lambda k: {"question": f"Is it {k}?", "passage": sentence(k), "answer": k % 3 == 0})},
        typed="a.jsonl", head="classification",
        columns={"text": "question", "text_pair": "passage", "label": "answer"},
        labels=("false", "true"),
    ),
    Layout(
        name="train, dev and test in a folder, a label of one row in dev",
        files=three(lambda n: table("text,label", lambda k: (sentence(k + n), pick(TWO, k)), rows=n)),
        typed="mine", head="classification", columns={"text": "text", "label": "label"}, labels=("bad", "good"),
    ),
    Layout(
        name="a folder of texts for each class",
        files={f"reviews/{label}/{k}.txt": sentence(k) for label in ("neg", "pos") for k in range(12)},
        typed="reviews", head="classification", columns={"text": "text", "label": "label", "id": "id"},
        labels=("neg", "pos"),
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
