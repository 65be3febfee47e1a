"""A pretraining run that was stopped after a few updates: its kept models, log and spec, made by transformers alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tiny
import torch
import transformers
from files import json_lines, write

from bertkit.files import write_json
from bertkit.objectives import Objective
from bertkit.objectives.masked import Masked
from bertkit.pretraining import PRETRAINING, Budget, Corpus, PretrainSpec
from bertkit.runs.kept_models import kept_in
from bertkit.spec import to_plain

TOKENS = 256
"""Tokens of an update, as the log says."""


def run_of(folder: Path, steps: Sequence[int] = (0, 10, 40), objective: Objective | None = None) -> Path:
    """`folder`, holding a run of 40 updates that keeps its models after `steps`, a tiny BERT's on tiny.SENTENCES.

    The untrained model gives one answer to every mask: its weights are 0, but for the bias of ",".
    """
    tokenizer = tiny.tokenizer_of("bert")
    transformers.set_seed(2)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer), max_position_embeddings=32, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, **tiny.SHAPE,
    )  # fmt: skip
    model = transformers.BertForMaskedLM(config).eval()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(max(steps, default=0) + 1):
        if step in steps:
            _save(constant(config, tokenizer) if step == 0 else model, tokenizer, folder / "kept" / f"step-{step:09d}")
        _update(model, tokenizer, optimizer, step)
    lines = [{"step": step, "tokens": TOKENS * step, "loss": 1.0} for step in range(1, 41)]
    write(folder / "log.jsonl", json_lines(*lines, {"step": 40, "held_out": {"loss": 1.0}}))
    spec = PretrainSpec(
        corpus=Corpus(paths=("books",)), objective=objective or Masked(), budget=Budget(unit="steps", amount=40),
        max_length=16, keep="log", architecture="bert" if objective is None else "gpt2",
    )  # fmt: skip
    write_json(folder / "spec.json", {PRETRAINING: to_plain(spec), "updates": 40})
    write(folder / "result.json", "{}")
    return folder


def constant(config: Any, tokenizer: Any) -> Any:
    """A model that gives "," for every mask."""
    model = transformers.BertForMaskedLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.cls.predictions.bias[tokenizer.convert_tokens_to_ids(",")] = 1.0
    return model


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _update(model: Any, tokenizer: Any, optimizer: Any, step: int) -> None:
    """One update on the sentences, every fourth token masked, a different one at each step."""
    batch = tokenizer([text for text, _ in tiny.SENTENCES], return_tensors="pt", padding=True)
    targets = batch["input_ids"].clone()
    masked = (torch.arange(targets.shape[1]) + step) % 4 == 0
    batch["input_ids"][:, masked] = tokenizer.mask_token_id
    loss = torch.nn.functional.cross_entropy(model(**batch).logits.flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def last(run: Path) -> Path:
    """The folder of the last kept model."""
    return kept_in(run)[-1][1]


def read(path: Path) -> Any:
    """What a JSON file holds."""
    return json.loads(path.read_text("utf-8"))
