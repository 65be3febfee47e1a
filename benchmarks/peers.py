"""The alternatives to bertkit: transformers' Trainer and pipeline, each run in turns."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from transformers import Trainer, TrainerCallback, TrainingArguments

from benchmarks.turns import Enough, Job, Turns, serve, tell

BATCHES = (1, 8, 32, 64, 128)
"""The batch sizes from which a pipeline's best is chosen."""
SLICE = 256

datasets.disable_progress_bars()


def train(job: Job) -> None:
    """`Trainer.train()` on the features written for it, stopped after the last turn."""
    turns, counts = Turns(job["born"]), _Counts()
    tokenizer = transformers.AutoTokenizer.from_pretrained(job["encoder"])
    labels = {"num_labels": len(job["labels"])} if job["labels"] else {}
    model = getattr(transformers, job["auto_model"]).from_pretrained(job["encoder"], **labels)
    assert model.dtype == torch.float32
    trainer = _trainer(job, turns, counts, model, tokenizer, _collator(job, tokenizer))
    try:
        trainer.train()
    except Enough:
        _report(turns, counts, trainer)


def pretrain(job: Job) -> None:
    """`Trainer.train()` by masked words as run_mlm.py has it: a new model, masked by its collator."""
    turns, counts = Turns(job["born"]), _Counts()
    tokenizer = transformers.AutoTokenizer.from_pretrained(job["model"])
    config = transformers.AutoConfig.from_pretrained(job["model"])
    if job["dropout"] is not None:
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = job["dropout"]
    model = transformers.AutoModelForMaskedLM.from_config(config)
    masking = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=job["probability"])
    trainer = _trainer(job, turns, counts, model, tokenizer, masking)
    try:
        trainer.train()
    except Enough:
        _report(turns, counts, trainer)


def _trainer(job: Job, turns: Turns, counts: _Counts, model: Any, tokenizer: Any, collator: Any) -> Trainer:
    """A Trainer on the features of `job`, which is paused between its turns."""
    arguments = TrainingArguments(
        output_dir=job["out"],
        per_device_train_batch_size=job["batch_size"],
        learning_rate=job.get("learning_rate", 5e-5),
        max_steps=job["updates"],
        max_grad_norm=1.0,
        report_to="none",
        logging_strategy="no",
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        **job["arguments"],
    )
    return _Counting(
        counts,
        model=model,
        args=arguments,
        train_dataset=datasets.load_from_disk(job["features"]),
        processing_class=tokenizer,
        data_collator=collator,
        callbacks=[_Waiting(turns, counts)],
    )


def _report(turns: Turns, counts: _Counts, trainer: Trainer) -> None:
    tokens = [int(count) for count in counts.tokens]
    tell({**turns.report(tokens), "precision": "bf16" if trainer.args.bf16 else "fp32"})


def _collator(job: Job, tokenizer: Any) -> Any:
    """The collator that run_glue.py, run_ner.py and run_qa.py use."""
    if job["kind"] == "tagging":
        return transformers.DataCollatorForTokenClassification(tokenizer)
    return transformers.default_data_collator if job["padded"] else transformers.DataCollatorWithPadding(tokenizer)


@dataclass
class _Counts:
    """Of each step: the loss, the real tokens, the examples."""

    losses: list[torch.Tensor] = field(default_factory=list)
    tokens: list[torch.Tensor] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)


class _Counting(Trainer):  # type: ignore[misc]  # transformers has no types
    """A Trainer that counts its steps."""

    def __init__(self, counts: _Counts, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.counts = counts

    def training_step(self, model: Any, inputs: dict[str, torch.Tensor], *rest: Any, **named: Any) -> torch.Tensor:
        """One step, counted."""
        self.counts.examples.append(len(inputs["input_ids"]))
        self.counts.tokens.append(inputs["attention_mask"].sum())
        loss: torch.Tensor = super().training_step(model, inputs, *rest, **named)
        self.counts.losses.append(loss)
        return loss


class _Waiting(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Pauses a Trainer between its turns."""

    def __init__(self, turns: Turns, counts: _Counts) -> None:
        self.turns = turns
        self.counts = counts

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Wait for the first turn before training."""
        self.turns.wait()

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Count an update as a step."""
        self.turns.step(self.counts.examples[-1], self.counts.losses[-1])


def answer(job: Job) -> None:
    """The answers of `pipeline("text-classification")` to a list of texts, in batches of one, or of the best size."""
    rows: list[Any] = [json.loads(line) for line in Path(job["rows"]).read_text("utf-8").splitlines()]
    if "text_pair" not in rows[0]:
        rows = [row["text"] for row in rows]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    pipe = transformers.pipeline("text-classification", model=job["model"], tokenizer=job["model"], device=device)
    assert pipe.model.dtype == torch.float32
    cut = {"truncation": True, "max_length": job["max_length"]}
    tried: dict[int, float] = {}
    for size in BATCHES if job["best"] else ():
        pipe(rows[:size], batch_size=size, **cut)
        began = time.perf_counter()
        pipe(rows[:SLICE], batch_size=size, **cut)
        tried[size] = time.perf_counter() - began
    size = min(tried, key=lambda size: tried[size]) if tried else 1
    facts = {"batch_size": size, "tried_seconds": tried}
    serve(job, lambda: [str(found["label"]) for found in pipe(rows, batch_size=size, **cut)], facts)
