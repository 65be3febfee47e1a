"""Files of tagged words, and of questions on documents, are taken for what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_layouts import NER, POS, Layout, checked, conll, conllu, jsonl, sentence, squad, table, words

# fmt: off
LAYOUTS = (
    Layout(
        name="CoNLL columns, BIO, in a folder of three files",
        files={"ner/train.conll": conll(NER["BIO"]), "ner/dev.conll": conll(NER["BIO"]),
               "ner/test.conll": conll(NER["BIO"])},
        typed="ner", head="chunk-tagging", columns={"words": "words", "tags": "tags"},
        labels=("B-LOC", "B-PER", "I-PER", "O"), more={"scheme": "BIO"},
    ),
    Layout(
        name="CoNLL-2003's four columns, IOB1, with -DOCSTART-",
        files={"eng.train": "-DOCSTART- -X- O O\n\n" + conll(NER["IOB1"], between=" NN I-NP")},
        typed="eng.train", head="chunk-tagging", columns={"words": "words", "tags": "tags"},
        labels=("I-LOC", "I-PER", "O"), more={"scheme": "IOB1"},
    ),
    Layout(
        name="tab-separated words and tags, BIOES",
        files={"a.txt": conll(NER["BIOES"], "\t")},
        typed="a.txt", head="chunk-tagging", columns={"words": "words", "tags": "tags"},
        labels=("B-PER", "E-PER", "O", "S-LOC", "S-PER"), more={"scheme": "BIOES"},
    ),
    Layout(
        name="words and tags in JSON Lines, BILOU",
        files={"a.jsonl": jsonl(lambda k: {"id": k, "tokens": words(k), "ner_tags": NER["BILOU"].split()})},
        typed="a.jsonl", head="chunk-tagging", columns={"words": "tokens", "tags": "ner_tags", "id": "id"},
        labels=("B-PER", "L-PER", "O", "U-LOC", "U-PER"), more={"scheme": "BILOU"},
    ),
    Layout(
        name="parts of speech in JSON Lines",
        files={"a.jsonl": jsonl(lambda k: {"words": words(k), "pos": POS.split()})},
        typed="a.jsonl", head="tagging", columns={"words": "words", "tags": "pos"},
        labels=("ADP", "PROPN", "PUNCT", "VERB"),
    ),
    Layout(
        name="a UD folder",
        files={f"UD_Any-X/x-ud-{split}.conllu": conllu() for split in ("train", "dev", "test")},
        typed="UD_Any-X", head="tagging", columns={"words": "words", "tags": "upos", "id": "sent_id"},
        labels=("ADP", "PROPN", "PUNCT", "VERB"),
    ),
    Layout(
        name="sentences and tags as texts with spaces, in a CSV",
        files={"a.csv": table("sentence,tags", lambda k: (" ".join(words(k)[k % 2 :]), NER["BIO"][6 * (k % 2) :]))},
        typed="a.csv", head="chunk-tagging", columns={"words": "sentence", "tags": "tags"},
        labels=("B-LOC", "B-PER", "I-PER", "O"),
    ),
    Layout(
        name="SQuAD's JSON",
        files={"a.json": squad()}, typed="a.json", head="qa",
        columns={"question": "question", "context": "context", "answers": "answers", "id": "id"},
    ),
    Layout(
        name="SQuAD 2.0's JSON, some questions without an answer",
        files={"a.json": squad(silent=True)}, typed="a.json", head="qa",
        columns={"question": "question", "context": "context", "answers": "answers", "id": "id"},
    ),
    Layout(
        name="questions in a CSV, with the answer's text and start",
        files={"a.csv": table("question,context,answer,answer_start",
                              lambda k: (f"Which one of {k}?", sentence(k), f"number {k}",
                                  sentence(k).index("number")))},
        typed="a.csv", head="qa", columns={"question": "question", "context": "context", "answers": "answer"},
    ),
    Layout(
        name="questions in JSON Lines, answers as datasets has them",
        files={"a.jsonl": jsonl(lambda k: {"question": f"Which one of {k}?", "context": sentence(k), "answers": {
            "text": [f"number {k}"], "answer_start": [sentence(k).index("number")]}})},
        typed="a.jsonl", head="qa", columns={"question": "question", "context": "context", "answers": "answers"},
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
