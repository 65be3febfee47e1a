"""Tasks on a few user rows, under heads that no installed task has, and how to train and resume them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from files import json_lines, write

from bertkit import registry
from bertkit.cli import main
from bertkit.data.rows import Rows
from bertkit.data.splits import Splits
from bertkit.data.table import Table
from bertkit.heads import AnswerSelection, Classification, MultiLabel, Number, Tagging
from bertkit.sources import HoldOut, Source
from bertkit.task import Evaluation, Recipe, Task
from bertkit.training.update import Updater

RECIPE = Recipe(epochs=2, batch_size=4, learning_rate=1e-3)
PRICES = Task(
    name="prices",
    about="a text -> its price",
    head=Classification(labels=Number(scaled=True)),
    source=Source(columns={"text": ("said",), "label": ("price",)}),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("pearson", "r2")),),
    recipe=RECIPE,
)
PRICE_ROWS = [{"said": text, "price": 1_990.0 + 2.5 * i} for i, (text, _) in enumerate(tiny.REVIEWS)]
FEELINGS = Task(
    name="feelings",
    about="a text -> what it says of feelings",
    head=MultiLabel(),
    source=Source(columns={"text": ("said",), "label": ("feelings",)}),
    evaluations=(
        Evaluation(name="dev", split="dev", metrics=("multilabel_f1_micro", "multilabel_f1_macro", "multilabel_exact")),
    ),
    recipe=RECIPE,
)
MOODS = replace(FEELINGS, name="moods", head=MultiLabel(labels=("anger", "joy", "love")))
HELD = replace(FEELINGS, name="held", source=replace(FEELINGS.source, hold_out=HoldOut()))
FELT = (["joy"], ["anger"], [], ["love", "joy"], ["anger", "joy", "love"], [], ["joy"], ["love"])
FEELING_ROWS = [{"said": text, "feelings": felt} for (text, _), felt in zip(tiny.REVIEWS, FELT, strict=True)]
NAMES = Task(
    name="names",
    about="words -> names among them",
    head=Tagging(scheme="BIO"),
    source=Source(columns={"words": ("words",), "tags": ("tags",)}),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("entity_f1", "entity_f1_strict")),),
    recipe=RECIPE,
)
NAME_ROWS = [
    {"words": words.split(), "tags": tags.split()}
    for words, tags in (
        ("Anna Berg lives in Oslo", "B-PER I-PER O O B-LOC"),
        ("The United Nations met", "O B-ORG I-ORG O"),
        ("They saw Oslo Bergen and Anna", "O O B-LOC B-LOC O B-PER"),
        ("Nobody came", "O O"),
        ("In May Anna met the two brothers of Carl Johan Berg there", "O O B-PER O O O O O B-PER I-PER I-PER O"),
    )
]
ANSWERS = Task(
    name="answers",
    about="a text, a question, answers -> which of them are right",
    head=AnswerSelection(),
    source=Source(columns={role: (role,) for role in ("text", "question", "candidates", "answers")}),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("f1a", "all_answers")),),
    recipe=RECIPE,
)
GAPS = replace(
    ANSWERS,
    name="gaps",
    about="a text, a sentence with a gap -> the name that fills it",
    head=AnswerSelection(one=True, placeholder="@placeholder"),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("squad_v1_f1", "squad_v1_em")),),
)
ANSWER_ROWS = [
    {"text": text, "question": question, "candidates": given, "answers": right}
    for text, question, given, right in (
        ("Anna wrote the letter in May.", "Who wrote?", ["Anna", "a girl", "a bridge"], [1, 1, 0]),
        ("The bridge over the river is old.", "What is old?", ["the river", "the bridge"], [0, 1]),
        ("They live by the sea and keep a shop.", "What do they keep?", ["a dog", "bees"], [0, 0]),
        ("He sold old books.", "What did he sell?", ["books"], [1]),
    )
]
GAP_ROWS = [
    {"text": text, "question": question, "candidates": given, "answers": right}
    for text, question, given, right in (
        ("Anna Berg met Carl in Oslo.", "@placeholder was met there", ["Anna Berg", "Carl", "Oslo"], ["Carl"]),
        ("Oslo beat Bergen, said Anna.", "in @placeholder they lost", ["Oslo", "Bergen", "Anna"], ["Bergen"]),
        ("Berg saw the king.", "the king was seen by @placeholder", ["Berg", "Anna Berg"], ["Berg", "Anna Berg"]),
    )
]
TASKS = (PRICES, FEELINGS, NAMES, ANSWERS, GAPS)
PACK = (*TASKS, MOODS, HELD)
OWN = {task.name: task for task in TASKS}
ROWS = {"prices": PRICE_ROWS, "feelings": FEELING_ROWS, "moods": FEELING_ROWS, "names": NAME_ROWS}
ROWS |= {"answers": ANSWER_ROWS, "gaps": GAP_ROWS}


def splits_of(name: str) -> Splits:
    """The rows of one of TASKS, in memory, the head's labels and scale read from them."""
    task, spelt = OWN[name], {names[0]: role for role, names in OWN[name].source.columns.items()}
    checked = [
        task.head.check("memory", {role: row[column] for column, role in spelt.items()}, task.source.labels)
        for row in ROWS[name]
    ]
    columns = {role: [row[role] for row in checked] for role in task.head.roles}
    table = Table.from_columns({"row_id": [str(i) for i in range(len(ROWS[name]))], **columns})
    rows = Rows(table=table, origin="memory", digest=name, there=len(table))
    head = task.head.resolved(table[task.head.roles[-1]])
    return Splits(head=head, train=rows, evaluations={"dev": rows}, published={})


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the rows of the tasks in `rows/NAME` and a tiny BERT in `tiny`; a pack brings PACK."""
    packs = (*registry.packs(), registry.Pack(name="own", tasks=PACK, suites=(), samples=tmp_path / "none"))
    monkeypatch.setattr(registry, "packs", lambda: packs)
    monkeypatch.chdir(tmp_path)
    for name, rows in ROWS.items():
        for split in ("train", "dev"):
            write(tmp_path / "rows" / name / f"{split}.jsonl", json_lines(*rows))
    tiny.make("bert", tmp_path / "tiny")
    return tmp_path


def typed(name: str, *more: str) -> list[str]:
    """`finetune NAME` on its rows, in the folder that `own` made."""
    flags = f"finetune {name} --data rows/{name} --device cpu --save-every 1 --quiet --json".split()
    return [*flags, *(() if "--model" in more else ("--model", "tiny")), *more]


def sure(folder: Path) -> list[str]:
    """Flags by which an encoder without dropout learns its few rows by heart."""
    model = tiny.make("bert", folder / "dry", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    return ["--model", str(model), *["--epochs", "50", "--learning-rate", "2e-3", "--save-every", "500"]]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What `bertkit ARGUMENTS` printed as JSON."""
    with pytest.raises(SystemExit) as leaving:
        main(list(arguments))
    printed = capsys.readouterr()
    assert leaving.value.code == 0, printed.err
    return json.loads(printed.out)


def stopped(arguments: list[str], after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Type a command that is stopped before the update that follows so many."""
    plain, left = Updater.backward, [after]

    def backward(loop: Updater, *given: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return plain(loop, *given, **named)

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(Updater, "backward", backward)
        main(arguments)


def predictions(run: Path) -> list[dict[str, Any]]:
    """The lines of its predictions.jsonl."""
    return [json.loads(line) for line in (run / "predictions.jsonl").read_text("utf-8").splitlines()]
