"""The flags of `bertkit embryology`, checked: a treebank, and tasks to fine-tune on. Light."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated, TypedDict

from bertkit.errors import RequestError
from bertkit.request.flags import Flags, SeedsFlag
from bertkit.request.keywords import Target as Named
from bertkit.request.option import DATA, TRAINING, Option
from bertkit.request.own_flags import OwnFlags
from bertkit.request.target import Target, target_of, targets_of
from bertkit.request.training_flags import BatchSizeFlag, DeviceFlag, LearningRateFlag, PrecisionFlag, SeedFlag
from bertkit.spec import Device, Precision, Spec

MEASURED = "What is measured"
"""The panel of --help."""
WORDS, SENTENCES = 5_000, 1_000


@dataclass(frozen=True, kw_only=True)
class EmbryologyFlags:
    """The flags of an embryology, as given."""

    task: Annotated[
        str, Option("--task -t", DATA, "The treebank: a task of UPOS tags, or a file (.conllu) or folder of your own.")
    ] = "ud_en_ewt"
    data: Annotated[
        str | None, Option("--data", DATA, "Folder with the treebank's (and tasks') official files. [default: the Hub]")
    ] = None
    sample: Annotated[bool, Option("--sample", DATA, "Use the shipped sample rows: no benchmark scores.")] = False
    words: Annotated[
        int,
        Option("--words", MEASURED, "Words that are masked, as many of each part of speech as far as there are."),
    ] = WORDS
    probe_sentences: Annotated[
        int, Option("--probe-sentences", MEASURED, "Sentences that probes are trained on; 0: no probes.")
    ] = SENTENCES
    downstream: Annotated[
        str | None, Option("--downstream", MEASURED, "Also fine-tune each kept model on these tasks (commas between).")
    ] = None
    points: Annotated[
        int | None,
        Option(
            "--points",
            MEASURED,
            "Fine-tune so many of the kept models, log-spaced, and the untrained one. [default: all]",
        ),
    ] = None
    seeds: SeedsFlag = 3
    limit: Annotated[
        int | None, Option("--limit", TRAINING, "Fine-tune on the first N rows of each split.", training=True)
    ] = None
    epochs: Annotated[float | None, Option("--epochs", TRAINING, "Passes over the train rows.", training=True)] = None
    max_steps: Annotated[
        int | None, Option("--max-steps", TRAINING, "Optimizer steps, in place of --epochs.", training=True)
    ] = None
    batch_size: BatchSizeFlag = None
    learning_rate: LearningRateFlag = None
    seed: SeedFlag = 42
    device: DeviceFlag = "auto"
    precision: PrecisionFlag = "auto"

    def check(self) -> None:
        """Raise RequestError for values that are out of range, or do not go together."""
        for flag, count, least in (
            ("--words", self.words, 1),
            ("--probe-sentences", self.probe_sentences, 0),
            ("--points", self.points, 1),
            ("--seeds", self.seeds, 1),
        ):
            if count is not None and count < least:
                raise RequestError(f"{flag} {count}: it must be at least {least}")
        if self.downstream is None and (typed := self._of_training()):
            raise RequestError(f"{', '.join(typed)}: these are for fine-tuning; name tasks with --downstream")

    def _of_training(self) -> list[str]:
        """The flags of fine-tuning that are not the defaults."""
        names = ("points", "seeds", "limit", "epochs", "max_steps", "batch_size", "learning_rate", "precision")
        given = {field.name for field in fields(self) if getattr(self, field.name) != field.default}
        return ["--" + name.replace("_", "-") for name in names if name in given]

    def treebank(self, model: str) -> Spec:
        """The treebank's spec, with a model to read it. Raises RequestError or DataError, also if it is no treebank."""
        flags = Flags(model=model, data=self.data, sample=self.sample, device=self.device)
        target = target_of(self.task, OwnFlags())
        spec = target.spec(flags if self.downstream is None else _own_place(target, flags))
        head = spec.task.head
        if not head.reads_words or head.chunk_scheme is not None:
            raise RequestError(f"--task {self.task}: it is no treebank, whose words have a part of speech (UPOS) each")
        return spec

    def downstream_specs(self, model: str) -> list[Spec]:
        """The specs of the tasks to fine-tune on, with a model to start from. Raises RequestError or DataError."""
        shared = {field.name for field in fields(Flags)} & {field.name for field in fields(self)}
        flags = Flags(model=model, **{name: getattr(self, name) for name in shared})
        targets = targets_of(self.downstream, OwnFlags()) if self.downstream is not None else []
        return [target.spec(_own_place(target, flags)) for target in targets]


def _own_place(target: Target, flags: Flags) -> Flags:
    """The flags for a target: a path says itself where its rows are, and --data is for the others."""
    return replace(flags, data=None) if target.is_own else flags


class EmbryologyOptions(TypedDict, total=False):
    """The options of `bertkit embryology` as keywords, for type checkers; a test compares them with the flags."""

    task: Named
    data: Named | None
    sample: bool
    words: int
    probe_sentences: int
    downstream: str | None
    points: int | None
    seeds: int
    limit: int | None
    epochs: float | None
    max_steps: int | None
    batch_size: int | None
    learning_rate: float | None
    seed: int
    device: Device
    precision: Precision
    max_memory: str | None
    offline: bool
    save_every: int | None
