"""A trained run that answers again and again: its model is loaded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import torch

from bertkit.data.validate import validate_rows
from bertkit.deploy.file_inputs import Item, in_blocks
from bertkit.deploy.inputs import checked_text, readable, roles_of
from bertkit.deploy.made_rows import made_rows
from bertkit.deploy.predict import answered, load_run
from bertkit.errors import DataError, RequestError
from bertkit.findings import Findings
from bertkit.heads import Answer
from bertkit.progress import Progress
from bertkit.runs.folder import read_spec
from bertkit.spec import Device, Exactness
from bertkit.task import Task

Input = str | Sequence[Any] | Mapping[str, Any]
"""A text; the texts of a pair, or a question and its document, as a tuple; words as a list; vectors as a list of lists
or an array (T, D); or columns by name."""


class Predictor:
    """A run's model, ready to answer.

    Several threads may use one: a call waits for another's to end.
    """

    def __init__(
        self, run: Path, device: Device = "auto", precision: Exactness = "fp32", calibrated: bool = False
    ) -> None:
        """Load the model; if `calibrated`, with its temperature.

        Raises RequestError if `run` is no finished run's folder, or has no temperature.
        """
        self.run = run
        self.task: Task = read_spec(run).task
        model = load_run(run, device, calibrated)
        if precision == "bf16":
            model = model.with_network(model.network.to(torch.bfloat16))
        self._model = model
        self._lock = Lock()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels' names in the model's order; () if its answers are numbers or spans."""
        return self._model.head.label_names

    def predict(self, inputs: Iterable[Input], progress: Progress | None = None) -> list[Answer]:
        """An answer for each input, in their order.

        Raises DataError, naming the input by its index, if one cannot be read: an empty text, a missing column.
        """
        shown, listed = progress or Progress(), _listed(inputs)
        shown.phase("predicting", len(listed))
        with self._lock:
            blocks = in_blocks(self._items(listed), roles_of(self.task))
            return [one for _, found in answered(self._model, blocks, shown) for one in found]

    def _items(self, inputs: Sequence[Input]) -> Iterator[Item]:
        for index, given in enumerate(inputs):
            yield Item({"row": index}, {}, self._row(f"inputs[{index}]", given))

    def _row(self, where: str, given: Input) -> Mapping[str, Any]:
        """The input as the head's columns. Raises DataError."""
        needed = roles_of(self.task)
        if isinstance(given, Mapping):
            findings = Findings()
            rows = list(made_rows(self.task, [(where, dict(given))], findings))
            if len(rows) != 1:
                raise DataError(
                    f"{where}: {len(rows)} rows are in it, and each input is one: give a dict with the keys "
                    f"{' and '.join(needed)} for each, or a file to `bertkit predict`"
                )
            return next(iter(validate_rows(rows, readable(self.task), self.task.head, golds=False, findings=findings)))
        if needed == ("vectors",):
            return self.task.head.check(where, {"vectors": given}, {})
        if isinstance(given, str):
            if len(needed) > 1:
                raise DataError(f"{where}: a text alone; this run reads {' and '.join(needed)}: give a tuple")
            return checked_text(self.task, where, {"text": given})
        if isinstance(given, bytes) or not isinstance(given, Sequence):
            raise DataError(
                f"{where}: a {type(given).__name__}, not a text, a tuple of texts, a list of words, or a dict"
            )
        if "words" in needed:
            return self.task.head.check(where, {"words": list(given)}, {})
        if len(given) != len(needed):
            raise DataError(f"{where}: {len(given)} texts; this run reads {' and '.join(needed)}")
        return self.task.head.check(where, dict(zip(needed, given, strict=True)), self.task.source.labels)


def _listed(inputs: Iterable[Input]) -> list[Input]:
    """The inputs. Raises RequestError for what is one, and for a table, whose columns are not its rows."""
    if type(inputs).__name__ == "DataFrame":
        raise RequestError("give a column of the table (table['text']), or its rows (table.to_dict('records'))")
    try:
        if isinstance(inputs, str | bytes | Mapping):
            raise TypeError
        found = iter(inputs)
    except TypeError:
        raise RequestError("give a list of inputs, also for one: predict([text])") from None
    return list(found)
