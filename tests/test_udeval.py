"""Accuracy of tags against the evaluation script of Universal Dependencies (CoNLL 2018), on what a run predicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny
from files import write
from udtools import udeval

from bertkit.cli import main

HARD = """# sent_id = 1
# text = I don't know that.
1\tI\tI\tPRON\tPRP\t_\t4\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\t_\t4\taux\t_\t_
3\tn't\tnot\tPART\tRB\t_\t4\tadvmod\t_\t_
4\tknow\tknow\tVERB\tVB\t_\t0\troot\t_\t_
4.1\tit\tit\tPRON\tPRP\t_\t_\t_\t_\t_
5\tthat\tthat\tPRON\tDT\t_\t4\tobj\t_\tSpaceAfter=No
6\t.\t.\tPUNCT\t.\t_\t4\tpunct\t_\t_

# sent_id = 2
# text = Know it
1\tKnow\tknow\tVERB\tVB\t_\t0\troot\t_\t_
2\tit\tit\tPRON\tPRP\t_\t1\tobj\t_\t_

"""
"""Words that are one token, and one that was not said."""


def theirs(gold: Path, answers: list[list[str | None]], below: Path) -> float:
    """The script's UPOS F1 of a file like `gold`, with these tags; its words are aligned, as they are the same."""
    lines, tags = [], (tag for several in answers for tag in several)
    for line in gold.read_text("utf-8").splitlines():
        cells = line.split("\t")
        if len(cells) == 10 and cells[0].isdigit():
            cells[3] = next(tags) or "_"  # a word that was cut off has none
        lines.append("\t".join(cells))
    assert next(tags, None) is None
    system, loaded = write(below / "system.conllu", "\n".join([*lines, ""])), []
    for path in (gold, system):
        with path.open(encoding="utf-8") as file:
            loaded.append(udeval.load_conllu(file, str(path), {}))
    return float(udeval.evaluate(*loaded)["UPOS"].f1)


def scored(data: Path, task: str, below: Path, *more: str) -> tuple[float, list[list[str | None]]]:
    """A run's accuracy of tags on dev, and its answers."""
    line = f"finetune {task} --data {data} --model {tiny.make('bert', below / 'tiny')} --device cpu --no-floor --quiet"
    with pytest.raises(SystemExit) as left:
        main([*line.split(), "--out", str(below / "runs"), *more])
    assert not left.value.code
    (folder,) = (below / "runs").iterdir()
    (dev,) = json.loads((folder / "result.json").read_text("utf-8"))["evaluations"]
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text("utf-8").splitlines()]
    return dev["metrics"]["tag_accuracy"]["value"], [line["answer"] for line in lines]


def test_words_of_one_token_and_words_that_were_not_said_count_as_in_the_script(tmp_path: Path) -> None:
    for split in ("train", "dev"):
        write(tmp_path / "data" / f"tiny-ud-{split}.conllu", HARD)
    value, answers = scored(tmp_path / "data", "ud", tmp_path, "--max-steps", "2", "--lr", "1e-2")
    assert 0 < value < 1
    assert value == pytest.approx(theirs(tmp_path / "data" / "tiny-ud-dev.conllu", answers, tmp_path))


def test_a_whole_treebank_scores_as_in_the_script(tmp_path: Path, real_data: Path) -> None:
    value, answers = scored(real_data, "ud_en_ewt", tmp_path, "--limit", "3000", "--max-steps", "60", "--lr", "3e-3")
    gold = real_data / "ud" / "en_ewt" / "en_ewt-ud-dev.conllu"
    assert 0.1 < value < 1
    assert value == pytest.approx(theirs(gold, answers, tmp_path))
