"""A task as a value: a head, a source of rows, evaluations, and a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bertkit.errors import RequestError
from bertkit.heads import Head, Window
from bertkit.sources import Source

Ordering = Literal["auto", "random", "length"]
LossName = Literal["cross-entropy", "focal"]
Selected = Literal["last", "best"]
MOST_EPOCHS = 10_000


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The hyper-parameters of training; what is checked here is checked before anything heavy is loaded.

    epochs                 passes over the train rows; a fraction stops within one
    max_steps              updates at most, if given, in place of epochs
    batch_size             rows of a micro-batch, over all processes
    batch_tokens           tokens of a micro-batch at most, if given, in place of batch_size; the
                           loss is the mean over an update's rows (words, for tagging) all the same
    order                  "random" shuffles the rows; "length" also groups rows of similar length;
                           "auto" is length where the layout is bucketed, else random
    gradient_accumulation  micro-batches of an update
    learning_rate          its peak, for AdamW (Loshchilov and Hutter 2019), bias-corrected
    warmup                 the share of all updates in which the rate rises from 0; then it falls to 0
    max_grad_norm          the gradient's L2 norm at most
    window                 how much the model sees at once
    class_weights          of labels in the loss, by name; 1 where none is given; "balanced" is the inverse of how
                           often each occurs in the train rows (heads/losses.py)
    loss                   over labels: cross entropy, or focal loss (Lin et al. 2017) with `focal_gamma`
    label_smoothing        the share of a gold label's probability that is spread over all labels
    freeze                 what keeps its weights: the "embeddings", and the first N layers, or the whole encoder
    layer_decay            by how much the learning rate falls from a layer to the one below it (models/layers.py)
    reinit_layers          how many of the top layers are drawn at random again (Zhang et al. 2021)
    lora                   the rank of LoRA's matrices (Hu et al. 2022), which are trained in place of the encoder
    lora_alpha             by which LoRA's product is scaled, divided by the rank; None is twice the rank
    early_stopping         evaluations without a better score on the selection rows after which training stops
    select                 whose weights are the final ones: the "last", or the "best" on the selection rows
    threshold              "auto" is the one with the highest micro-F1 on the selection rows; None is the head's own
    calibrate              whether a temperature of the probabilities is fitted on the selection rows
    """

    epochs: float = 3.0
    max_steps: int | None = None
    batch_size: int = 32
    batch_tokens: int | None = None
    order: Ordering = "auto"
    gradient_accumulation: int = 1
    learning_rate: float = 5e-5
    warmup: float = 0.1
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    window: Window = field(default_factory=Window)
    class_weights: Literal["balanced"] | Mapping[str, float] | None = None
    loss: LossName = "cross-entropy"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0
    freeze: Literal["embeddings", "all"] | int | None = None
    layer_decay: float = 1.0
    reinit_layers: int = 0
    lora: int | None = None
    lora_alpha: float | None = None
    early_stopping: int | None = None
    select: Selected = "last"
    threshold: Literal["auto"] | None = None
    calibrate: bool = False

    @property
    def keeps_best(self) -> bool:
        """Whether the weights that were best on the selection rows are kept during training."""
        return self.early_stopping is not None or self.select == "best"

    def __post_init__(self) -> None:
        """Raise RequestError for a number out of range."""
        _check_kit(self)
        counts = {"max_steps": self.max_steps, "batch_size": self.batch_size, "batch_tokens": self.batch_tokens}
        counts["gradient_accumulation"] = self.gradient_accumulation
        counts["max_answer_length"], counts["max_windows"] = self.window.max_answer_length, self.window.max_windows
        for name, count in counts.items():
            if count is not None and count < 1:
                raise RequestError(f"{_flag(name)} {count}: it must be at least 1")
        if not abs(self.window.null_threshold) < float("inf"):
            raise RequestError(f"--null-threshold {self.window.null_threshold}: it must be a finite number of logits")
        for name in ("epochs", "learning_rate", "max_grad_norm"):
            if not 0 < getattr(self, name) < float("inf"):
                raise RequestError(f"{_flag(name)} {getattr(self, name):g}: it must be a number above 0")
        if self.epochs > MOST_EPOCHS:
            raise RequestError(f"--epochs {self.epochs:g}: at most {MOST_EPOCHS:,}")
        if not 0 <= self.warmup < 1:
            raise RequestError(f"--warmup {self.warmup:g}: it is a share of all updates, 0 <= warmup < 1")
        if not 0 <= self.weight_decay < 1:
            raise RequestError(f"--weight-decay {self.weight_decay:g}: it must be at least 0 and below 1")
        if self.window.max_length < 8:
            raise RequestError(f"--max-length {self.window.max_length}: it must be at least 8 tokens")
        if self.window.doc_stride < 0:
            raise RequestError(f"--doc-stride {self.window.doc_stride}: it cannot be negative")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _check_kit(recipe: Recipe) -> None:
    """Raise RequestError for a number of the encoder's kit out of range, or for two parts that contradict."""
    for name in ("freeze", "lora", "early_stopping"):
        count = getattr(recipe, name)
        if isinstance(count, int) and count < 1:
            raise RequestError(f"{_flag(name)} {count}: it must be at least 1")
    if recipe.reinit_layers < 0:
        raise RequestError(f"--reinit-layers {recipe.reinit_layers}: it cannot be negative")
    for name in ("focal_gamma", "lora_alpha"):
        number = getattr(recipe, name)
        if number is not None and not 0 < number < float("inf"):
            raise RequestError(f"{_flag(name)} {number:g}: it must be a number above 0")
    for label, weight in recipe.class_weights.items() if isinstance(recipe.class_weights, Mapping) else ():
        if not 0 < weight < float("inf"):
            raise RequestError(f"--class-weights {label}={weight:g}: a weight must be a number above 0")
    if not 0 <= recipe.label_smoothing < 1:
        raise RequestError(f"--label-smoothing {recipe.label_smoothing:g}: it must be at least 0 and below 1")
    if not 0 < recipe.layer_decay <= 1:
        raise RequestError(f"--layer-decay {recipe.layer_decay:g}: it must be above 0 and at most 1")
    if recipe.label_smoothing and recipe.loss == "focal":
        raise RequestError("--label-smoothing and --loss focal: give one of them")
    if recipe.focal_gamma != Recipe.focal_gamma and recipe.loss != "focal":
        raise RequestError("--focal-gamma needs --loss focal")
    if recipe.lora is None and recipe.lora_alpha is not None:
        raise RequestError("--lora-alpha needs --lora")
    for name in ("freeze", "reinit_layers", "layer_decay") if recipe.lora else ():
        if getattr(recipe, name) != getattr(Recipe, name):
            raise RequestError(f"--lora and {_flag(name)}: give one of them; LoRA keeps the encoder's own weights")
    if recipe.freeze == "all" and (recipe.reinit_layers or recipe.layer_decay < 1):
        other = "--reinit-layers" if recipe.reinit_layers else "--layer-decay"
        raise RequestError(f"--freeze all and {other}: give one of them; no layer would be trained")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A name, a split (or a source of its own), and what is measured on it.

    metrics  names of metrics; the first is the headline
    human    for each metric the human score, as a fraction, where it was measured
    scored   False where the rows have no gold and are only predicted
    at_end   True where it is scored once, after training, and never during it: a test split
    """

    name: str
    split: str
    metrics: tuple[str, ...] = ()
    source: Source | None = None
    human: Mapping[str, float] = field(default_factory=dict)
    scored: bool = True
    at_end: bool = False


@dataclass(frozen=True, kw_only=True)
class Task:
    """A problem as a value.

    about          one line: what goes in, what comes out
    understood     for a task made from files: what they were taken for, and why, a line each
    sample_recipe  the recipe for the shipped sample, whose rows are few
    trains_on      where it has no train rows, the task to fine-tune on, whose head is the same
    """

    name: str
    about: str
    head: Head
    source: Source
    evaluations: tuple[Evaluation, ...]
    recipe: Recipe = field(default_factory=Recipe)
    understood: tuple[str, ...] = ()
    sample_recipe: Recipe = field(default_factory=lambda: Recipe(epochs=10, batch_size=16, learning_rate=1e-4))
    trains_on: str | None = None

    def __post_init__(self) -> None:
        """Assert that the parts fit together, so that a mistake in a pack shows when it is imported."""
        assert self.evaluations and len({e.name for e in self.evaluations}) == len(self.evaluations)
        assert all(bool(e.metrics) == e.scored for e in self.evaluations), self.name
        self.head.check_window(self.recipe.window)

    def source_of(self, evaluation: Evaluation) -> Source:
        """Where an evaluation's rows come from."""
        return evaluation.source or self.source

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source of its rows."""
        own = tuple(evaluation.source for evaluation in self.evaluations if evaluation.source)
        return (self.source, *own)

    @property
    def scored(self) -> tuple[Evaluation, ...]:
        """The evaluations that count."""
        return tuple(evaluation for evaluation in self.evaluations if evaluation.scored)


@dataclass(frozen=True, kw_only=True)
class Column:
    """One number of an average: the mean of a task's metrics, each given with its evaluation."""

    task: str
    metrics: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Average:
    """A named average of a suite's tasks: the mean over its columns. Published ones differ, and are never mixed.

    about  which tasks and metrics enter, and where it was published
    """

    name: str
    about: str
    columns: tuple[Column, ...]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks that enter."""
        return tuple(dict.fromkeys(column.task for column in self.columns))


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published system's scores on a suite's test sets: fractions by (task, evaluation, metric), and their source."""

    name: str
    source: str
    scores: Mapping[tuple[str, str, str], float]


@dataclass(frozen=True, kw_only=True)
class PublishedTransfer:
    """A published model that was fine-tuned on one task and scored on others: fractions, and their source.

    train   the task that it was fine-tuned on, on all of its rows
    scores  by (task, evaluation, metric)
    """

    name: str
    train: str
    source: str
    scores: Mapping[tuple[str, str, str], float]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A file of a suite's submission: an answer for each of `rows` rows of a split, as the server counts them.

    It is a table of index and answer, or JSON Lines if its name says so.

    source   of the rows, where it is not the task's
    spelt    how each label is written; {} for numbers and texts
    bounds   between which numbers are clipped
    answers  what a row's answer is: "one" label or number, a "text", or of "several" answers of a question whether
             each is right, as many as there are `rows`
    """

    file: str
    task: str
    split: str
    rows: int
    spelt: Mapping[str, str | int] = field(default_factory=dict)
    bounds: tuple[float, float] | None = None
    source: Source | None = None
    answers: Literal["one", "text", "several"] = "one"


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Tasks, and the ways to average them.

    averages   the first is the suite's own score
    human      the published human score by the first; None where there is none
    model      the encoder that is fine-tuned where none is named; None: the default of all commands
    published  systems to compare with, in the order in which a figure shows them
    sheets     the files that its server wants; () where there is none
    """

    name: str
    members: tuple[str, ...]
    about: str
    human: float | None
    averages: tuple[Average, ...]
    published: tuple[Published, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    model: str | None = None

    def __post_init__(self) -> None:
        """Assert that averages name members only."""
        assert self.averages and all(set(one.tasks) <= set(self.members) for one in self.averages), self.name
