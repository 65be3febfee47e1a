"""`bertkit analyse landscape`: initial weights rebuilt, losses against other computations, files, what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import kept
import numpy as np
import pytest
import tiny
import torch
import transformers
from door import Refused, refused, unfinished
from files import write
from safetensors.torch import load_file, save_file
from test_api import plain_types
from test_train import DRY

import bertkit
from bertkit import registry
from bertkit.analysis import landscape_files
from bertkit.analysis.finished_runs import finished_runs
from bertkit.analysis.landscape import Contrast, Line
from bertkit.analysis.measured_points import MeasuredPoints
from bertkit.analysis.row_losses import Slice
from bertkit.analysis.run_ends import RunEnds, run_ends
from bertkit.cli import main
from bertkit.evaluation.metrics import METRICS
from bertkit.heads import Window
from bertkit.progress import Progress
from bertkit.request.landscape_flags import LandscapeFlags, LandscapeOptions
from bertkit.result import Score
from bertkit.runs.folder import read_log
from bertkit.runs.run import run
from bertkit.spec import RunOptions, Spec
from bertkit.task import Recipe

__all__ = ["refused"]

Say = Callable[..., Any]
RECIPE = Recipe(max_steps=4, batch_size=16, learning_rate=2e-3, warmup=0.0, window=Window(max_length=64))
FLAGS = "--rows 12 --steps 4 --directions 2 --device cpu"
POINTS = 19 + 2 + 4
"""Slices measured: of the line, in random directions, and with layers set back (embeddings, low, high, all)."""
STARTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "scratch": {"scratch": True},
    "lora": {"recipe": replace(RECIPE, lora=2)},
    "redrawn": {"recipe": replace(RECIPE, reinit_layers=1)},
    "weighted": {"recipe": replace(RECIPE, class_weights={"negative": 3.0})},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder without dropout, and rows of two tasks."""
    folder = tmp_path_factory.mktemp("landscape")
    tiny.make("bert", folder / "dry", **DRY)
    tiny.write_reviews(folder / "data", tiny.REVIEWS * 2, tiny.REVIEWS[:5])
    (folder / "bank").mkdir()
    tiny.write_treebank(folder / "bank", tiny.SENTENCES * 2, tiny.SENTENCES)
    return folder


def trained(made: Path, task: str = "sst2", data: str = "data", **fields: Any) -> Path:
    """The folder of a run of four updates, of which each reads all rows."""
    spec = Spec(
        task=registry.find(task), model=str(made / "dry"), data=str(made / data), device="cpu", precision="fp32",
        **{"recipe": RECIPE, **fields},
    )  # fmt: skip
    return run(spec, RunOptions(out=made / "out", floor=False)).folder


@pytest.fixture(scope="module")
def runs(made: Path) -> Path:
    """A pretrained and a scratch run, in folders of these names, which no test changes."""
    for name, fields in (("pretrained", {}), ("scratch", {"scratch": True})):
        shutil.copytree(trained(made, **fields), made / name)
    return made


@pytest.fixture
def place(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with copies of both runs, in which the command is typed."""
    for name in ("pretrained", "scratch"):
        shutil.copytree(runs / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def drawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No figure is drawn, which takes seconds, but in the tests of figures."""
    if "figure" not in request.node.name:
        for name in ("draw_lines", "draw_back", "draw_planes"):
            monkeypatch.setattr(landscape_files, name, lambda *given: [path.touch() for path in given[-1]])


@pytest.fixture
def say(place: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the command line; what it says, as JSON if it is."""

    def type_(line: str) -> Any:
        with pytest.raises(SystemExit) as left:
            main(line.split())
        printed = capsys.readouterr()
        assert left.value.code == 0, printed.err
        return json.loads(printed.out) if "--json" in line else printed.out

    return type_


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often the losses of a slice are computed."""
    plain, calls = Slice.sums, list[int]()
    monkeypatch.setattr(Slice, "sums", lambda *given: (calls.append(1), plain(*given))[1])
    return calls


def ends_of(folder: Path, rows: int = 1_000) -> RunEnds:
    (found,) = finished_runs([folder])
    return run_ends(found, rows, 1, "cpu")


def loss(ends: RunEnds, weights: Any) -> float:
    return float(ends.slice.sums(ends.at(weights)).sum() / ends.slice.counts.sum())


@pytest.mark.parametrize("start", STARTS)
def test_the_rebuilt_initial_weights_have_the_first_loss_that_was_logged(made: Path, start: str) -> None:
    folder = trained(made, **STARTS[start])
    log = [line for line in read_log(folder) if "loss" in line]
    ends = ends_of(folder)
    assert loss(ends, ends.start) == pytest.approx(log[0]["loss"], rel=1e-5)
    assert loss(ends, ends.end) < log[0]["loss"]


def test_a_treebanks_first_loss_is_by_words_too(made: Path) -> None:
    folder = trained(made, "ud", "bank", recipe=replace(RECIPE, learning_rate=1e-3))
    log = [line for line in read_log(folder) if "loss" in line]
    ends = ends_of(folder)
    assert loss(ends, ends.start) == pytest.approx(log[0]["loss"], rel=1e-5)
    assert ends.slice.counts.sum() == sum(len(tags.split()) for _, tags in tiny.SENTENCES * 2)


def test_the_first_loss_of_a_scaled_number_is_in_units_of_its_spread(made: Path) -> None:
    rows = [f"{text} ({k}),{200 + 10 * (k % 7)}.5" for k, (text, _) in enumerate(tiny.REVIEWS * 4) if "," not in text]
    write(made / "prices.csv", "\n".join(["text,price", *rows]) + "\n")
    folder = _of_all_rows(made, made / "prices.csv", label_column="price")
    ends = ends_of(folder)
    assert ends.model.head.scale[1] > 10
    assert loss(ends, ends.start) == pytest.approx(read_log(folder)[0]["loss"], rel=1e-5)
    recorded = kept.read(folder / "result.json")["evaluations"][0]["metrics"]
    assert ends.scoring
    (metric, score), *_ = recorded.items()
    answers = ends.scoring.answers(ends.at(ends.end))
    assert METRICS[metric].of(ends.scoring.golds(ends.model), answers) == pytest.approx(score["value"], abs=1e-4)


def test_the_first_loss_of_answers_in_documents_is_by_windows(made: Path) -> None:
    folder = _of_all_rows(made, "squad", sample=True, max_length=100, doc_stride=16)
    ends = ends_of(folder)
    assert len(ends.slice.features) > len(ends.slice.picked)
    assert loss(ends, ends.start) == pytest.approx(read_log(folder)[0]["loss"], rel=1e-5)


def _of_all_rows(made: Path, task: Any, **options: Any) -> Path:
    """A run of one update on all train rows."""
    return bertkit.finetune(
        task, model=made / "dry", out=made / "out", max_steps=1, batch_size=5_000, warmup=0.0, device="cpu",
        precision="fp32", floor=False, **options,
    ).folder  # fmt: skip


def test_another_seed_is_another_start(made: Path) -> None:
    folder = trained(made)
    ends, other = ends_of(folder), ends_of(trained(made, seed=7))
    assert not torch.equal(ends.start["classifier.weight"], other.start["classifier.weight"])
    assert torch.equal(
        ends.start["bert.encoder.layer.0.output.dense.weight"], other.start["bert.encoder.layer.0.output.dense.weight"]
    )


def test_losses_by_row_are_those_of_transformers(runs: Path) -> None:
    ends = ends_of(runs / "pretrained", rows=5)
    rows = [(tiny.REVIEWS * 2)[k] for k in ends.slice.picked]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(runs / "pretrained" / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(runs / "pretrained" / "model")
    with torch.no_grad():
        logits = model(**tokenizer([text for text, _ in rows], return_tensors="pt", padding=True)).logits
    labels = torch.tensor([("negative", "positive").index(label) for _, label in rows])
    expected = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    assert ends.slice.sums(ends.at(ends.end)) == pytest.approx(expected.numpy(), rel=1e-4)


def test_both_runs_are_shown_side_by_side_with_files(say: Say, place: Path) -> None:
    found = say(f"analyse landscape pretrained scratch {FLAGS} --json")
    assert [one["label"] for one in found["runs"]] == ["pretrained", "scratch"]
    assert [one["scratch"] for one in found["runs"]] == [False, True]
    for one, name in zip(found["runs"], ("pretrained", "scratch"), strict=True):
        alphas, losses = one["line"]["alphas"], [score["value"] for score in one["line"]["losses"]]
        ends = ends_of(place / name, rows=1_000)
        assert (one["rows"], one["of"], one["scored"], one["metric"]) == (12, 16, 5, "accuracy")
        assert alphas[2] == 0.0 and alphas[6] == 1.0 and losses[6] < losses[2]
        moved = torch.cat([(ends.end[key] - ends.start[key]).flatten() for key in ends.start]).norm()
        start = torch.cat([tensor.flatten() for tensor in ends.start.values()]).norm()
        assert one["line"]["distance"] == pytest.approx(float(moved / start), rel=1e-4)
        assert [group["name"] for group in one["groups"]] == ["trained", "embeddings", "low", "high", "all"]
        recorded = kept.read(place / name / "result.json")["evaluations"][0]["metrics"]["accuracy"]
        assert one["groups"][0]["score"]["value"] == recorded["value"]
        assert one["groups"][0]["loss"]["value"] == pytest.approx(losses[6])
        assert len(one["rise"]["each"]) == 2
    assert {one["measure"] for one in found["contrasts"]} == {"width", "rise"}
    written = kept.read(Path(found["folder"]) / "landscape.json")
    assert {name: found[name] for name in written["found"]} == written["found"]
    assert written["told"] == found["told"]
    assert Path(found["folder"]).parent == Path("runs")


def test_figures_are_drawn_as_png_and_svg(say: Say) -> None:
    found = say(f"analyse landscape pretrained scratch {FLAGS} --surface --json")
    assert [Path(one).name for one in found["figures"]] == [
        "line.png", "line.svg", "rollback.png", "rollback.svg", "surface.png", "surface.svg",
    ]  # fmt: skip
    assert all(Path(figure).stat().st_size > 5_000 for figure in found["figures"])
    surface, line = found["runs"][0]["surface"], found["runs"][0]["line"]
    assert (len(surface["losses"]), len(surface["losses"][0])) == (11, 11)
    on_line = surface["losses"][surface["betas"].index(0.0)][surface["alphas"].index(-0.5)]
    assert on_line == pytest.approx(line["losses"][0]["value"], rel=1e-5)


def test_a_run_alone_is_shown_without_a_comparison(say: Say) -> None:
    found = say(f"analyse landscape scratch {FLAGS} --directions 0 --json")
    assert found["contrasts"] == []
    assert found["runs"][0]["rise"] is None


def test_the_table_fits_in_80_columns_and_says_which_is_wider(say: Say) -> None:
    said = say(f"analyse landscape pretrained scratch {FLAGS} --quiet")
    assert max(map(len, said.splitlines())) <= 80
    assert "…" not in said
    words = " ".join(said.split())
    assert any(one in words for one in ("by width", "which is wider cannot be told"))
    for part in ("WIDTH IN ALPHA [95 %]", "MEAN RISE [95 %]", "SET BACK", "up to 10 % of its drop", "rollback.svg"):
        assert part in words


def line_of(*losses: float) -> Line:
    scores = tuple(Score(value=one, low=one, high=one) for one in losses)
    return Line(
        alphas=(-0.5, 0.0, 0.5, 1.0, 1.5), losses=scores, fraction=0.1, width=scores[0], open=False, distance=0.1
    )


def test_a_run_that_stopped_above_the_minimum_of_its_line_is_told_apart() -> None:
    reached, passed = line_of(1.1, 1.0, 0.5, 0.2, 0.15), line_of(1.1, 1.0, 0.5, 0.2, 0.1)
    assert reached.ends[1].value == 0.2
    assert reached.is_at_its_minimum  # 0.05 below, of 0.08 that a tenth of the drop allows
    assert (passed.is_at_its_minimum, passed.lowest) == (False, 1.5)


@pytest.mark.parametrize(
    ("measure", "low", "high", "flatter"),
    [("width", 0.1, 0.3, "a"), ("width", -0.3, -0.1, "b"), ("rise", 0.1, 0.3, "b"), ("width", -0.1, 0.3, None)],
)
def test_the_wider_has_the_larger_width_or_the_smaller_rise_beyond_its_interval(
    measure: str, low: float, high: float, flatter: str | None
) -> None:
    gap = Score(value=(low + high) / 2, low=low, high=high)
    found = Contrast(measure=measure, first="a", second="b", values=(1.0, 0.8), difference=gap, over="rows")
    assert found.flatter == flatter
    assert replace(found, open=(flatter,) if flatter else ()).flatter == flatter
    assert replace(found, open=("a" if flatter == "b" else "b",)).flatter is None  # may be as wide


def test_weights_that_another_version_drew_are_marked(say: Say, place: Path) -> None:
    result = kept.read(place / "scratch" / "result.json")
    result["versions"]["torch"] = "1.0"
    (place / "scratch" / "result.json").write_text(json.dumps(result), "utf-8")
    (run,) = say(f"analyse landscape scratch {FLAGS} --json")["runs"]
    assert run["marks"][-1].startswith("scratch: trained with torch 1.0 (here")


def test_what_was_measured_is_not_measured_again(say: Say, counted: list[int]) -> None:
    before = say(f"analyse landscape pretrained scratch {FLAGS} --json")
    assert len(counted) == 2 * POINTS
    assert say(f"analyse landscape pretrained scratch {FLAGS} --json") == before
    alone = say(f"analyse landscape pretrained {FLAGS} --json")
    assert alone["runs"] == before["runs"][:1]
    say(f"analyse landscape pretrained {FLAGS} --fraction 0.3 --json")  # another width of the same losses
    assert len(counted) == 2 * POINTS


def test_a_measurement_that_was_stopped_continues(
    say: Say, counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Slice.sums

    def stopped(*given: Any) -> Any:
        if len(counted) == 7:
            raise KeyboardInterrupt
        return plain(*given)

    with monkeypatch.context() as patched:
        patched.setattr(Slice, "sums", stopped)
        with pytest.raises(SystemExit) as left:
            main(f"analyse landscape pretrained {FLAGS} --quiet".split())
    assert left.value.code == 130
    continued = say(f"analyse landscape pretrained {FLAGS} --json")
    assert len(counted) == POINTS
    shutil.rmtree("pretrained/landscape")
    shutil.rmtree(continued["folder"])
    assert say(f"analyse landscape pretrained {FLAGS} --json") == continued


def test_a_line_that_a_killed_process_left_unfinished_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "points.jsonl"
    assert MeasuredPoints(path).of("a", lambda: [1.5], Progress()) == [1.5]
    path.write_text(path.read_text("utf-8") + '\n{"point": "b", "fou', "utf-8")
    assert MeasuredPoints(path).of("b", lambda: [2.5], Progress()) == [2.5]
    again = MeasuredPoints(path)
    assert [again.of(name, pytest.fail, Progress()) for name in ("a", "b")] == [[1.5], [2.5]]


def test_several_seeds_of_a_kind_are_taken_together(say: Say, made: Path) -> None:
    other = trained(made, seed=7)
    found = say(f"analyse landscape pretrained {other} scratch {FLAGS} --json")
    assert [one["label"] for one in found["runs"]] == ["pretrained s42", "pretrained s7", "scratch s42"]
    rise = next(one for one in found["contrasts"] if one["measure"] == "rise")
    values = [one["rise"]["rise"]["value"] for one in found["runs"]]
    assert rise["values"] == pytest.approx([np.mean(values[:2]), values[2]])
    assert rise["over"] == "rows and directions"  # one run of a kind does not say how such runs differ


def test_from_python_the_same_is_found(place: Path, say: Say) -> None:
    typed = say(f"analyse landscape pretrained scratch {FLAGS} --json")
    found = bertkit.analyse("landscape", "pretrained", place / "scratch", rows=12, steps=4, directions=2, device="cpu")
    assert found.sentences() == typed["told"]


def test_the_keywords_of_landscape_are_its_flags() -> None:
    assert set(get_type_hints(LandscapeOptions)) == set(plain_types((LandscapeFlags,)))


def _pretraining(folder: Path) -> str:
    return str(kept.run_of(folder / "pre", steps=()))


def _without_model(folder: Path) -> str:
    shutil.rmtree(folder / "pretrained" / "model")
    return "pretrained"


def _other_task(folder: Path) -> str:
    spec = kept.read(folder / "scratch" / "spec.json")
    spec["task"]["name"] = "cola"
    (folder / "scratch" / "spec.json").write_text(json.dumps(spec), "utf-8")
    return "pretrained scratch"


def _damaged(folder: Path) -> str:
    (folder / "pretrained" / "result.json").write_text("{", "utf-8")
    return "pretrained"


def _other_shape(folder: Path) -> str:
    path = folder / "pretrained" / "model" / "model.safetensors"
    tensors = load_file(path)
    tensors["bert.pooler.dense.weight"] = torch.zeros(32, 32, dtype=torch.float32)
    save_file({name: one for name, one in tensors.items() if "layer.1." not in name}, path, {"format": "pt"})
    config = kept.read(folder / "pretrained" / "model" / "config.json")
    (folder / "pretrained" / "model" / "config.json").write_text(
        json.dumps({**config, "num_hidden_layers": 1}), "utf-8"
    )
    return "pretrained"


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (lambda folder: "nowhere", "nowhere: there is no such folder of a run"),
        (lambda folder: ".", ". is not a run's folder: it has no spec.json"),
        (lambda folder: unfinished(folder / "begun"), "is not finished: `bertkit resume"),
        (_pretraining, "pre is a pretraining run, and has no task"),
        (_without_model, "pretrained has no model folder"),
        (_other_task, "pretrained is a run on sst2 and scratch one on cola"),
        (_damaged, "result.json is damaged"),
        (_other_shape, "its trained model has not the weights that it started with: 16 differ"),
        (lambda folder: "pretrained ./pretrained", "one of the runs is named twice"),
        (lambda folder: "pretrained --rows 1", "--rows 1: it must be at least 2"),
        (lambda folder: "pretrained --steps 5", "--steps 5: it must be even"),
        (lambda folder: "pretrained --fraction 1", "--fraction 1: it must be above 0 and below 1"),
        (lambda folder: "pretrained --epsilon 0", "--epsilon 0: it must be above 0"),
        (lambda folder: "pretrained --directions -1", "--directions -1: it must be at least 0"),
        (lambda folder: "pretrained --seed 4294967296", "--seed 4294967296: it must be below 2**32"),
        (lambda folder: "pretrained --out pretrained/spec.json", "--out pretrained/spec.json: it is no folder"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(
    typed: Callable[[Path], str], said: str, tmp_path: Path, refused: Refused
) -> None:
    assert said in refused("analyse", "landscape", *typed(tmp_path).split())


def test_rows_that_changed_since_are_refused(place: Path, runs: Path, refused: Refused) -> None:
    spec = kept.read(place / "pretrained" / "spec.json")
    spec["data"] = str(tiny.write_reviews(place / "other", tiny.REVIEWS, tiny.REVIEWS[:5]))
    (place / "pretrained" / "spec.json").write_text(json.dumps(spec), "utf-8")
    said = refused("analyse", "landscape", "pretrained")
    assert "the train rows changed since pretrained finished; train it again" in said
