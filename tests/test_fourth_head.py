"""A fourth head from this file alone: it trains, resumes, is evaluated and predicts, and nothing else is touched.

Two texts -> a score with how sure it is: two outputs, a mean and the log of a variance, trained by the Gaussian's
negative log-likelihood (Kendall and Gal 2017, equation 8).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
import tiny
import torch
from files import json_lines, write
from torch import Tensor

from bertkit import registry
from bertkit.cli import main
from bertkit.heads import Answer, Head, Row, Window, checks
from bertkit.heads.features import Features, Ragged, token_inputs
from bertkit.runs.folder import read_spec
from bertkit.sources import Source
from bertkit.task import Evaluation, Recipe, Task
from bertkit.training.update import Updater


@dataclass(frozen=True, kw_only=True)
class SureScore(Head):
    """A number for two texts, with its standard deviation."""

    labels: tuple[str, ...] = ("mean", "log variance")
    kind: Literal["sure score"] = "sure score"

    @property
    def roles(self) -> tuple[str, ...]:
        return ("text", "text_pair", "score")

    @property
    def auto_model(self) -> str:
        return "AutoModelForSequenceClassification"

    def schema(self) -> dict[str, Any]:
        import pyarrow as pa

        return {"text": pa.string(), "text_pair": pa.string(), "score": pa.float64()}

    def check(self, where: str, values: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
        texts = {role: checks.text(where, role, values[role]) for role in ("text", "text_pair")}
        gold = checks.number(where, values["score"], -10, 10) if "score" in values else None
        return {**texts, "score": gold}

    def gold(self, row: Row) -> float:
        return float(row["score"])

    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        import numpy as np

        texts = [list(rows["text"]), list(rows["text_pair"])]
        encoding = tokenizer(*texts, truncation=True, max_length=window.max_length, return_attention_mask=False)
        golds = rows.get("score")
        return Features(
            row=np.arange(len(texts[0])),
            inputs=token_inputs(encoding),
            targets=Ragged.of([[gold] for gold in golds], "float32") if golds else None,
            cut=np.zeros(len(texts[0]), bool),
        )

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        return [
            Answer(value=float(mean), scores={"sd": math.exp(float(log_variance) / 2)})
            for mean, log_variance in logits.values
        ]

    def configure(self, config: Any) -> None:
        config.num_labels = 2

    def loss(self, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        assert logits.dtype == torch.float32
        variance = logits[:, 1].exp()
        return torch.nn.functional.gaussian_nll_loss(logits[:, 0], targets[:, 0], variance, reduction="sum")


if TYPE_CHECKING:
    assert SureScore()  # nothing abstract is left

TASK = Task(
    name="surescore",
    about="two texts -> how alike they are, and how sure that is",
    head=SureScore(),
    source=Source(columns={"text": ("first",), "text_pair": ("second",), "score": ("score",)}),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("pearson",)),),
    recipe=Recipe(epochs=2, batch_size=4, learning_rate=1e-3),
)
ROWS = [
    {"first": a, "second": b, "score": float(a.split()[0] == b.split()[0])}
    for a in ("the food was fine", "a dull film", "the staff stayed late")
    for b in ("the room was clean", "a quiet street", "the soup was cold", "a long walk")
]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`finetune surescore` on the rows above, in an empty folder, its task brought by a pack."""
    pack = registry.Pack(name="test", tasks=(TASK,), suites=(), samples=tmp_path / "none")
    packs = (*registry.packs(), pack)
    monkeypatch.setattr(registry, "packs", lambda: packs)
    monkeypatch.chdir(tmp_path)
    for split in ("train", "dev"):
        write(tmp_path / "rows" / f"{split}.jsonl", json_lines(*ROWS))
    model = str(tiny.make("bert", tmp_path / "tiny"))
    return f"finetune surescore --data rows --model {model} --device cpu --save-every 1 --quiet --json".split()


def said(capsys: pytest.CaptureFixture[str], *typed: str) -> Any:
    """What `bertkit TYPED` printed as JSON."""
    with pytest.raises(SystemExit) as leaving:
        main(list(typed))
    printed = capsys.readouterr()
    assert leaving.value.code == 0, printed.err
    return json.loads(printed.out)


@pytest.mark.parametrize("flags", [(), ("--precision", "bf16"), ("--layout", "padded")])
def test_it_trains_and_is_scored(asked: list[str], capsys: pytest.CaptureFixture[str], flags: tuple[str, ...]) -> None:
    result = said(capsys, *asked, *flags)
    assert result["training"]["steps"] == 6  # 12 rows by 4, twice
    assert -1 <= result["evaluations"][0]["metrics"]["pearson"]["value"] <= 1


def test_it_is_resumed_to_the_same_bytes_evaluated_again_and_predicts(
    asked: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path(said(capsys, *asked, "--out", "whole")["folder"])
    plain, calls = Updater.backward, [0]

    def stopped(loop: Updater, *given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == 4:
            raise KeyboardInterrupt
        return plain(loop, *given, **named)

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(Updater, "backward", stopped)
        main([*asked, "--out", "parts"])
    capsys.readouterr()
    (parts,) = Path("parts").iterdir()
    assert read_spec(parts).task.head == SureScore()
    said(capsys, "resume", str(parts), "--json", "--quiet")
    for name in ("model/model.safetensors", "predictions.jsonl"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    result = json.loads((whole / "result.json").read_text())
    again = said(capsys, "eval", str(parts), "--json", "--quiet")
    assert again["evaluations"][0]["metrics"]["pearson"] == result["evaluations"][0]["metrics"]["pearson"]
    answer = said(capsys, "predict", str(parts), "the food was fine", "--pair", "a long walk", "--json", "--quiet")
    line = next(one for one in map(json.loads, (parts / "predictions.jsonl").read_text().splitlines()))
    assert (math.isfinite(answer["answer"]), set(answer["scores"])) == (True, set(line["scores"]))


def test_a_spec_whose_head_no_pack_has_is_refused_by_its_name(tmp_path: Path) -> None:
    from bertkit.spec import Spec, to_plain

    plain = to_plain(Spec(task=TASK, model="m"))
    plain["task"]["head"]["kind"] = "sixth"
    write(tmp_path / "spec.json", json.dumps(plain))
    with pytest.raises(Exception, match="no head is called 'sixth'"):
        read_spec(tmp_path)
