"""The embryology of a masked language model: which words, and which of its layers know what, at each kept model.

After Chiang, Huang and Lee 2020 (arXiv 2010.02480), whose models were kept over pretraining too. Their probes are edge
probes, and their words OntoNotes'; here they are linear probes and the words of any UD treebank.

K kept models, W words, S sentences.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from accelerate import Accelerator
from numpy.typing import NDArray

from bertkit.analysis.checkpoints import PARTS, KeptModel, KeptRun, Parts
from bertkit.analysis.emergence import Answers
from bertkit.analysis.masked_words import from_digits, load_masked, measure_words
from bertkit.analysis.probes import ProbeRows, measure_probes
from bertkit.analysis.treebank import UPOS, SampledWords, Treebank, read_treebank, sample_sentences, sample_words
from bertkit.analysis.word_tokens import WordTokens, best_constant, constant_right, shares_by_tag, word_tokens
from bertkit.machine.devices import accelerator as make_accelerator
from bertkit.models.forward import positions
from bertkit.models.load import Loaded
from bertkit.progress import Progress
from bertkit.request.embryology_flags import SENTENCES, WORDS
from bertkit.spec import Device, Spec

VERSION = 1
"""Of how words and probes are measured; increase it when that changes, so that they are measured again."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many words are asked for, and how many sentences probes are trained and scored on; 0 is no probes."""

    words: int = WORDS
    sentences: int = SENTENCES


@dataclass(frozen=True, kw_only=True)
class Words:
    """Which of W words each of K models fills in, and which it gives back unmasked.

    fill, whole  (K, W)
    said         for each model the token that it gives for most masks, and the share of the masks that get it
    """

    sampled: SampledWords
    tokens: WordTokens
    names: Sequence[str]
    fill: Flags
    whole: Flags
    said: tuple[tuple[int, float], ...]

    def constant(self, token: int) -> dict[str, float]:
        """The share of the words of each part of speech that are right if this token is always given."""
        return shares_by_tag(constant_right(self.tokens, token), self.sampled)

    @cached_property
    def best(self) -> int:
        """The token that, always given, is right for the most words of the treebank."""
        return best_constant(self.tokens, self.sampled.weights)

    @cached_property
    def own(self) -> dict[str, tuple[str, float]]:
        """For each part of speech the token that is right for most of its words, and their share."""
        found = {}
        for tag in np.unique(self.sampled.tag):
            of = self.sampled.tag == tag
            token = best_constant(self.tokens, of.astype(float))
            share = float(constant_right(self.tokens, token)[of].mean())
            found[UPOS[tag]] = (self.named(token), share)
        return found

    def named(self, token: int) -> str:
        """A token as text."""
        return self.names[token] if token >= 0 else ""

    def answers(self, right: Flags, seen: NDArray[np.float64]) -> Answers:
        """`right`, (K, W), by part of speech and sentence; the K models have `seen` so many tokens."""
        tags, tag = np.unique(self.sampled.tag, return_inverse=True)
        sentences = len(self.sampled.sentences)
        cell = self.sampled.sentence * len(tags) + tag
        shape = (sentences, len(tags))
        sums = [np.bincount(cell, one, sentences * len(tags)).reshape(shape) for one in right]
        names = tuple(UPOS[one] for one in tags)
        count = np.bincount(cell, minlength=sentences * len(tags)).reshape(shape).astype(float)
        there = np.array([self.sampled.there[name] for name in names], float)
        return Answers(
            tokens=seen, names=names, right=np.stack(sums, axis=-1), count=count, weights=there / count.sum(0)
        )


@dataclass(frozen=True, kw_only=True)
class Probes:
    """How many words of each sentence the probe of each layer tags right, in each of K models.

    right  (S, L + 1, K) for layers 0, the embeddings, to L
    count  (S,) words of each sentence
    majority  the share of the commonest part of speech
    """

    right: NDArray[np.float64]
    count: NDArray[np.float64]
    majority: float

    def answers(self, seen: NDArray[np.float64]) -> Answers:
        """As Answers, whose classes are the layers."""
        layers = self.right.shape[1]
        count = np.repeat(self.count[:, None], layers, axis=1)
        names = tuple(str(layer) for layer in range(layers))
        return Answers(tokens=seen, names=names, right=self.right, count=count, weights=np.ones(layers))


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured of K models: words and, where the treebank has train rows and they are wanted, probes."""

    treebank: Treebank
    words: Words
    probes: Probes | None


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What every model is asked."""

    run: KeptRun
    spec: Spec
    treebank: Treebank
    sampled: SampledWords
    rows: ProbeRows | None
    accelerator: Accelerator

    def loaded(self, model: KeptModel) -> Loaded:
        """One of the models."""
        return load_masked(model.folder, self.spec.task.head)

    def room(self, loaded: Loaded) -> int:
        """Tokens of a sentence at most: those that the model was trained with."""
        return min(self.run.spec.max_length, positions(loaded.model.config) or self.run.spec.max_length)


def measure(run: KeptRun, spec: Spec, sizes: Sizes, device: Device, progress: Progress) -> Measured:
    """Measure every kept model of a run on the treebank of `spec`; what was measured before is read.

    Raises DataError for a treebank that cannot be read or has no UPOS, EncoderError for a damaged model.
    """
    treebank = read_treebank(spec, training=sizes.sentences > 0)
    sampled, rows = sample_words(treebank.scored, sizes.words), None
    if treebank.train is not None:
        train, scored = (sample_sentences(one, sizes.sentences) for one in (treebank.train, treebank.scored))
        rows = ProbeRows(train=train, scored=scored)
    elif sizes.sentences:
        progress.note(f"{treebank.name} has no train rows: no probes")
    asked = _Asked(
        run=run, spec=spec, treebank=treebank, sampled=sampled, rows=rows,
        accelerator=make_accelerator(device, "fp32"),
    )  # fmt: skip
    first = asked.loaded(run.models[0])
    tokens = word_tokens(sampled, first.tokenizer, asked.room(first))
    words = _words(asked, tokens, sizes.words, progress)
    names = first.tokenizer.convert_ids_to_tokens(list(range(len(first.tokenizer))))
    said = tuple((one["said"]["token"], one["said"]["share"]) for one in words)
    return Measured(
        treebank=treebank,
        words=Words(
            sampled=sampled, tokens=tokens, names=names, said=said,
            fill=np.stack([from_digits(one["fill"]) for one in words]),
            whole=np.stack([from_digits(one["whole"]) for one in words]),
        ),
        probes=_probes(asked, sizes.sentences, progress) if rows else None,
    )  # fmt: skip


def _words(asked: _Asked, tokens: WordTokens, most: int, progress: Progress) -> list[dict[str, Any]]:
    features = len(tokens.masked.features) + len(tokens.whole.features)
    progress.phase("masking words", len(asked.run.models) * features)
    parts = _parts(asked, "words", [asked.treebank.scored.digest, most])

    def made(model: KeptModel) -> dict[str, Any]:
        return measure_words(asked.loaded(model), tokens, asked.accelerator, progress)

    return [parts.of(model, partial(made, model), progress) for model in asked.run.models]


def _probes(asked: _Asked, most: int, progress: Progress) -> Probes:
    rows, train = asked.rows, asked.treebank.train
    assert rows is not None and train is not None
    parts = _parts(asked, "probes", [asked.treebank.scored.digest, train.digest, most])
    progress.phase("probing layers", len(asked.run.models) * (asked.run.spec.shape.layers + 1))

    def made(model: KeptModel) -> dict[str, Any]:
        loaded = asked.loaded(model)
        return measure_probes(loaded, rows, asked.room(loaded), asked.accelerator, progress)

    found = [parts.of(model, partial(made, model), progress) for model in asked.run.models]
    tags = [codes[codes >= 0] for codes in rows.scored.tags]
    every = np.bincount(np.concatenate(tags), minlength=1)
    return Probes(
        right=np.stack([np.array(one["right"], float).T for one in found], axis=-1),
        count=np.array([len(codes) for codes in tags], float),
        majority=float(every.max() / every.sum()),
    )


def _parts(asked: _Asked, kind: str, made_of: list[Any]) -> Parts:
    """Where the parts of this kind are kept: a folder whose name has a digest of what they are made of."""
    key = hashlib.sha256(repr([VERSION, asked.run.spec.max_length, *made_of]).encode()).hexdigest()[:8]
    return Parts(folder=asked.run.folder / PARTS / f"{kind}-{asked.treebank.name}-{key}")
