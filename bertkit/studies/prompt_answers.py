"""What a causal language model answers in context: log-likelihoods of the labels' words after the prompts of each draw.

R rows, C labels, E prompts that say nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from bertkit.data.cache import cached
from bertkit.data.prompts import PromptReader, cut_texts, draw_examples
from bertkit.data.rows import Rows
from bertkit.data.splits import read_splits
from bertkit.encoders import Encoder
from bertkit.errors import RequestError
from bertkit.evaluation.likelihoods import likelihoods
from bertkit.models.digests import digests_of
from bertkit.models.forward import fit_window, positions
from bertkit.models.language import load_language_model
from bertkit.models.load import Loaded, fetch
from bertkit.progress import Progress
from bertkit.request.prompting_flags import Prompting
from bertkit.runs.prepare import typed_length
from bertkit.spec import Spec

VERSION = 1
"""Of the likelihoods; increase it when they change, so that they are computed again."""

Table = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The prompts of one draw, as tokens.

    examples  their places among the train rows
    shared    what all prompts begin with; `asked` (R) what follows for each row, `empty` (E) for texts that say nothing
    """

    shots: int
    draw: int
    examples: tuple[int, ...]
    shared: list[int]
    asked: list[list[int]]
    empty: list[list[int]]


@dataclass(frozen=True, kw_only=True)
class Likelihoods:
    """Natural logs of the probabilities of the labels' words: after prompts (R, C), and after empty ones (E, C)."""

    shots: int
    draw: int
    examples: tuple[int, ...]
    rows: Table
    empty: Table

    def answers(self, tokens: Sequence[int], calibrated: bool) -> Indices:
        """(R,) the label that each row is answered with, of words of so many tokens: the first of equal ones.

        Per token (Brown et al. 2020, section 2.4). Calibrated, its share among the labels is divided by its mean share
        after empty prompts (Zhao et al. 2021, section 5).
        """
        shares = softmax(self.rows / np.asarray(tokens), axis=1)
        if calibrated:
            shares = shares / softmax(self.empty / np.asarray(tokens), axis=1).mean(0)
        found: Indices = shares.argmax(1)
        return found


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The likelihoods of every draw, and what they are of.

    words    how the labels are written, by name; `tokens` of each
    longest  tokens of the longest prompt of each number of shots; `window` those that the model reads at most
    """

    evaluation: str
    words: dict[str, str]
    tokens: tuple[int, ...]
    draws: tuple[Likelihoods, ...]
    longest: dict[int, int]
    window: int | None


def answered(spec: Spec, encoder: Encoder, asked: Prompting, device: torch.device, progress: Progress) -> Answered:
    """The likelihoods of every draw of examples on the rows of the task's first evaluation; from the cache if there.

    Raises RequestError before anything is computed if prompts do not fit the window, or a label has no token.
    """
    splits = read_splits(spec)
    assert splits.train
    if splits.train.carved:
        raise RequestError(
            f"{spec.task.name}: it has no train rows of its own to draw examples from: add a train split"
        )
    loaded = load_language_model(encoder, ("causal",))
    fit_window(spec.recipe.window, loaded.model.config, typed_length(spec))
    there = [one for one in spec.task.scored if isinstance(splits.evaluations[one.name], Rows)]
    scored = next((one for one in there if not one.at_end), there[0])
    rows = splits.evaluations[scored.name]
    assert isinstance(rows, Rows)
    words = asked.words_of(splits.head.label_names)
    reader = PromptReader(asked.template, loaded.tokenizer, words)
    cutter = _Cutter(reader, loaded, spec.recipe.window.max_length)
    drawn = _drawn(spec.seed, asked, cutter, splits.train, rows)
    window = positions(loaded.model.config)
    longest = {one.shots: 0 for one in drawn}
    for one in drawn:
        longest[one.shots] = max(longest[one.shots], _longest(one, reader))
    _check_window(longest, window, encoder.name, spec.recipe.window.max_length)
    loaded.model.to(device).eval()
    digests = digests_of(fetch(encoder, weights=True)[0], scratch=False)
    found = [_likelihoods(one, reader, loaded, [VERSION, *digests.values(), device.type], progress) for one in drawn]
    return Answered(
        evaluation=scored.name, words=words, tokens=tuple(map(len, reader.labels)), draws=tuple(found),
        longest=longest, window=window,
    )  # fmt: skip


@dataclass(frozen=True)
class _Cutter:
    """Reads rows as prompts, their texts cut to so many tokens."""

    reader: PromptReader
    loaded: Loaded
    most: int

    def texts(self, rows: Rows, which: Sequence[int] | None = None) -> list[tuple[str, ...]]:
        """The texts of all rows, or of some."""
        columns = rows.table[:] if which is None else rows.table[list(which)]
        return cut_texts(columns, self.reader.template.pair, self.loaded.tokenizer, self.most)


def _drawn(seed: int, asked: Prompting, cutter: _Cutter, train: Rows, rows: Rows) -> list[Drawn]:
    golds, labels, reader = train.table["label"], list(cutter.reader.words), cutter.reader
    texts, found = cutter.texts(rows), []
    for shots in asked.shots:
        asks, empty = reader.asked(texts, bool(shots)), reader.content_free(bool(shots))
        for draw in range(1, 1 + (asked.draws if shots else 1)):
            examples = draw_examples(golds, labels, shots, seed, draw)
            shared = reader.examples(cutter.texts(train, examples) if shots else [], [golds[row] for row in examples])
            found.append(
                Drawn(shots=shots, draw=draw, examples=tuple(examples), shared=shared, asked=asks, empty=empty)
            )
    return found


def _longest(drawn: Drawn, reader: PromptReader) -> int:
    """Tokens of the longest prompt with the longest words for a label."""
    return len(drawn.shared) + max(map(len, [*drawn.asked, *drawn.empty])) + max(map(len, reader.labels))


def _check_window(longest: dict[int, int], window: int | None, name: str, most: int) -> None:
    for shots, tokens in longest.items():
        if window is not None and tokens > window:
            raise RequestError(
                f"--shots {shots}: a prompt has {tokens:,} tokens, and {name} reads {window:,} at most: ask for fewer "
                f"shots, or cut each row's texts below {most} tokens with --max-length"
            )


def _likelihoods(
    drawn: Drawn, reader: PromptReader, loaded: Loaded, made_of: list[object], progress: Progress
) -> Likelihoods:
    content = json.dumps([*made_of, drawn.shared, drawn.asked, drawn.empty, reader.labels])
    named = f"{drawn.shots} shots, draw {drawn.draw}" if drawn.shots else "0 shots"
    progress.phase(named, len(drawn.asked) + len(drawn.empty))

    def make(folder: Path) -> None:
        both = [*drawn.asked, *drawn.empty]
        np.save(folder / "logs.npy", likelihoods(loaded.model, drawn.shared, both, reader.labels, progress))

    logs = cached(
        "prompting", hashlib.sha256(content.encode()).hexdigest(), make, lambda one: np.load(one / "logs.npy")
    )
    rows, empty = np.split(logs, [len(drawn.asked)])
    return Likelihoods(shots=drawn.shots, draw=drawn.draw, examples=drawn.examples, rows=rows, empty=empty)
