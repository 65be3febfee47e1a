"""The flags of `bertkit analyse probes`, checked: a task of words or of sentences, and how many rows. Light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from bertkit.errors import RequestError
from bertkit.request.analyse_flags import ANALYSIS, AnalyseFlags, AnalyseOptions
from bertkit.request.flags import Flags
from bertkit.request.keywords import Target
from bertkit.request.option import DATA, Option
from bertkit.request.own_flags import OwnFlags
from bertkit.request.target import target_of
from bertkit.spec import Spec

LEAST, LEAST_TRAIN = 2, 10


@dataclass(frozen=True, kw_only=True)
class ProbeFlags(AnalyseFlags):
    """What probes are to tell, and from how many rows they learn it."""

    task: Annotated[
        str | None,
        Option("--task -t", DATA, "A task of tags for words, or of a label for a text or two; or a file of your own."),
    ] = None
    data: Annotated[str | None, Option("--data", DATA, "Folder with the task's official files. [default: the Hub]")] = (
        None
    )
    sample: Annotated[bool, Option("--sample", DATA, "Use the shipped sample rows: no benchmark scores.")] = False
    train_rows: Annotated[
        int, Option("--train-rows", ANALYSIS, "Rows of train at most; a tenth of them choose the layer.")
    ] = 1_000
    rows: Annotated[int, Option("--rows", ANALYSIS, "Rows that they are scored on at most.")] = 1_000
    layers: Annotated[
        str | None, Option("--layers", ANALYSIS, "Layers to probe, commas between; 0 is the embeddings. [default: all]")
    ] = None

    def check(self) -> None:
        """Raise RequestError for values that are out of range."""
        super().check()
        if self.task is None:
            raise RequestError("probes: name with --task what is told: a task (`bertkit tasks` lists them), or a file")
        for flag, count, least in (("--train-rows", self.train_rows, LEAST_TRAIN), ("--rows", self.rows, LEAST)):
            if count < least:
                raise RequestError(f"{flag} {count}: it must be at least {least}")

    def spec(self, model: str) -> Spec:
        """The task's rows, with the model. Raises RequestError, also if its answers are no labels, or DataError."""
        target = target_of(self.task, OwnFlags())
        flags = Flags(model=model, revision=self.revision, data=self.data, sample=self.sample, device=self.device)
        spec = target.spec(flags)
        simple = spec.task.head.simple
        gives = simple.gives if simple else "other"
        if gives not in ("label", "tags") or spec.task.head.roles[0] not in ("text", "words"):
            raise RequestError(
                f"--task {self.task}: probes tell one label of a text or two, or a tag of each word; a "
                f"{spec.task.head.kind} task has other answers"
            )
        return spec


class ProbeOptions(AnalyseOptions, total=False):
    """The options of `analyse probes` as keywords, for type checkers; a test compares them with the flags."""

    task: Target
    data: Target | None
    sample: bool
    train_rows: int
    rows: int
