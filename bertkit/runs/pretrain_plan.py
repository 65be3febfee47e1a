"""`pretrain --dry-run`: what a budget buys on this machine, and how long BERT's own training would take on it."""

from __future__ import annotations

import resource
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import transformers

from bertkit.data.corpus import corpus_text
from bertkit.heads.features import IGNORED, Features, Ragged
from bertkit.machine.devices import accelerator as make_accelerator
from bertkit.machine.signals import Stop
from bertkit.models.language_model import LanguageModel
from bertkit.models.load import Loaded
from bertkit.models.shapes import fresh
from bertkit.pretraining import PretrainSpec
from bertkit.progress import Progress
from bertkit.runs.failures import describing_failures, room, size
from bertkit.runs.lock import check_out
from bertkit.runs.pretrain import kept_updates, measuring_time, session_for
from bertkit.runs.pretrain_claim import PretrainClaim, resolved_pretrain
from bertkit.runs.pretrain_model import PretrainParts, padded_layout, parts_of
from bertkit.runs.timing import clock
from bertkit.spec import RunOptions
from bertkit.task import Recipe
from bertkit.training.budget import Pace, Timing, time_pace, updates_of

BERT_UPDATES, BERT_TOKENS = 1_000_000, 256 * 512
"""Devlin et al. (2019), appendix A.2: updates, and tokens of a batch."""
BERT_ROWS, BERT_LENGTH, BERT_SIZE = 4, 128, 30_522
"""Rows and tokens of the few updates of BERT-base that are timed, and its vocabulary."""


@dataclass(frozen=True, kw_only=True)
class PretrainPlan:
    """What a pretraining run would come to.

    updates, tokens, epochs  that its budget buys; `rows` are those of the train text
    seconds                  of the updates, and of measuring held-out text
    memory, disk             bytes at most
    rate, bert_rate          tokens a second: of this run's model, and of BERT-base
    """

    corpus: tuple[str, ...]
    parameters: int
    vocabulary: int
    rows: int
    updates: int
    tokens: int
    epochs: float
    seconds: float
    measuring: float
    memory: int
    disk: int
    rate: float
    bert_rate: float
    timed: int
    notes: tuple[str, ...] = field(default=())

    @property
    def bert_seconds(self) -> float:
        """How long BERT-base's own updates would take on this machine."""
        return BERT_UPDATES * BERT_TOKENS / self.bert_rate

    @property
    def lines(self) -> list[str]:
        """The plan for 80 columns."""
        years = self.bert_seconds / (365.25 * 86_400)
        epochs = f"{self.epochs:.2g}" if self.epochs < 10 else f"{self.epochs:,.0f}"
        return [
            *self.corpus,
            f"model    {self.parameters:,} parameters, {self.vocabulary:,} tokens in its vocabulary",
            f"updates  {self.updates:,}: {self.tokens:,} tokens, {epochs} epochs of {self.rows:,} rows",
            f"time     about {clock(self.seconds + self.measuring)} on this machine, {self.rate:,.0f} tokens/s, from",
            f"         {self.timed} timed updates; measuring held-out text {clock(self.measuring)} of it",
            f"memory   up to {size(self.memory)}",
            f"disk     up to {size(self.disk)}",
            f"BERT     BERT-base trains at {self.bert_rate:,.0f} tokens/s here: its million updates of {BERT_TOKENS:,}",
            f"         tokens (Devlin et al. 2019) would take {years:,.0f} years; its authors took 4 days on",
            "         4 to 16 Cloud TPUs (github.com/google-research/bert)",
            *self.notes,
        ]

    @property
    def plain(self) -> dict[str, Any]:
        """The plan for JSON."""
        return {**vars(self), "bert_seconds": self.bert_seconds}


def pretrain_plan(spec: PretrainSpec, options: RunOptions, progress: Progress) -> PretrainPlan:
    """What this run would come to, by timing a few of its updates. Nothing is written in `options.out`.

    The text is read and tokenised, which the cache keeps. Raises as a run does.
    """
    check_out(options.out)
    with describing_failures(options.out, lambda: ""):
        return _plan(resolved_pretrain(spec), options, progress)


def _plan(spec: PretrainSpec, options: RunOptions, progress: Progress) -> PretrainPlan:
    run = PretrainClaim(
        spec=spec, folder=options.out / spec.folder_name, options=options, progress=progress, stop=Stop(),
        accelerator=make_accelerator(spec.device, spec.precision),
        text=corpus_text(spec.corpus, progress, spec.objective.held_out_documents),
        located=spec, updates=None, result=None, state=None,
    )  # fmt: skip
    parts = parts_of(run)
    tokens = spec.tokens_an_update
    pace = time_pace(parts.model, parts.train, spec.recipe(10**6), session_for(run))
    measuring = measuring_time(run, parts)
    updates = updates_of(spec.budget, tokens, pace, measuring)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    bert = _bert_pace(run, parts)
    parameters, kept = parts.model.loaded.record["parameters"], len(kept_updates(spec, updates))
    return PretrainPlan(
        corpus=tuple(run.text.counts.lines), parameters=parameters, vocabulary=parts.model.loaded.record["vocabulary"],
        rows=len(parts.train), updates=updates, tokens=updates * tokens,
        epochs=updates * spec.batch_size * spec.gradient_accumulation / len(parts.train),
        seconds=updates * pace.update, measuring=measuring.of(updates), memory=memory,
        disk=room(4 * parameters, 0, kept),
        rate=tokens / pace.update, bert_rate=BERT_ROWS * BERT_LENGTH / bert.update, timed=pace.timed,
        notes=("time is that of one process",) if spec.processes > 1 else (),
    )  # fmt: skip


class _Fixed:
    """Rows of random tokens, 15 % of them masked, as BERT's are: a FeatureSource."""

    def __len__(self) -> int:
        return 10**6

    def lengths_of(self, features: Any) -> Any:
        """All of one length."""
        return np.full(len(features), BERT_LENGTH, np.int64)

    def take(self, features: Any, epoch: int = 0) -> Features:
        """These rows."""
        draws = np.random.default_rng(0)
        ids = draws.integers(1_000, BERT_SIZE, (len(features), BERT_LENGTH)).astype(np.int32)
        targets = np.where(draws.random(ids.shape) < 0.15, ids, IGNORED).astype(np.int32)
        return Features(
            row=np.asarray(features),
            inputs={"input_ids": Ragged.of(list(ids), "int32")},
            targets=Ragged.of(list(targets), "int32"),
            cut=np.zeros(len(features), np.bool_),
        )


def _bert_pace(run: PretrainClaim, parts: PretrainParts) -> Pace:
    """The pace of BERT-base, in this run's precision."""
    config = transformers.BertConfig(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    network = fresh("BertForMaskedLM", config, 0)
    loaded = Loaded(model=network, tokenizer=parts.model.loaded.tokenizer, record={})
    layout = padded_layout(network, run.accelerator)
    model = LanguageModel(loaded=loaded, layout=layout, accelerator=run.accelerator)
    recipe = Recipe(max_steps=10**6, batch_size=BERT_ROWS, order="random")
    return time_pace(model, _Fixed(), recipe, session_for(run), Timing(warming=1, least=1, patience=5.0))
