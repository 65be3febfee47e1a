"""Averages by name: each reproduces the published average of the rows that it was published for, to 0.1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from door import Refused, refused
from test_suite import GLUE, member

from bertkit import registry
from bertkit.cli.eval_ import SuiteFlags
from bertkit.studies.suite import SuiteScore, average_of, summed

__all__ = ["refused"]

Row = dict[str, list[list[float]]]
TASKS = ("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli")


def row(text: str) -> Row:
    """A row's numbers: a task's metrics with / between them, - where none was published."""
    found: Row = {}
    for task, cell in zip(TASKS, text.split(), strict=True):
        numbers = [float(one) for one in cell.split("/")] if cell != "-" else []
        if numbers:
            found[task] = [[one] for one in numbers] if task == "mnli" else [numbers]
    return found


def averaged(name: str, numbers: Row) -> SuiteScore:
    """What the average makes of them; a number that stands alone is that of both metrics, or both sets."""
    members = []
    for task, values in numbers.items():
        evaluations = registry.find(task).scored
        values = values * len(evaluations) if len(values) == 1 else values
        members.append(
            member(task, [v * len(e.metrics) if len(v) == 1 else v for e, v in zip(evaluations, values, strict=True)])
        )
    return summed(GLUE, tuple(members), average_of(GLUE, name))


# Test scores in the order of TASKS: GLUE's leaderboard of 25 February 2019 as in MT-DNN (Liu et al. 2019), table 2;
# small BERTs: github.com/google-research/bert, README.
OFFICIAL = {
    "human": ("66.4 97.8 86.3/80.8 92.7/92.6 59.5/80.4 92.0/92.8 91.2 93.6 95.9", 87.1),
    "BERT-large": ("60.5 94.9 89.3/85.4 87.6/86.5 72.1/89.3 86.7/85.9 92.7 70.1 65.1", 80.5),
    "MT-DNN": ("62.5 95.6 91.1/88.2 89.5/88.8 72.7/89.6 86.7/86.0 93.1 81.4 65.1", 82.7),
    "BERT-tiny": ("0.0 83.2 81.1/71.1 74.3/73.6 62.2/83.4 70.2/70.3 81.5 57.2 62.3", 64.2),
    "BERT-mini": ("0.0 85.9 81.1/71.8 75.4/73.3 66.4/86.2 74.8/74.3 84.1 57.9 62.3", 65.8),
    "BERT-small": ("27.8 89.7 83.4/76.2 78.8/77.0 68.1/87.0 77.6/77.0 86.4 61.8 62.3", 71.2),
    "BERT-medium": ("38.0 89.6 86.6/81.6 80.4/78.4 69.6/87.9 80.0/79.1 87.7 62.2 62.3", 73.5),
}
# Devlin et al. 2019, table 1.
BERT = {
    "OpenAI GPT": ("45.4 91.3 82.3 80.0 70.3 82.1/81.4 87.4 56.0 -", 75.1),
    "BERT-base": ("52.1 93.5 88.9 85.8 71.2 84.6/83.4 90.5 66.4 -", 79.6),
    "BERT-large": ("60.5 94.9 89.3 86.5 72.1 86.7/85.9 92.7 70.1 -", 82.1),
}
# Dev scores in Warner et al. 2024 (ModernBERT), table 5, and Portes et al. 2023 (MosaicBERT).
MODERNBERT = {
    "BERT-base": ("59.0 93.1 89.5 89.4 91.4 85.4 91.6 78.2 -", 84.7),
    "RoBERTa-base": ("63.6 94.8 90.2 91.2 91.9 87.6 92.8 78.7 -", 86.35),
    "ModernBERT-base": ("65.1 96.0 92.2 91.8 92.1 89.1 93.9 87.4 -", 88.45),
    "ModernBERT-large": ("71.4 97.1 91.7 92.8 92.7 90.8 95.2 92.1 -", 90.48),
}
# Dev scores: github.com/huggingface/transformers, examples/research_projects/distillation/README.md.
DISTILBERT = {
    "BERT-base-uncased": ("56.3 92.7 88.6 89.0 89.6 84.7 91.8 69.3 53.5", 79.5),
    "DistilBERT-base-uncased": ("51.3 91.3 87.5 86.9 88.5 82.1 89.2 59.9 56.3", 77.0),
    "BERT-base-cased": ("58.2 91.7 87.8 89.2 89.2 83.9 91.0 66.1 46.5", 78.2),
    "DistilBERT-base-cased": ("47.2 90.4 85.6 85.5 87.8 81.5 88.2 60.6 56.3", 75.9),
    "RoBERTa-base": ("63.6 94.8 90.2 91.2 91.9 87.6 92.8 78.7 57.7", 83.2),
}
PUBLISHED = {"official": OFFICIAL, "bert": BERT, "modernbert": MODERNBERT, "distilbert": DISTILBERT}


@pytest.mark.parametrize(
    ("name", "numbers", "published"),
    [(name, *one) for name, rows in PUBLISHED.items() for one in rows.values()],
    ids=[f"{name}: {model}" for name, rows in PUBLISHED.items() for model in rows],
)
def test_an_average_is_the_published_one_to_a_tenth(name: str, numbers: str, published: float) -> None:
    score = averaged(name, row(numbers)).score
    assert score is not None
    assert 100 * score == pytest.approx(published, abs=0.1)


def test_the_averages_of_one_row_differ() -> None:
    found = {name: averaged(name, row(OFFICIAL["BERT-large"][0])).score for name in PUBLISHED}
    assert len({round(score, 3) for score in found.values() if score}) == 4


def test_an_average_without_wnli_is_complete_without_it_and_says_its_name() -> None:
    found = averaged("bert", row(BERT["BERT-base"][0]))
    assert (found.is_complete, found.name) == (True, "GLUE average 'bert' (dev)")


def test_an_average_with_a_task_missing_is_no_average() -> None:
    found = averaged("distilbert", row(BERT["BERT-base"][0]))
    assert (found.is_complete, found.name) == (
        False,
        "mean of 8 of 9 tasks, parts missing, not a GLUE average 'distilbert'",
    )


def test_the_human_score_follows_the_average() -> None:
    # MNLI 92.0 and 92.8, QQP F1 59.5, QNLI 91.2, SST-2 97.8, CoLA 66.4, STS-B Spearman 92.6, MRPC F1 86.3, RTE 93.6
    expected = (92.0 + 92.8 + 59.5 + 91.2 + 97.8 + 66.4 + 92.6 + 86.3 + 93.6) / 900
    assert averaged("bert", row(BERT["BERT-base"][0])).human == pytest.approx(expected)
    assert averaged("official", row(OFFICIAL["MT-DNN"][0])).human == 0.871


def test_the_average_is_in_the_json() -> None:
    plain = json.loads(json.dumps(averaged("bert", row(BERT["BERT-base"][0])).plain()))
    assert plain["average"]["name"] == "bert"
    assert plain["tasks"]["mrpc"]["score"] == pytest.approx(0.889)


def test_the_help_names_the_averages_of_glue() -> None:
    option = get_args(get_type_hints(SuiteFlags, include_extras=True)["average"])[1]
    *names, last = [one.name for one in GLUE.averages]
    assert f"{', '.join(names)} or {last}" in option.help


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("eval glue --sample --average brt", "no average of glue is called 'brt'; did you mean bert"),
        ("eval sst2 --sample --model sample --average bert", "sst2 is no suite"),
    ],
)
def test_an_average_that_is_none_is_refused(refused: Refused, typed: str, words: str, tmp_path: Path) -> None:
    assert words in refused(*typed.split())
