"""Everything that decides a pretraining run's result, in one frozen value, and the values it is made of. Light."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bertkit.errors import RequestError
from bertkit.objectives import Objective
from bertkit.objectives.base import Architecture
from bertkit.spec import SPEC_FILE, Device, Precision, to_plain
from bertkit.task import Recipe

DocumentKind = Literal["auto", "blank-lines", "file", "row"]
VocabularyKind = Literal["wordpiece", "bpe", "unigram", "characters"]
Start = Literal["bert", "fast"]
Keep = Literal["log", "none"]

PRETRAINING = "pretraining"
"""The key of spec.json that holds a PretrainSpec."""


def is_pretraining(folder: Path) -> bool:
    """Whether a folder is that of a pretraining run, by its spec.json."""
    try:
        return PRETRAINING in json.loads((folder / SPEC_FILE).read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return False


VOCABULARIES: dict[Architecture, VocabularyKind] = {
    "bert": "wordpiece",
    "roberta": "bpe",
    "albert": "unigram",
    "modernbert": "bpe",
    "gpt2": "bpe",
    "bart": "bpe",
    "t5": "unigram",
}
"""The kind of vocabulary that each architecture was published with."""

MOST = 2_000_000
"""Tokens of a vocabulary."""

SHAPES = {
    "tiny": (2, 128, 2),
    "mini": (4, 256, 4),
    "small": (4, 512, 8),
    "medium": (8, 512, 8),
    "base": (12, 768, 12),
    "large": (24, 1024, 16),
}
"""Layers, hidden size and attention heads of the shapes of Turc et al. (2019), and of BERT's two."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Text to pretrain on.

    paths           files and folders, as typed; "hub:OWNER/NAME" is a dataset of the Hub
    documents       what a document is: text between blank lines, a whole file, or a row of a JSON Lines or Parquet
                    file (of a text file, a line); "auto" is a row there, a file for a Project Gutenberg book, else
                    text between blank lines
    column          the text column of JSON Lines and Parquet files; None is the only one, or "text"
    encoding        of text files; None is UTF-8
    subset, split   of a dataset of the Hub
    held_out        the share of the text that is never trained on, whole documents, drawn by their content
    held_out_files  files that are held out in its place
    """

    paths: tuple[str, ...]
    documents: DocumentKind = "auto"
    column: str | None = None
    encoding: str | None = None
    subset: str | None = None
    split: str = "train"
    held_out: float = 0.01
    held_out_files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise RequestError for a share out of range, or no paths."""
        if not all(path.strip() for path in (*self.paths, *self.held_out_files)):
            raise RequestError("the corpus: a path is empty; '.' is the working folder")
        if not self.paths:
            raise RequestError("no corpus: give files or folders of text")
        if not 0 <= self.held_out < 1:
            raise RequestError(f"--held-out {self.held_out:g}: it is a share of the text, at least 0 and below 1")


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The vocabulary that is learnt from the corpus, or a model's own.

    kind       None is the one that the architecture was published with
    size       tokens, special ones counted; of characters at most so many
    cased      whether upper and lower case differ; wordpiece and characters only lower the case otherwise
    tokenizer  a model whose tokenizer is used, in place of all this: a Hub id, a folder, or "sample"
    """

    kind: VocabularyKind | None = None
    size: int = 8192
    cased: bool = False
    tokenizer: str | None = None

    def __post_init__(self) -> None:
        """Raise RequestError for a size out of range."""
        if not 16 <= self.size <= MOST:
            raise RequestError(f"--vocab-size {self.size}: it must be at least 16 and at most {MOST:,}")

    def kind_for(self, architecture: Architecture) -> VocabularyKind:
        """The kind that is asked for, or that of the architecture."""
        return self.kind or VOCABULARIES[architecture]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The size of a model: its layers, hidden size and attention heads; feed-forward layers are 4 times as wide."""

    layers: int
    hidden: int
    heads: int

    def __post_init__(self) -> None:
        """Raise RequestError for a number out of range, or for heads that do not divide the hidden size."""
        if min(self.layers, self.hidden, self.heads) < 1:
            raise RequestError(f"--shape {self.name}: layers, hidden size and heads must be at least 1")
        if self.hidden % self.heads:
            raise RequestError(f"--shape {self.name}: {self.heads} heads do not divide the hidden size {self.hidden}")

    @property
    def name(self) -> str:
        """Its name in SHAPES, or its numbers."""
        own = (self.layers, self.hidden, self.heads)
        return next(
            (name for name, shape in SHAPES.items() if shape == own), f"L{self.layers}/H{self.hidden}/A{self.heads}"
        )


def shape_of(typed: str) -> Shape:
    """The shape called `typed`, or with these numbers: "4/256/4" or "L4/H256/A4". Raises RequestError."""
    if typed.lower() in SHAPES:
        layers, hidden, heads = SHAPES[typed.lower()]
        return Shape(layers=layers, hidden=hidden, heads=heads)
    numbers = re.fullmatch(
        r"L?(\d+)[/-]?H(\d+)[/-]?A(\d+)" if "H" in typed.upper() else r"(\d+)/(\d+)/(\d+)", typed.strip().upper()
    )
    if numbers is None:
        raise RequestError(f"--shape {typed}: give {', '.join(SHAPES)}, or layers/hidden size/heads, such as 4/256/4")
    layers, hidden, heads = map(int, numbers.groups())
    return Shape(layers=layers, hidden=hidden, heads=heads)


UNITS = {"s": ("seconds", 1), "m": ("seconds", 60), "h": ("seconds", 3600), "tok": ("tokens", 1), "step": ("steps", 1)}
SCALES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long a model is trained: seconds, tokens or steps (optimizer updates)."""

    unit: Literal["seconds", "tokens", "steps"]
    amount: float

    def __post_init__(self) -> None:
        """Raise RequestError for a budget of nothing."""
        if not 0 < self.amount < float("inf"):
            raise RequestError(f"--budget {self.amount:g} {self.unit}: it must be more than nothing")


def budget_of(typed: str) -> Budget:
    """The budget of "90s", "10m", "2h", "50Mtok" or "20kstep". Raises RequestError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([kmbg]?)(tok|step)(?:en)?s?|([smh]))", typed.strip().lower())
    if found is None:
        raise RequestError(f"--budget {typed}: give a time, tokens or steps, such as 10m, 2h, 50Mtok or 20kstep")
    number, scale, unit, time = found.groups()
    name, factor = UNITS[unit or time]
    return Budget(unit=name, amount=float(number) * factor * SCALES[scale or ""])  # type: ignore[arg-type]


def seconds_of(typed: str) -> float:
    """The seconds of a budget that is a time: "90s", "20m" or "2h". Raises RequestError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*[smh]", typed.strip().lower())
    if found is None:
        raise RequestError(f"--budget {typed}: give a time, such as 90s, 20m or 2h")
    return budget_of(typed).amount


@dataclass(frozen=True, kw_only=True)
class PretrainSpec:
    """One pretraining run as requested.

    objective     what is predicted
    start         how weights are drawn and where they begin: "bert" is the published way (Devlin et al. 2019)
    max_length    tokens of a row, special ones counted
    batch_size    rows of an update, over all processes
    learning_rate, warmup, weight_decay, max_grad_norm   as in Recipe
    dropout       in pretraining alone; the saved config has the architecture's own
    budget        how long it trains; the learning rate has fallen to 0 at its end
    keep          "log" keeps the models of updates spaced by a factor of about the root of 2
    eval_every    updates between two measurements of the held-out text; None is a twentieth of the run
    """

    corpus: Corpus
    objective: Objective
    budget: Budget
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    shape: Shape = field(default_factory=lambda: shape_of("tiny"))
    architecture: Architecture = "bert"
    start: Start = "fast"
    max_length: int = 128
    batch_size: int = 16
    gradient_accumulation: int = 1
    learning_rate: float = 2e-3
    warmup: float = 0.4
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    dropout: float = 0.0
    keep: Keep = "none"
    eval_every: int | None = None
    seed: int = 42
    device: Device = "auto"
    precision: Precision = "auto"
    processes: int = 1
    fast_dropout: bool = True

    def __post_init__(self) -> None:
        """Raise RequestError for values that are out of range, or do not go together."""
        self.objective.check_architecture(self.architecture)
        if not 0 <= self.dropout < 1:
            raise RequestError(f"--dropout {self.dropout:g}: it must be at least 0 and below 1")
        for flag, count, least in (
            ("--seed", self.seed, 0),
            ("--processes", self.processes, 1),
            ("--max-length", self.max_length, 8),
        ):
            if count < least:
                raise RequestError(f"{flag} {count}: it must be at least {least}")
        if self.eval_every is not None and self.eval_every < 1:
            raise RequestError(f"--eval-every {self.eval_every}: it must be at least 1")
        if self.seed >= 2**32:
            raise RequestError(f"--seed {self.seed}: it must be below 2**32")
        self.recipe(1)  # checks its numbers

    def recipe(self, steps: int) -> Recipe:
        """The hyper-parameters of a training loop of so many updates."""
        return Recipe(
            max_steps=steps, batch_size=self.batch_size, order="random", learning_rate=self.learning_rate,
            gradient_accumulation=self.gradient_accumulation,
            warmup=self.warmup, weight_decay=self.weight_decay, max_grad_norm=self.max_grad_norm,
        )  # fmt: skip

    @property
    def tokens_an_update(self) -> int:
        """Tokens that an update reads at most."""
        return self.batch_size * self.gradient_accumulation * self.max_length

    @property
    def digest(self) -> str:
        """Eight hex digits of SHA-256 over the whole spec."""
        import hashlib

        text = json.dumps(to_plain(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]

    @property
    def folder_name(self) -> str:
        """A readable name for the run's folder, ending in the digest."""
        shape = self.shape.name.replace("/", "")
        objective = self.objective.kind.replace("+", "-")
        return f"pretrain-{objective}-{self.architecture}-{shape}-{self.start}-s{self.seed}-{self.digest}"
