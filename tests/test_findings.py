"""Findings: what reading rows came upon, counted by reason, cached with the rows and said in the run's notes."""

from __future__ import annotations

from pathlib import Path

from files import json_lines, squad, word, write
from test_rows import read

from bertkit.findings import Finding, Findings, saved_findings


def test_rows_that_repeat_an_id_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    golds = [{"text": "May", "answer_start": 13}]
    asked = [{"id": ident, "question": "When?", "answers": golds} for ident in ("a", "b", "a", "a")]
    write(tmp_path / "train-v1.1.json", squad(*asked))
    found = read("squad", tmp_path)
    assert found.notes == ("2 rows: repeated id (first: train-v1.1.json, question 3)",)
    assert list(found.table["row_id"]) == ["a", "b", "a", "a"]


def test_sentences_without_ids_repeat_none(tmp_path: Path) -> None:
    write(tmp_path / "en-ud-train.conllu", f"{word(1, 'Go', 'VERB')}\n\n{word(1, 'Go', 'VERB')}\n")
    assert read("ud", tmp_path).notes == ()


def test_findings_are_cached_with_the_rows_and_name_the_file_that_is_read_now(tmp_path: Path) -> None:
    rows = json_lines(*({"id": "x", "question": "Q?", "context": "A b.", "answers": []} for _ in range(2)))
    for folder, name in (("one", "train.jsonl"), ("two", "train-again.jsonl")):
        write(tmp_path / folder / name, rows)
    first, second = (read("squad_v2", tmp_path / folder) for folder in ("one", "two"))
    assert first.digest == second.digest
    assert first.notes == ("1 row: repeated id (first: train.jsonl, line 2)",)
    assert second.notes == ("1 row: repeated id (first: train-again.jsonl, line 2)",)


def test_counts_and_remarks_come_back_as_they_were_saved(tmp_path: Path) -> None:
    findings = Findings(["a.tsv", "b.tsv"])
    findings.count("left out", "b.tsv, line 7")
    findings.count("left out", "a.tsv, line 2")
    findings.count("no gold", "a.tsv, line 3", unit="word")
    findings.remark("semicolons", "b.tsv")
    findings.save(tmp_path / "findings.json")
    found, _ = saved_findings(tmp_path / "findings.json")
    assert found == findings.found
    assert [finding.line(["a.tsv", "b.tsv"]) for finding in found] == [
        "2 rows: left out (first: b.tsv, line 7)",
        "1 word: no gold (first: a.tsv, line 3)",
        "b.tsv: semicolons",
    ]
    assert found[0] == Finding(reason="left out", count=2, file=1, place="line 7")


def test_a_gold_that_is_not_at_its_offset_has_none_and_is_counted_if_another_is_right(tmp_path: Path) -> None:
    golds = [{"text": "May", "answer_start": start} for start in (13, 3, 4)]
    write(tmp_path / "train-v1.1.json", squad({"id": "a", "question": "When?", "answers": golds}))
    found = read("squad", tmp_path)
    assert found.table["answers"] == [[{"text": "May", "start": start} for start in (13, None, None)]]  # "... in May."
    assert found.notes == (
        "2 gold answers: not at its offset: scored, not trained on (first: train-v1.1.json, question 1)",
    )
