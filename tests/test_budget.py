"""`finetune --budget`: how many updates fit into a time, that the number is kept, and that timing leaves no trace."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from door import Refused, refused
from files import write
from test_resume import Told, crash
from test_train import DRY
from victim import outcome

import bertkit
from bertkit import registry
from bertkit.cli import main
from bertkit.errors import RequestError
from bertkit.request.flags import Flags
from bertkit.request.saved_spec import again
from bertkit.request.search_flags import SearchFlags
from bertkit.request.specs import spec_of
from bertkit.runs import budget as budgets
from bertkit.runs.budget import MOST
from bertkit.runs.claim import Claim, look_at
from bertkit.runs.folder import SPEC, recorded_updates
from bertkit.runs.run import resolved, run
from bertkit.runs.timing import Timings
from bertkit.spec import RunOptions, Spec
from bertkit.task import Recipe
from bertkit.training import checkpoint, timed
from bertkit.training.timed import Timed

__all__ = ["refused"]

EPOCH = 4
"""Updates of an epoch: 16 rows."""
RECIPE = Recipe(epochs=1.5, batch_size=4, learning_rate=1e-3)


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    data = tiny.write_reviews(tmp_path / "data", tiny.REVIEWS * 2, tiny.REVIEWS[:5])
    body = tiny.make("bert", tmp_path / "tiny")
    return Spec(
        task=registry.find("sst2"), model=str(body), data=str(data), recipe=RECIPE, budget=100.0, device="cpu",
        precision="fp32",
    )  # fmt: skip


def timings(an_update: float, **more: float) -> Timings:
    """What the parts of a run of 6 updates take: by default an update alone takes time."""
    parts = {"once": 0.0, "at_end": 0.0, "each": 0.0, "saving": 0.0, "copying": 0.0, **more}
    copying = parts.pop("copying")
    training = Timed(
        updates=6, features=24, tokens=240, epoch_tokens=160, training=6 * an_update, an_update=an_update, timed=4,
        copying=copying,
    )  # fmt: skip
    return Timings(training=training, **parts)


def slow(patch: pytest.MonkeyPatch, an_update: float) -> None:
    """Updates of so many seconds, whatever they take."""
    patch.setattr(budgets, "time_parts", lambda *given, **named: timings(an_update))


def claimed(spec: Spec, **options: Any) -> Claim:
    """A run that began 10 s ago."""
    found = look_at(resolved(spec), RunOptions(**options), Told(), None)
    return replace(found, began=time.perf_counter() - 10)


@pytest.mark.parametrize(
    ("parts", "flags", "updates"),
    [
        ({}, {}, 45),  # (100 - 10) / 2
        ({"once": 50.0}, {}, 45),  # it is over
        ({"at_end": 20.0, "saving": 10.0}, {}, 25),  # a checkpoint of 3 * 10 s: 20 of them while the model is scored
        ({"each": 10.0}, {"eval_every": 10}, 30),  # 2 + 10 / 10 for each update
        ({"each": 10.0, "saving": 5.0}, {"eval_every": 10, "keep_best": True}, 20),  # 70 / (2 + 15 / 10)
        ({"copying": 4.0}, {"save_every": 4}, 30),  # 2 + 4 / 4 for each
        ({"copying": 60.0}, {}, 30),  # every 60th, after 120 s: 2 + 60 / 60 for each
    ],
)
def test_all_that_a_run_does_counts_into_its_budget(
    spec: Spec, parts: dict[str, float], flags: dict[str, Any], updates: int
) -> None:
    run_of = claimed(replace(spec, eval_every=flags.pop("eval_every", None)), **flags)
    found = budgets._fitted(run_of, timings(2.0, **parts), EPOCH, 100.0)
    assert abs(found.updates - updates) <= 1  # a moment passes in the test itself
    assert found.epochs == found.updates / EPOCH


def test_a_run_has_at_most_ten_times_the_updates_of_its_recipe(spec: Spec) -> None:
    found = budgets._fitted(claimed(spec), timings(0.001), EPOCH, 100.0)
    assert (found.updates, found.epochs, found.capped) == (MOST * 6, 15.0, True)
    assert found.line(100.0).endswith("more would fit, but 10 times the recipe's epochs are the most")


def test_many_epochs_are_said_in_whole_ones(spec: Spec) -> None:
    found = replace(budgets._fitted(claimed(spec), timings(0.001), EPOCH, 100.0), epochs=199.6)
    assert found.line(100.0).startswith("60 updates (200 epochs) fit into ")


def test_a_part_of_an_epoch_is_said(spec: Spec) -> None:
    found = budgets._fitted(claimed(spec), timings(40.0), EPOCH, 100.0)
    assert found.updates == 2
    assert found.line(100.0).startswith("2 updates (0.50 of an epoch) fit into 1 min 40 s: an update takes 40 s")


@pytest.mark.parametrize("parts", [{"at_end": 89.0}, {"saving": 89.0}])
def test_a_budget_shorter_than_one_evaluation_is_refused(spec: Spec, parts: dict[str, float]) -> None:
    with pytest.raises(RequestError, match=r"--budget 100s: an update takes 2 s, and loading, which took 10 s, evalu"):
        budgets._fitted(claimed(spec), timings(2.0, **parts), EPOCH, 100.0)


def test_a_budget_that_is_over_before_the_first_update_leaves_nothing(spec: Spec, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"--budget 1e-06s: loading alone took .* s; give more"):
        run(replace(spec, budget=1e-6), RunOptions(out=tmp_path / "runs"))
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").glob("[!.]*"))


@pytest.mark.parametrize("after", [5, 1])
def test_a_run_keeps_the_number_of_its_updates(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """On the way back, when updates are ten times as fast, it is still as many: also where no checkpoint was written"""
    slow(monkeypatch, 10.0)
    folder = crash(spec, tmp_path / "runs", monkeypatch, after=after)
    updates = recorded_updates(folder)
    assert updates in (8, 9, 10)
    assert bool(checkpoint.checkpoints_in(folder)) == (after > 2)
    slow(monkeypatch, 1.0)
    told = Told()
    assert run(spec, RunOptions(out=tmp_path / "runs"), told).result.training.steps == updates
    assert not any("fit into" in note for note in told.notes)
    monkeypatch.setattr(budgets, "updates_of", lambda *given: updates)
    run(spec, RunOptions(out=tmp_path / "never"))
    assert outcome(tmp_path / "runs") == outcome(tmp_path / "never")


KILLED = """
import os, signal, sys
from test_budget import slow
import pytest
from bertkit.cli import main
from bertkit.training.update import Updater
slow(pytest.MonkeyPatch(), 300.0)
plain, left = Updater.backward, [5]
def backward(self, *given, **named):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self, *given, **named)
Updater.backward = backward
main(sys.argv[1:])
"""


def test_a_killed_run_is_resumed_to_the_same_number_of_updates_and_the_same_bytes(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Updates of 300 s until it is killed in the sixth, and of 1 s afterwards."""
    line = ["finetune", "sst2", "--model", spec.model, "--data", spec.data, "--device", "cpu", "--batch-size", "4"]
    line += ["--budget", "50m", "--save-every", "2", "--quiet", "--out"]
    words = [sys.executable, "-c", KILLED, *line, str(tmp_path / "runs")]
    done = subprocess.run(words, check=False, cwd=Path(__file__).parent, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (folder,) = (tmp_path / "runs").glob("sst2-*")
    updates = recorded_updates(folder)
    assert updates is not None and 8 <= updates <= 10  # of 3,000 s some are over
    slow(monkeypatch, 1.0)
    said("resume", str(folder), "--quiet")
    assert json.loads((folder / "result.json").read_text("utf-8"))["training"]["steps"] == updates
    monkeypatch.setattr(budgets, "updates_of", lambda *given: updates)
    said(*line, str(tmp_path / "never"))
    assert outcome(tmp_path / "runs") == outcome(tmp_path / "never")


def said(*typed: str) -> None:
    """`bertkit TYPED`, which succeeds."""
    with pytest.raises(SystemExit) as leaving:
        main(list(typed))
    assert not leaving.value.code


@pytest.mark.parametrize(
    "recipe",
    [{}, {"lora": 2}, {"freeze": "embeddings"}, {"batch_tokens": 60}, {"select": "best"}],
    ids=lambda recipe: next(iter(recipe), "plain"),
)
def test_timing_leaves_no_trace(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any]
) -> None:
    """The model of a budget that buys five updates is that of five updates: dropout and the order are its own too."""
    spec = replace(spec, recipe=replace(RECIPE, **recipe), eval_every=2 if "select" in recipe else None)
    monkeypatch.setattr(budgets, "updates_of", lambda *given: 5)
    monkeypatch.setattr(timed, "RATE", 1e-2)  # one that changes the weights
    run(spec, RunOptions(out=tmp_path / "timed"))
    steps = replace(spec, budget=None, recipe=replace(spec.recipe, max_steps=5))
    run(steps, RunOptions(out=tmp_path / "steps"))
    assert outcome(tmp_path / "timed") == outcome(tmp_path / "steps")


def test_timing_a_regression_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its output layer is rescaled when it is saved, which is timed."""
    rows = "".join(f'{{"text": "{k} rooms, {k * 7 % 5} stairs", "price": {1_000.5 * k}}}\n' for k in range(1, 15))
    file = write(tmp_path / "rent.jsonl", rows)
    body = tiny.make("bert", tmp_path / "tiny", **DRY)
    monkeypatch.setattr(budgets, "updates_of", lambda *given: 3)
    for name, lasting in (("timed", {"budget": "9m"}), ("steps", {"max_steps": 3})):
        bertkit.finetune(file, model=body, device="cpu", precision="fp32", out=tmp_path / name, **lasting)  # type: ignore[arg-type]
    assert outcome(tmp_path / "timed") == outcome(tmp_path / "steps")


def test_the_floors_of_a_run_are_computed_once(spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bertkit.evaluation import floors

    plain, fits = floors.fitted, list[Any]()
    monkeypatch.setattr(floors, "fitted", lambda *given: fits.append(1) or plain(*given))
    monkeypatch.setattr(budgets, "updates_of", lambda *given: 1)
    assert run(spec, RunOptions(out=tmp_path / "runs")).result.evaluations[0].floors
    assert len(fits) <= 1


def test_a_plan_says_what_fits_and_writes_nothing(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(budgets, "updates_of", lambda *given: 7)
    line = f"finetune sst2 --model {spec.model} --data {spec.data} --device cpu --batch-size 4 --budget 20m"
    with pytest.raises(SystemExit) as leaving:
        main([*line.split(), "--dry-run", "--json", "--out", str(tmp_path / "runs")])
    plan = json.loads(capsys.readouterr().out)
    assert leaving.value.code == 0
    assert (plan["updates"], plan["rows"], plan["notes"]) == (7, 28, ["1.75 epochs fit into --budget 20 min 0 s"])
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--budget 0s", "--budget 0 seconds: it must be more than nothing"),
        ("--budget -5m", "--budget -5m: give a time, such as 90s, 20m or 2h"),
        ("--budget soon", "--budget soon: give a time, such as 90s, 20m or 2h"),
        ("--budget 20", "--budget 20: give a time, such as 90s, 20m or 2h"),
        ("--budget 20kstep", "--budget 20kstep: give a time, such as 90s, 20m or 2h"),
        ("--budget 20m --epochs 2", "--epochs and --budget: give one of them"),
        ("--budget 20m --max-steps 2", "--max-steps and --budget: give one of them"),
    ],
)
def test_a_budget_that_is_no_time_is_refused(refused: Refused, typed: str, said: str) -> None:
    assert refused("finetune", "sst2", "--sample", *typed.split()) == f"Error: {said}\n"


def test_commands_that_train_otherwise_have_no_budget(refused: Refused) -> None:
    for command in ("eval glue", "compare label-share --task sst2"):
        with pytest.raises(SystemExit) as leaving:
            main([*command.split(), "--budget", "20m"])
        assert leaving.value.code == 2
    with pytest.raises(RequestError, match="budget"):
        bertkit.search("sst2", budget="20m")
    flags = Flags()
    timed = replace(spec_of(registry.find("sst2"), flags), budget=60.0)
    with pytest.raises(RequestError, match="bertkit search has no --budget"):
        SearchFlags().space(flags, timed)


def test_the_spec_of_a_run_given_again_has_its_budget_unless_something_takes_its_place() -> None:
    timed = spec_of(registry.find("sst2"), Flags(budget="20m"))
    assert timed.budget == 1_200
    assert again(timed, Flags()).budget == 1_200
    assert again(timed, Flags(budget="1h")).budget == 3_600
    for flags in (Flags(epochs=2), Flags(max_steps=3)):
        assert again(timed, flags) == replace(spec_of(registry.find("sst2"), flags), task=timed.task)


def document(k: int) -> dict[str, Any]:
    """An article with two paragraphs, each with two questions; the paragraphs of two articles differ."""
    paragraphs = []
    for part in "甲乙":
        context = f"第{k}城在{part}河邊,人口{k + 3}萬。"
        golds = {"城在哪裡?": f"{part}河", "人口多少?": f"{k + 3}萬"}
        asked = [
            {
                "id": f"{k}{part}{n}",
                "question": question,
                "answers": [{"text": text, "answer_start": context.index(text)}],
            }
            for n, (question, text) in enumerate(golds.items())
        ]
        paragraphs.append({"context": context, "qas": asked})
    return {"title": f"城{k}", "id": str(k), "paragraphs": paragraphs}


def test_the_articles_of_a_file_of_questions_train_or_score_and_none_does_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The homework in small: four fifths of the articles train within a budget, and answers count by characters."""
    monkeypatch.setattr(budgets, "updates_of", lambda *given: 2)
    articles = [document(k) for k in range(20)]
    file = write(tmp_path / "DRCD_dev.json", json.dumps({"version": "1.3", "data": articles}))
    body = tiny.make("bert", tmp_path / "tiny")
    done = bertkit.finetune(file, model=body, budget="20m", device="cpu", out=tmp_path / "runs")
    lines = [json.loads(line) for line in (done.folder / "predictions.jsonl").read_text("utf-8").splitlines()]
    scored = {line["row_id"] for line in lines}
    questions = {a["title"]: {q["id"] for p in a["paragraphs"] for q in p["qas"]} for a in articles}
    held = [title for title, ids in questions.items() if ids & scored]
    assert all(questions[title] <= scored for title in held)
    assert (len(held), done.result.rows["train"].used, done.result.rows["dev"].used) == (4, 64, 16)
    assert list(done.result.evaluations[0].metrics)[:2] == ["squad_chars_f1", "squad_chars_em"]
    assert json.loads((done.folder / SPEC).read_text("utf-8"))["updates"] == done.result.training.steps == 2
