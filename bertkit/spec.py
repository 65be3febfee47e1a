"""Everything that decides a run's result, in one frozen value.

The task is written out in full, so that a user's own task is treated like a pack's, and a run can be read without its
pack. pydantic reads and writes it, and is imported late.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bertkit.errors import RequestError
from bertkit.heads.losses import APPLIES, weights_of
from bertkit.task import Recipe, Task

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Exactness = Literal["fp32", "bf16"]
"""The precision of prediction."""
Layout = Literal["auto", "unpadded", "bucketed", "padded"]
OnBadRow = Literal["error", "skip"]
MapKind = Literal["random", "shift", "identity"]
HUB, SAMPLE = "hub", "sample"
SPEC_FILE, MODEL_FOLDER, RESULT_FILE = "spec.json", "model", "result.json"
"""In a run's folder; the result is written last."""

ADDED: dict[str, Any] = {
    "keep_head": False,
    "label_map": None,
    "at_end": False,
    "understood": [],
    "hold_out": None,
    "formats": {},
    "joined": {},
    "listed": {},
    "phrases": {},
    "blanks": None,
    "separator": None,
    "written": {},
    "indicators": [],
    "scaled": False,
    "mean": None,
    "sd": None,
    "scheme": None,
    "vectors": None,
    "shares": [],
    "criterion": {"focal": 0.0, "smoothing": 0.0, "weights": []},
    "class_weights": None,
    "loss": "cross-entropy",
    "focal_gamma": 2.0,
    "label_smoothing": 0.0,
    "freeze": None,
    "layer_decay": 1.0,
    "reinit_layers": 0,
    "lora": None,
    "lora_alpha": None,
    "early_stopping": None,
    "select": "last",
    "long": "truncate",
    "max_windows": 32,
    "threshold": None,
    "calibrate": False,
    "trial": False,
    "train_share": None,
    "redraw": None,
    "fast_start": False,
    "token_map": None,
    "trains_on": None,
    "skips": False,
    "halved_by": None,
    "nested": None,
    "marks": [],
    "budget": None,
}
"""Fields added since the first version, with their defaults, which a digest leaves out: earlier runs keep theirs."""


@dataclass(frozen=True, kw_only=True)
class TokenMap:
    """Which tokens of the vocabulary the symbols of a sequence are read as (Kao and Lee 2021).

    kind     "random" words, a symbol's own token by "identity", or the one that a "shift" puts in its place
    seed     draws a random map, and nothing else of the run
    by       tokens by which a shift moves
    symbols  what is mapped, sorted; any other symbol is unknown
    spaced   whether symbols have white space between them; otherwise each character is one
    """

    kind: MapKind
    seed: int = 0
    by: int = 0
    symbols: tuple[str, ...] = ()
    spaced: bool = False


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One run as requested.

    task        the problem
    model       a Hub id, a folder, or "sample"
    revision    of the Hub's model: a branch, tag or commit
    scratch     the encoder's architecture with random weights
    redraw      of a pretrained encoder, whether the embeddings of "words" are drawn at random again
    fast_start  with `scratch`, whether positions and attention start as in `bertkit pretrain --start fast`
    token_map   the tokens that the symbols of sequences are read as, in place of the tokenizer's own reading
    keep_head   whether a fine-tuned checkpoint's head is trained further, and not replaced by a fresh one
    label_map   the task's label for each label of a fine-tuned checkpoint's head; None matches them by name
    data        "hub", "sample", or the folder of the rows as it was typed
    limit       rows of each split at most, the first ones
    train_share the share of the (limited) train rows that is trained on, drawn from the seed; a smaller share is within
                a larger one (data/train_share.py)
    recipe      the hyper-parameters
    budget      seconds of the whole run, from its start to its saved model and scores, in place of the recipe's epochs;
                the number of updates that fit is decided before the first (runs/budget.py)
    eval_every  updates between two evaluations in training; None scores at the end only
    seed        of all random numbers
    device, precision, processes   what computes, and how
    layout      how a batch is stored: "unpadded" holds real tokens only; "padded" pads to the batch's
                longest row, and "bucketed" too, with rows of similar length together; "auto" is unpadded on a
                CPU where the encoder's architecture can, else bucketed
    on_bad_row  whether a row that cannot be read is an error, or is skipped and counted, up to 5 %
    fast_dropout  whether dropout on a CPU is drawn by bertkit's own generator, and not by torch's
    trial       whether it is a trial of a search: it is scored on rows taken out of train, and on no evaluation
    """

    task: Task
    model: str
    revision: str | None = None
    scratch: bool = False
    redraw: Literal["words"] | None = None
    fast_start: bool = False
    token_map: TokenMap | None = None
    keep_head: bool = False
    label_map: Mapping[str, str] | None = None
    data: str = HUB
    limit: int | None = None
    train_share: float | None = None
    recipe: Recipe = field(default_factory=Recipe)
    budget: float | None = None
    eval_every: int | None = None
    seed: int = 42
    device: Device = "auto"
    precision: Precision = "auto"
    processes: int = 1
    layout: Layout = "auto"
    fast_dropout: bool = True
    on_bad_row: OnBadRow = "error"
    trial: bool = False

    def __post_init__(self) -> None:
        """Raise RequestError for values that are out of range or contradict each other."""
        self.task.head.check_window(self.recipe.window)
        for flag, count, least in (
            ("--limit", self.limit, 1),
            ("--eval-every", self.eval_every, 1),
            ("--seed", self.seed, 0),
            ("--processes", self.processes, 1),
        ):
            if count is not None and count < least:
                raise RequestError(f"{flag} {count}: it must be at least {least}")
        if self.budget is not None and not 0 < self.budget < float("inf"):
            raise RequestError(f"--budget {self.budget:g}s: it must be more than nothing")
        if self.train_share is not None and not 0 < self.train_share <= 1:
            raise RequestError(f"--train-share {self.train_share:g}: it is a share of the train rows, 0 < share <= 1")
        if self.redraw and self.scratch:
            raise RequestError("word embeddings drawn again and --scratch: every weight is random already")
        if self.fast_start and not self.scratch:
            raise RequestError("a fast start is for random weights: it needs --scratch")
        self._check_loss()
        for flag, given in (("--reinit-layers", self.recipe.reinit_layers), ("--lora", self.recipe.lora)):
            if given and self.scratch:
                raise RequestError(f"{flag} and --scratch: give one of them; every weight is random already")
        if self.recipe.keeps_best and self.eval_every is None:
            flag = "--early-stopping" if self.recipe.early_stopping else "--select best"
            raise RequestError(f"{flag} needs --eval-every, which scores the model during training")
        if self.keep_head and self.scratch:
            raise RequestError("--keep-head and --scratch: give one of them; random weights have no head to keep")
        if self.seed >= 2**32:
            raise RequestError(f"--seed {self.seed}: it must be below 2**32")
        if self.precision == "fp16" and self.device in ("cpu", "mps"):
            raise RequestError("--precision fp16 needs a CUDA device; on a CPU use bf16 or fp32")
        if self.layout == "bucketed" and self.recipe.order == "random":
            raise RequestError("--layout bucketed --order random: buckets are by length; use --layout padded")
        if self.recipe.batch_tokens is None and self.processes > self.recipe.batch_size:
            least = self.processes
            raise RequestError(
                f"--processes {least} needs a batch of at least {least} rows, not {self.recipe.batch_size}"
            )

    def _check_loss(self) -> None:
        """Raise RequestError if the head does not take the loss's fields, or has no label of a weight's name."""
        head, plain = self.task.head, Recipe()
        for name in APPLIES:
            if getattr(self.recipe, name) != getattr(plain, name):
                head.check_loss_flag(name, self.task.name)
        if isinstance(self.recipe.class_weights, Mapping) and head.label_names:
            weights_of(self.recipe.class_weights, head.label_names)

    @property
    def selects(self) -> bool:
        """Whether something is selected in training, on rows that are taken out of train for it."""
        recipe = self.recipe
        return self.trial or recipe.keeps_best or recipe.threshold == "auto" or recipe.calibrate

    @property
    def digest(self) -> str:
        """Eight hex digits of SHA-256 over the whole spec."""
        import hashlib

        plain = _without_added(to_plain(self))
        text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]

    @property
    def folder_name(self) -> str:
        """A readable name for the run's folder, ending in the digest."""
        model = re.sub(r"[^A-Za-z0-9.]+", "-", self.model.rstrip("/").split("/")[-1]).strip("-.")
        arm = "-scratch" if self.scratch else "-re-embedded" if self.redraw else ""
        marked = "-sample" if self.data == SAMPLE else ""
        return f"{self.task.name}{marked}-{model or 'model'}{arm}-s{self.seed}-{self.digest}"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run is carried out, which does not decide its result.

    out         the folder below which each run gets its own
    force       start over if the run's folder exists; the old folder is renamed
    save_every  updates between two checkpoints; None saves by time
    max_memory  bytes of memory that training may use; None is no limit
    keep_best   whether the model that scored best during training is saved too
    keep_adapter  whether LoRA's matrices are saved too, in peft's layout, beside the model they are merged into
    floor       whether simple models are scored on the same rows, too
    """

    out: Path = Path("runs")
    force: bool = False
    save_every: int | None = None
    max_memory: int | None = None
    keep_best: bool = False
    keep_adapter: bool = False
    floor: bool = True

    def __post_init__(self) -> None:
        """Raise RequestError for a number out of range."""
        if self.save_every is not None and self.save_every < 1:
            raise RequestError(f"--save-every {self.save_every}: it must be at least 1")


def _without_added(plain: Any) -> Any:
    """The plain value without ADDED fields that have their default."""
    if isinstance(plain, list):
        return [_without_added(value) for value in plain]
    if not isinstance(plain, dict):
        return plain
    kept = {name: value for name, value in plain.items() if name not in ADDED or value != ADDED[name]}
    return {name: _without_added(value) for name, value in kept.items()}


def to_plain(value: Any) -> Any:
    """A dataclass as dictionaries, lists, strings and numbers, for JSON."""
    from pydantic import TypeAdapter

    try:
        return TypeAdapter(type(value)).dump_python(value, mode="json")
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # a signal came while pydantic called a head's serializer
            raise error.__cause__ from None
        raise


def spec_from_plain(plain: Any) -> Spec:
    """What `to_plain` wrote, as a Spec again. Raises pydantic's ValidationError (a ValueError)."""
    from pydantic import TypeAdapter

    return TypeAdapter(Spec).validate_python(plain)
