"""A task without a dev file: every seed scores the same held-out rows, and a test file is scored once, at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from files import write

from bertkit import registry
from bertkit.cli import main
from bertkit.heads import FROM_TRAIN, Classification, Tagging
from bertkit.result import Scored
from bertkit.runs.best_model import Best
from bertkit.sources import HoldOut, Source
from bertkit.task import Evaluation, Recipe, Task
from bertkit.training.update import Updater

DEV = Evaluation(name="dev", split="dev", metrics=("accuracy",))
TEST = Evaluation(name="test", split="test", metrics=("accuracy",), at_end=True)
SOURCE = Source(
    files={"train": ("rows.csv",)}, columns={"text": ("text",), "label": ("label",)}, hold_out=HoldOut(share=0.25)
)
TASK = Task(
    name="tickets",
    about="a text -> its label",
    head=Classification(labels=FROM_TRAIN),
    source=SOURCE,
    evaluations=(DEV,),
    recipe=Recipe(epochs=1, batch_size=4, learning_rate=1e-3),
)
ROWS = [(f"{place} was {how} on day {day}", how) for day in range(4) for place in ("the food", "the room")
        for how in ("fine", "dull", "cold")]  # fmt: skip


def csv_of(rows: list[tuple[str, str]]) -> str:
    return "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)


class Door:
    """The command line in an empty folder with rows, a tiny encoder, and a pack that brings `task`."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.patch, self.capsys = folder, patch, capsys
        write(folder / "rows.csv", csv_of(ROWS))
        self.model = str(tiny.make("bert", folder / "tiny"))
        self.packs = registry.packs()
        self.bring(TASK)
        patch.chdir(folder)

    def bring(self, task: Task) -> None:
        pack = registry.Pack(name="test", tasks=(task,), suites=(), samples=self.folder / "none")
        self.patch.setattr(registry, "packs", lambda: (*self.packs, pack))

    def ask(self, typed: str, code: int = 0) -> Any:
        """What a command printed as JSON; what it said if it is to fail."""
        words = typed.replace("RUN", str(next(self.folder.glob("runs/*"), ""))).split()
        if words[0] == "finetune":
            words += ["--model", self.model, "--data", ".", "--device", "cpu"]
        with pytest.raises(SystemExit) as leaving:
            main([*words, "--quiet", "--json"])
        printed = self.capsys.readouterr()
        assert leaving.value.code == code, printed.err
        return printed.err if code else json.loads(printed.out)

    def lines(self, folder: str, evaluation: str = "dev") -> list[dict[str, Any]]:
        """An evaluation's predictions."""
        found = [json.loads(line) for line in (Path(folder) / "predictions.jsonl").read_text("utf-8").splitlines()]
        return [line for line in found if line["evaluation"] == evaluation]


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Door:
    return Door(tmp_path, monkeypatch, capsys)


def test_every_seed_scores_the_same_held_out_rows_and_the_predictions_have_their_ids(door: Door) -> None:
    runs = door.ask("finetune tickets --seeds 2 --max-steps 1")
    ids = [[line["row_id"] for line in door.lines(run["folder"])] for run in runs]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 6  # a quarter of 24
    counts = runs[0]["rows"]
    assert [counts[name]["used"] for name in ("train", "dev")] == [18, 6]
    assert counts["dev"]["notes"] == ["6 of 24 rows of rows.csv are held out of train, the same for every seed"]
    assert runs[0]["marks"] == []
    golds = {str(k): label for k, (_, label) in enumerate(ROWS)}
    assert all(golds[line["row_id"]] == line["gold"] for line in door.lines(runs[0]["folder"]))


def test_a_run_is_scored_again_on_exactly_its_held_out_rows(door: Door) -> None:
    run = door.ask("finetune tickets --max-steps 1")
    again = door.ask("eval RUN")
    assert again["evaluations"][0]["rows"] == 6
    assert again["evaluations"] == run["evaluations"]


def test_a_run_is_not_scored_again_on_rows_that_it_may_have_trained_on(door: Door) -> None:
    door.ask("finetune tickets --max-steps 1")
    write(door.folder / "rows.csv", csv_of([*ROWS, ("the soup was fine", "fine")]))
    assert "the train rows changed since" in door.ask("eval RUN", code=2)
    assert "the train rows changed since" in door.ask("finetune tickets --max-steps 1", code=2)


def test_a_checkpoint_is_scored_on_the_held_out_rows_alone(door: Door) -> None:
    run = door.ask("finetune tickets --max-steps 1")
    scored = door.ask(f"eval tickets --model {run['folder']}/model --data .")
    # what train rows would score, a checkpoint does not say
    assert scored["evaluations"] == [{**one, "floors": []} for one in run["evaluations"]]


def test_a_dev_file_is_scored_where_there_is_one(door: Door) -> None:
    door.bring(replace(TASK, source=replace(SOURCE, files={**SOURCE.files, "dev": ("dev.csv",)})))
    write(door.folder / "dev.csv", csv_of(ROWS[:5]))
    counts = door.ask("finetune tickets --max-steps 1")["rows"]
    assert [counts[name]["used"] for name in ("train", "dev")] == [24, 5]


def test_a_stopped_run_is_resumed_to_the_same_bytes(door: Door) -> None:
    whole = door.ask("finetune tickets --out whole --save-every 1")["folder"]
    plain, calls = Updater.backward, [0]

    def stopped(loop: Updater, *given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        return plain(loop, *given, **named)

    with door.patch.context() as patched:
        patched.setattr(Updater, "backward", stopped)
        door.ask("finetune tickets --save-every 1", code=130)
    door.ask("resume RUN")
    for name in ("model/model.safetensors", "predictions.jsonl"):
        assert next(door.folder.glob(f"runs/*/{name}")).read_bytes() == (Path(whole) / name).read_bytes()


def test_a_test_file_is_scored_once_at_the_end_and_chooses_nothing(door: Door) -> None:
    source = replace(SOURCE, files={**SOURCE.files, "test": ("test.csv",)})
    door.bring(replace(TASK, source=source, evaluations=(TEST, DEV)))
    write(door.folder / "test.csv", csv_of(ROWS[:3]))
    offered: list[set[str]] = []
    plain = Best.offer

    def noted(best: Best, step: int, scored: Sequence[Scored], save: Callable[[Path], None]) -> None:
        offered.append({one.name for one in scored})
        plain(best, step, scored, save)

    door.patch.setattr(Best, "offer", noted)
    run = door.ask("finetune tickets --eval-every 2 --keep-best")
    assert offered == [{"dev"}] * 3
    folder = Path(run["folder"])
    scored = [
        line["score"] for line in map(json.loads, (folder / "log.jsonl").read_text().splitlines()) if "score" in line
    ]
    assert [set(line) for line in scored] == [{"dev"}, {"dev"}, {"test", "dev"}]
    assert json.loads((folder / "best" / "score.json").read_text())["evaluation"] == "dev"
    assert [(one["name"], one["rows"]) for one in run["evaluations"]] == [("test", 3), ("dev", 6)]
    assert len(door.lines(run["folder"], "test")) == 3
    assert door.ask("eval RUN")["evaluations"] == run["evaluations"]


def test_a_label_of_dev_that_train_does_not_have_is_a_bad_row(door: Door) -> None:
    door.bring(replace(TASK, source=replace(SOURCE, files={**SOURCE.files, "dev": ("dev.csv",)})))
    write(door.folder / "dev.csv", csv_of([*ROWS, ("the room was warm", "warm")]))
    said = door.ask("finetune tickets --max-steps 1", code=2)
    assert "dev.csv, line 26: unknown label 'warm'; expected one of cold, dull, fine" in said
    run = door.ask("finetune tickets --max-steps 1 --on-bad-row skip")
    why = "unknown label 'warm'; expected one of cold, dull, fine"
    assert run["rows"]["dev"]["notes"] == [f"1 row: skipped, {why} (first: dev.csv, line 26)"]
    assert len(door.lines(run["folder"])) == 24
    assert door.ask("eval RUN")["evaluations"] == run["evaluations"]


def test_a_tag_of_dev_that_train_does_not_have_counts_as_wrong_and_is_named(door: Door) -> None:
    source = Source(
        files={"train": ("train.jsonl",), "dev": ("dev.jsonl",)}, columns={"words": ("words",), "tags": ("tags",)}
    )
    dev = replace(DEV, metrics=("tag_accuracy",))
    door.bring(replace(TASK, head=Tagging(labels=FROM_TRAIN), source=source, evaluations=(dev,)))
    train, scored = {"words": ["Rain", "fell"], "tags": ["X", "X"]}, {"words": ["Snow", "fell"], "tags": ["Z", "X"]}
    write(door.folder / "train.jsonl", json.dumps(train) + "\n")
    write(door.folder / "dev.jsonl", json.dumps(train) + "\n" + json.dumps(scored) + "\n")
    run = door.ask("finetune tickets --max-steps 1")
    assert run["rows"]["dev"]["notes"] == ["1 label that no train row has counts as wrong: Z (first: row 1)"]
    assert run["evaluations"][0]["metrics"]["tag_accuracy"]["value"] == 0.75  # the only tag is always right but there


def test_a_label_that_a_task_has_and_its_train_rows_do_not_is_named_with_its_first_row(door: Door) -> None:
    head = Classification(labels=("cold", "dull", "fine", "warm"))
    door.bring(replace(TASK, head=head, source=replace(SOURCE, files={**SOURCE.files, "dev": ("dev.csv",)})))
    write(door.folder / "dev.csv", csv_of([*ROWS[:3], ("the room was warm", "warm"), ("the soup was warm", "warm")]))
    run = door.ask("finetune tickets --max-steps 1")
    assert run["rows"]["train"]["notes"] == ["no row has the label warm"]
    assert run["rows"]["dev"]["notes"] == ["2 labels that no train row has count as wrong: warm (first: row 3)"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ROWS[:1], "25% of 1 row leaves none on one side"),
        ([ROWS[0]] * 9, "all 9 rows have one text or one group"),
    ],
)
def test_a_file_of_which_nothing_can_be_held_out_is_refused(door: Door, rows: list[tuple[str, str]], said: str) -> None:
    write(door.folder / "rows.csv", csv_of(rows))
    line = door.ask("finetune tickets", code=2)
    assert said in line and line.count("\n") == 1
    assert not (door.folder / "runs").exists()


def test_the_folder_without_a_train_file_is_refused(door: Door) -> None:
    (door.folder / "rows.csv").unlink()
    assert "no train split in" in door.ask("finetune tickets", code=2)
