"""The training loop and the run around it: rates, decay, updates, and the folder it leaves.

B rows of a batch, U updates.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor

from bertkit import registry
from bertkit.cli import main
from bertkit.errors import RequestError, RunError
from bertkit.heads import Window
from bertkit.heads.features import Features
from bertkit.models.load import Loaded, load, load_trained
from bertkit.result import Finished
from bertkit.runs import run as runs
from bertkit.runs.folder import read_log
from bertkit.runs.run import run
from bertkit.spec import RunOptions, Spec
from bertkit.task import Recipe
from bertkit.training import train as training
from bertkit.training.optimizer import optimizer_of, rate_of

RECIPE = Recipe(max_steps=5, batch_size=4, learning_rate=1e-3, window=Window(max_length=64))
DRY = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
FILES = ["log.jsonl", "model", "predictions.jsonl", "result.json", "spec.json"]
MODEL_FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make("bert", tmp_path_factory.mktemp("train") / "bert")


@pytest.fixture(scope="module")
def dry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny BERT without dropout."""
    return tiny.make("bert", tmp_path_factory.mktemp("train") / "dry", **DRY)


@pytest.fixture
def spec(bert: Path, tmp_path: Path) -> Spec:
    data = tiny.write_reviews(tmp_path / "data", tiny.REVIEWS * 2, tiny.REVIEWS[:5])
    return Spec(
        task=registry.find("sst2"), model=str(bert), data=str(data), recipe=RECIPE, device="cpu", precision="fp32"
    )


@pytest.fixture(scope="module")
def finished(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run of five updates that is scored after every second one."""
    folder = tmp_path_factory.mktemp("finished")
    data = tiny.write_reviews(folder / "data", tiny.REVIEWS * 2, tiny.REVIEWS[:5])
    spec = Spec(
        task=registry.find("sst2"), model=str(bert), data=str(data), recipe=RECIPE, device="cpu", precision="fp32",
        eval_every=2,
    )  # fmt: skip
    return run(spec, RunOptions(out=folder / "runs"))


def trained(loaded: Loaded, kind: str, features: Features, recipe: Recipe) -> list[dict[str, Any]]:
    """Train in place; the log."""
    return tiny.train_in_place(tiny.model_of(kind, loaded, recipe=recipe), features, recipe)


def bytes_of(folder: Path) -> list[bytes]:
    """What two runs of one spec must share."""
    return [(folder / name).read_bytes() for name in ("model/model.safetensors", "predictions.jsonl")]


def test_the_rate_rises_from_a_share_that_is_not_zero_to_its_peak_and_falls() -> None:
    expected = [1 / 4, 2 / 4, 3 / 4, 1, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7]
    assert [rate_of(step, 10, 0.3) for step in range(10)] == pytest.approx(expected)


def test_after_its_rise_the_rate_is_that_of_transformers_linear_schedule() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = transformers.get_linear_schedule_with_warmup(optimizer, 20, 100).lr_lambdas[0]
    assert [rate_of(step, 100, 0.2) for step in range(20, 100)] == pytest.approx([theirs(s) for s in range(20, 100)])


@pytest.mark.parametrize("updates", [1, 2, 3, 10, 99])
@pytest.mark.parametrize("warmup", [0.0, 0.06, 0.5, 0.99])
def test_no_update_has_a_rate_of_zero_or_above_the_peak(updates: int, warmup: float) -> None:
    rates = [rate_of(step, updates, warmup) for step in range(updates)]
    assert min(rates) > 0 and max(rates) <= 1


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_only_biases_and_norms_do_not_decay(tmp_path: Path, family: str) -> None:
    model = load(tiny.encoder(tiny.make(family, tmp_path / family)), tiny.SIGNS, scratch=False, seed=1).model
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decayed, plain = ({names[id(p)] for p in g["params"]} for g in optimizer_of(model, RECIPE).param_groups)
    spared = {name for name in names.values() if "norm" in name.lower() or name.endswith("bias")}
    assert plain == spared and decayed == set(names.values()) - spared


def test_the_first_update_is_corrected_for_its_bias() -> None:
    model = torch.nn.Linear(2, 1, bias=False)
    model.weight.data = torch.tensor([[1.0, -2.0]])
    model.weight.grad = torch.tensor([[0.5, -4.0]])
    optimizer_of(model, Recipe(learning_rate=0.1, weight_decay=0.01)).step()
    # w (1 - 0.1 * 0.01) - 0.1 m/sqrt(v), and corrected m/sqrt(v) is g/|g| at first: 0.999 - 0.1, -1.998 + 0.1
    torch.testing.assert_close(model.weight.data, torch.tensor([[0.899, -1.898]]))


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain gradient descent: AdamW would make a step of rounding errors where a gradient is zero (key biases)."""
    monkeypatch.setattr(
        training, "optimizer_of", lambda model, recipe: torch.optim.SGD(model.parameters(), lr=recipe.learning_rate)
    )


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """How far two models' weights are from each other, all in all."""
    return sum(float(((one[name] - other[name]).double() ** 2).sum()) for name in one) ** 0.5


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("most", [0.25, 1e6])
def test_the_gradients_norm_is_cut_to_its_maximum_and_no_further(dry: Path, most: float) -> None:
    loaded = load(tiny.encoder(dry), tiny.SIGNS, scratch=False, seed=1)
    before = copy.deepcopy(loaded.model.state_dict())
    recipe = replace(RECIPE, max_steps=1, warmup=0, learning_rate=1.0, max_grad_norm=most)
    log = trained(loaded, "classification", tiny.encode("classification", loaded), recipe)
    assert log[0]["gradient_norm"] > 0.25
    moved = distance(loaded.model.state_dict(), before)
    assert moved == pytest.approx(min(most, log[0]["gradient_norm"]), rel=1e-4)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("kind", ["classification", "tagging", "span"])
def test_a_batch_of_four_is_two_of_two_accumulated(dry: Path, kind: str) -> None:
    def weights(size: int, updates: int) -> dict[str, Tensor]:
        loaded = load(tiny.encoder(dry), tiny.HEADS[kind], scratch=False, seed=1)
        recipe = replace(RECIPE, max_steps=updates, batch_size=size, learning_rate=0.01, max_grad_norm=1e6)
        recipe = replace(recipe, gradient_accumulation=4 // size)
        trained(loaded, kind, tiny.encode(kind, loaded, slice(4)), recipe)
        return loaded.model.state_dict()

    whole, cut, shorter = weights(4, 3), weights(2, 3), weights(4, 2)
    assert max(float((whole[name] - cut[name]).abs().max()) for name in whole) < 1e-6
    assert distance(whole, shorter) > 1e-3


def test_two_runs_of_one_spec_give_the_same_bytes_and_another_seed_gives_others(spec: Spec, tmp_path: Path) -> None:
    first, again, other = (
        bytes_of(run(replace(spec, seed=seed), RunOptions(out=tmp_path / out)).folder)
        for seed, out in ((1, "a"), (1, "b"), (2, "c"))
    )
    assert first == again
    assert not any(one == two for one, two in zip(first, other, strict=True))


def test_a_loss_that_is_no_number_is_a_failed_run_in_one_line(
    spec: Spec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--model", spec.model, "--data", spec.data, "--lr", "1e30", "--max-steps", "5", "--device", "cpu"]
    with pytest.raises(SystemExit) as leaving:
        main(["finetune", "sst2", *flags, "--precision", "fp32", "--out", str(tmp_path / "runs"), "--quiet"])
    said = capsys.readouterr().err.splitlines()
    assert leaving.value.code == 1
    assert len(said) == 1 and re.match(r"Error: update \d failed: the loss is nan \(learning rate ", said[0])
    assert not list(tmp_path.rglob("result.json"))


def test_a_run_leaves_these_files_and_no_others(finished: Finished) -> None:
    assert sorted(path.name for path in finished.folder.iterdir()) == FILES
    assert sorted(path.name for path in (finished.folder / "model").iterdir()) == MODEL_FILES


def test_the_log_has_each_update_once(finished: Finished) -> None:
    updates = [line for line in read_log(finished.folder) if "loss" in line]
    assert [line["step"] for line in updates] == [1, 2, 3, 4, 5]
    assert [line["examples"] for line in updates] == [4, 8, 12, 16, 20]
    assert [line["learning_rate"] for line in updates] == [1e-3 * rate_of(s, 5, 0.1) for s in range(5)]


def test_scores_in_training_come_at_their_updates_and_at_the_end(finished: Finished) -> None:
    scored = [line for line in read_log(finished.folder) if "score" in line]
    assert [line["step"] for line in scored] == [2, 4, 5]
    assert scored[-1]["score"]["dev"]["accuracy"] == finished.result.evaluations[0].metrics["accuracy"].value


def test_the_last_update_is_scored_once_though_eval_every_is_due(spec: Spec, tmp_path: Path) -> None:
    done = run(replace(spec, recipe=replace(RECIPE, max_steps=4), eval_every=2), RunOptions(out=tmp_path / "runs"))
    assert [line["step"] for line in read_log(done.folder) if "score" in line] == [2, 4]


def test_scoring_in_training_changes_nothing(finished: Finished, tmp_path: Path) -> None:
    plain = run(replace(finished.result.spec, eval_every=None), RunOptions(out=tmp_path))
    assert bytes_of(plain.folder) == bytes_of(finished.folder)


def test_every_row_is_predicted_once_in_the_rows_order_with_its_gold(finished: Finished) -> None:
    lines = [json.loads(line) for line in (finished.folder / "predictions.jsonl").read_text("utf-8").splitlines()]
    assert [line["gold"] for line in lines] == [label for _, label in tiny.REVIEWS[:5]]
    assert len({line["row_id"] for line in lines}) == 5
    right = sum(line["gold"] == line["answer"] for line in lines) / 5
    assert finished.result.evaluations[0].metrics["accuracy"].value == pytest.approx(right)


def test_a_finished_run_is_returned_and_nothing_is_written(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(runs, "train")
    before = {path: path.stat().st_mtime_ns for path in finished.folder.rglob("*")}
    again = run(finished.result.spec, RunOptions(out=finished.folder.parent))
    assert again.before and again.result == finished.result
    assert {path: path.stat().st_mtime_ns for path in finished.folder.rglob("*")} == before


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_finished_run_with_a_row_changed_since_is_refused_by_the_splits_name(
    spec: Spec, tmp_path: Path, split: str
) -> None:
    run(spec, RunOptions(out=tmp_path / "runs"))
    path = Path(spec.data) / f"{split}.jsonl"
    path.write_text(path.read_text("utf-8").replace("polite", "police", 1), "utf-8")
    with pytest.raises(RequestError, match=f"the {split} rows changed since .* finished; rerun with --force"):
        run(spec, RunOptions(out=tmp_path / "runs"))


def test_the_old_result_is_kept_until_a_forced_run_has_finished(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = run(spec, RunOptions(out=tmp_path / "runs")).folder
    kept = bytes_of(old)

    def fail(*given: object) -> None:
        raise RunError("the power went")

    monkeypatch.setattr(runs, "train", fail)
    with pytest.raises(RunError):
        run(spec, RunOptions(out=tmp_path / "runs", force=True))
    results = list((tmp_path / "runs").rglob("result.json"))
    assert [bytes_of(path.parent) for path in results] == [kept]


def test_a_run_that_trains_in_bf16_predicts_in_fp32_and_keeps_fp32(spec: Spec, tmp_path: Path) -> None:
    done = run(replace(spec, precision="bf16"), RunOptions(out=tmp_path / "runs"))
    lines = [json.loads(line) for line in (done.folder / "predictions.jsonl").read_text("utf-8").splitlines()]
    loaded = load_trained(done.folder / "model", tiny.SIGNS)
    rows = {"text": [text for text, _ in tiny.REVIEWS[:5]]}
    features = tiny.SIGNS.encode(rows, loaded.tokenizer, RECIPE.window)
    logits = tiny.predict("classification", loaded, features)
    expected = torch.tensor(logits.values).double().softmax(1)[:, 1].tolist()
    assert [line["scores"]["positive"] for line in lines] == pytest.approx(expected, abs=1e-6)
    assert {w.dtype for w in load_file(done.folder / "model" / "model.safetensors").values()} == {torch.float32}
