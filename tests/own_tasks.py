"""Tasks on a few rows of one's own, under heads that no installed task has, and how to train and resume them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
from files import json_lines, write

from bertkit import registry
from bertkit.cli import main
from bertkit.heads import Classification, Number
from bertkit.sources import Source
from bertkit.task import Evaluation, Recipe, Task
from bertkit.training.update import Updater

RECIPE = Recipe(epochs=2, batch_size=4, learning_rate=1e-3)
PRICES = Task(
    name="prices",
    about="a text -> its price",
    head=Classification(labels=Number(scaled=True)),
    source=Source(columns={"text": ("said",), "label": ("price",)}),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("pearson",)),),
    recipe=RECIPE,
)
PRICE_ROWS = [{"said": text, "price": 1_990.0 + 2.5 * i} for i, (text, _) in enumerate(tiny.REVIEWS)]
TASKS = (PRICES,)
ROWS = {"prices": PRICE_ROWS}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the rows of TASKS in `rows/NAME` and a tiny BERT in `tiny`; a pack brings the tasks."""
    packs = (*registry.packs(), registry.Pack(name="own", tasks=TASKS, suites=(), samples=tmp_path / "none"))
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
