"""Floors at the door: beside a run's scores, once for several seeds, in resumed runs; which scores are above them"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from files import json_lines, write
from test_suite import member

from bertkit import registry
from bertkit.cli import main, screen
from bertkit.cli.failures_screen import print_seeds
from bertkit.cli.floors_screen import print_floors_of_seeds, print_suite_floors
from bertkit.evaluation import floors
from bertkit.evaluation.two_way import Doubt, Mean
from bertkit.progress import Progress
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.result import Failure, Finished, Floor, Score, Scored
from bertkit.runs import run as runs
from bertkit.runs.rescore import score_run

TOLD = [("a warm and fine film", "positive"), ("a dull and empty film", "negative")] * 12
Say = Callable[..., str]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.make("bert", tmp_path_factory.mktemp("encoders") / "tiny"))


@pytest.fixture
def say(tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    """What a command prints on stdout; DATA are rows that a bag of words tells apart."""
    tiny.write_reviews(tmp_path / "data", TOLD, TOLD[:8])
    monkeypatch.setenv("BERTKIT_CACHE", str(tmp_path / "cache"))

    def run(line: str, code: int = 0) -> str:
        typed = line.replace("DATA", f"{tmp_path / 'data'} --model {encoder} --device cpu").split()
        with pytest.raises(SystemExit) as left:
            main([*typed, *(["--out", str(tmp_path / "runs")] if typed[0] == "finetune" else [])])
        printed = capsys.readouterr()
        assert (left.value.code or 0) == code, printed.err
        return printed.out

    return run


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A line for each time that simple models are fitted."""
    found: list[str] = []
    plain = floors.fitted

    def counted(*given: Any, **named: Any) -> Any:
        found.append("fitted")
        return plain(*given, **named)

    monkeypatch.setattr(floors, "fitted", counted)
    return found


UNTRAINED = "finetune sst2 --data DATA --max-steps 1 --lr 1e-9 --quiet"


def evaluations(line: str) -> Any:
    found = json.loads(line)
    return (found[0] if isinstance(found, list) else found)["evaluations"]


def test_a_run_that_learnt_nothing_does_not_beat_its_floor_and_says_so(say: Say) -> None:
    said = say(UNTRAINED)
    assert "SCORE [95 % over rows] FLOOR HUMAN" in " ".join(said.split())
    assert all(len(line) <= 80 for line in said.splitlines() if not line.startswith("run: "))
    assert "dev, floors: commonest label 50.0 · TF-IDF + logistic regression 100.0" in said
    assert "dev: accuracy does not beat its floor (TF-IDF + logistic regression, 100.0)" in " ".join(said.split())
    assert "the commonest label alone" not in said


def test_two_seeds_share_their_floors_and_so_does_the_same_run_again(say: Say, fits: list[str]) -> None:
    say(f"{UNTRAINED} --seeds 2")
    say(f"{UNTRAINED} --force")
    assert fits == ["fitted"]


def test_other_rows_have_floors_of_their_own(say: Say, fits: list[str]) -> None:
    for limit in (12, 13):  # train has 24 rows, dev 8
        say(f"{UNTRAINED} --limit {limit}")
    assert fits == ["fitted"] * 2


def test_no_floor_leaves_them_out(say: Say, fits: list[str]) -> None:
    said = say(f"{UNTRAINED} --no-floor")
    assert "FLOOR" not in said
    assert "dev: the commonest label alone is right on 50.0" in said
    assert evaluations(say(f"{UNTRAINED} --no-floor --json"))[0]["floors"] == []
    assert fits == []


def test_no_floor_is_for_what_is_trained(say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say(UNTRAINED)
    (run,) = (tmp_path / "runs").iterdir()
    with pytest.raises(SystemExit) as left:
        main(["eval", str(run), "--no-floor"])
    assert (left.value.code, "--no-floor" in capsys.readouterr().err) == (2, True)


def stopped(*given: Any, **named: Any) -> Any:
    raise KeyboardInterrupt


def test_a_run_that_is_stopped_at_its_floors_is_resumed_to_the_same_result(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluations(say(f"{UNTRAINED} --json"))
    (first,) = (tmp_path / "runs").iterdir()
    first.rename(tmp_path / "whole")
    monkeypatch.setenv("BERTKIT_CACHE", str(tmp_path / "another"))
    with monkeypatch.context() as patched:
        patched.setattr(floors, "fitted", stopped)
        say(f"{UNTRAINED} --save-every 1", code=130)
    (run,) = (tmp_path / "runs").iterdir()
    assert not (run / "result.json").exists()
    assert evaluations(say(f"resume {run} --json --quiet")) == whole
    assert len(whole[0]["floors"]) == 2
    assert (run / "predictions.jsonl").read_bytes() == (tmp_path / "whole" / "predictions.jsonl").read_bytes()


def test_a_resumed_run_keeps_no_floor(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(runs, "with_floors", stopped)
        say(f"{UNTRAINED} --no-floor --save-every 1", code=130)
    (run,) = (tmp_path / "runs").iterdir()
    assert evaluations(say(f"resume {run} --json --quiet"))[0]["floors"] == []


def test_a_run_that_is_scored_again_has_the_floors_of_its_result(say: Say, tmp_path: Path, fits: list[str]) -> None:
    before = evaluations(say(f"{UNTRAINED} --json"))
    (run,) = (tmp_path / "runs").iterdir()
    assert evaluations(say(f"eval {run} --json --quiet"))[0]["floors"] == before[0]["floors"]
    assert fits == ["fitted"]


def test_a_run_that_is_scored_on_other_rows_has_no_floors(say: Say, tmp_path: Path) -> None:
    say(UNTRAINED)
    (run,) = (tmp_path / "runs").iterdir()
    tiny.write_reviews(tmp_path / "data", TOLD, TOLD[:6])
    assert score_run(run, Progress()).evaluations[0].floors == ()


def test_a_test_file_has_floors_too(say: Say, tmp_path: Path) -> None:
    lines = [{"text": text, "label": label} for text, label in TOLD]
    for name in ("train", "dev", "test"):
        write(tmp_path / f"{name}.jsonl", json_lines(*lines))
    files = " ".join(f"--{name}-file {tmp_path / name}.jsonl" for name in ("train", "dev", "test"))
    line = UNTRAINED.replace("sst2 --data DATA", files)
    found = evaluations(say(f"{line} --model {tiny.make('bert', tmp_path / 'body')} --device cpu --json"))
    assert {one["name"]: len(one["floors"]) for one in found} == {"dev": 2, "test": 2}


# What is printed.

WORDS, COMMON = "TF-IDF + logistic regression (100,000 of 392,702 train rows)", "commonest label"


def scored(value: float, low: float, high: float, words: float = 0.7, common: float = 0.5) -> Scored:
    models = tuple(Floor(name=name, metrics={"accuracy": x}) for name, x in ((COMMON, common), (WORDS, words)))
    score = Score(value=value, low=low, high=high, interval="Wilson")
    return Scored(
        name="dev", split="dev", rows=80, metrics={"accuracy": score}, floors=models, details={"majority": common}
    )


def shown(capsys: pytest.CaptureFixture[str], one: Scored) -> str:
    screen.print_scores(spec_of(registry.find("sst2"), Flags(data="rows")), (one,))
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    return " ".join(" ".join(lines).split())


def test_a_score_stands_beside_the_greatest_floor_and_the_human_score(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, scored(0.9, 0.8, 0.95))
    assert "FLOOR HUMAN dev 80 accuracy 90.0 [80.0, 95.0] 70.0 97.8" in said
    assert said.endswith(f"dev, floors: commonest label 50.0 · {WORDS} 70.0")


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (scored(0.75, 0.7, 0.8), "is not clearly above its floor (TF-IDF + logistic regression, 70.0)"),
        (scored(0.7, 0.6, 0.8), "does not beat its floor (TF-IDF + logistic regression, 70.0)"),
        (scored(0.5, 0.4, 0.6, words=0.3), "does not beat its floor (commonest label, 50.0)"),
        (
            scored(0.3, 0.2, 0.49),
            "does not beat its floor (TF-IDF + logistic regression, 70.0): check the label names",
        ),
    ],
)
def test_a_score_that_is_not_clearly_above_its_floor_says_so_once(
    one: Scored, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = shown(capsys, one)
    assert printed.endswith(f"dev: accuracy {said}")
    assert printed.count("dev: ") == 1


def finished(one: Scored) -> Finished:
    result = member("sst2", [[90.0]]).result
    assert result
    return Finished(folder=Path("run"), result=replace(result, evaluations=(one,)), before=False)


@pytest.mark.parametrize(
    ("values", "low", "said"),
    [
        ([0.9, 0.75], 0.75, ""),
        ([0.9, 0.75], 0.7, "the mean accuracy is not clearly above its floor"),
        ([0.9, 0.75], None, ""),  # without an interval of the mean the least seed is above it
        ([0.9, 0.7], None, "the mean accuracy is not clearly above its floor"),
        ([0.8, 0.5], 0.4, "the mean accuracy does not beat its floor"),
        ([0.65, 0.7, 0.75], 0.6, "the mean accuracy does not beat its floor"),  # a tie: the mean is 0.7000000000000001
    ],
)
def test_of_several_seeds_the_mean_is_compared_by_its_interval(
    values: list[float], low: float | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = [finished(scored(value, 0.1, 1.0)) for value in values]
    doubt = Doubt(rows=0.0, seeds=0.0, freedom=1.0)
    mean = {} if low is None else {("dev", "accuracy"): Mean(value=0.0, low=low, high=1.0, doubt=doubt)}
    print_floors_of_seeds(seeds, mean)
    printed = " ".join(capsys.readouterr().out.split())
    wanted = f" dev: {said} (TF-IDF + logistic regression, 70.0)" if said else ""
    assert printed == f"dev, floors: commonest label 50.0 · {WORDS} 70.0{wanted}"


def test_a_failed_seed_is_left_out_of_the_mean_that_is_held_against_the_floor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seeds = [finished(scored(value, 0.1, 1.0)) for value in (0.8, 0.8, 0.1)]  # with the last 56.7, below 70
    failed = replace(seeds[2].result, failures=(Failure(reason="it failed", advice="another --seed"),))
    print_seeds([*seeds[:2], replace(seeds[2], result=failed)])
    said = capsys.readouterr().out
    assert "dev, floors: " in said
    assert "does not beat its floor" not in said


def test_the_floor_of_a_task_is_the_best_simple_models_score_by_the_suites_rule(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # mrpc: the constant has (80 + 60) / 2 = 70, the words (76 + 70) / 2 = 73, which is the best of the two
    one = member("mrpc", [[75.0, 70.0]])
    assert one.result
    models = (
        Floor(name=COMMON, metrics={"f1": 0.8, "accuracy": 0.6}),
        Floor(name=WORDS, metrics={"f1": 0.76, "accuracy": 0.7}),
    )
    (dev,) = one.result.evaluations
    one = replace(one, result=replace(one.result, evaluations=(replace(dev, floors=models),)))
    official = registry.find_suite("glue").averages[0]
    assert one.floor(official) == pytest.approx(0.73)
    above = member("sst2", [[90.0]])  # without floors
    assert above.floor(official) is None
    print_suite_floors([one, above], official)
    assert capsys.readouterr().out.splitlines() == ["  floors: mrpc 73.0", "  not above their floors: mrpc"]
