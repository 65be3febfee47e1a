"""What a report says of a run's rows: their counts, what `bertkit check` finds, and the numbers beside the scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bertkit.errors import BertkitError
from bertkit.evaluation.calibration import ece_by_chance
from bertkit.result import Result, RowCount, Scored
from bertkit.runs.folder import located, read_spec

FEW = 10_000
"""Rows up to which they are checked again: it takes about a second."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """The rows of every split; `wrong` is what a check of them finds, None where it was not made, `why` says why."""

    rows: dict[str, RowCount]
    wrong: tuple[str, ...] | None
    why: str


def health_of(folder: Path, result: Result) -> Health:
    """The rows of a run, checked again where they are few and still there."""
    count = sum(one.there for one in result.rows.values())
    if count > FEW:
        return Health(rows=dict(result.rows), wrong=None, why=f"Not checked again: {count:,} rows.")
    from bertkit.data.report import report_on

    try:
        wrong = report_on(located(folder, read_spec(folder)), None, ()).wrong
    except (BertkitError, OSError) as error:
        return Health(rows=dict(result.rows), wrong=None, why=f"Not checked again: {error}.")
    return Health(rows=dict(result.rows), wrong=wrong, why="")


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A type of entity, and its F1."""

    name: str
    value: float


def bars_of(scored: Scored) -> list[Bar]:
    """F1 of each type of entity, where the result has it."""
    return [Bar(name=name, value=float(one["F1"])) for name, one in scored.details.get("entities", {}).items()]


def numbers_of(scored: Scored) -> list[tuple[str, str]]:
    """Further numbers of an evaluation, each with its name."""
    details, found = scored.details, []
    for name in ("MAE", "RMSE"):
        if name in details:
            found.append((f"{name}, in the golds' unit", f"{details[name]:.4g}"))
    for part in ("HasAns", "NoAns"):
        if details.get(f"{part} F1") is not None:
            kind = "with an answer" if part == "HasAns" else "without an answer"
            found.append((f"questions {kind}, EM and F1", _both(details[f"{part} EM"], details[f"{part} F1"])))
    if "best F1" in details:
        found.append(
            (f"best F1, at the threshold {details['best F1 threshold']:.2f}", f"{100 * details['best F1']:.1f}")
        )
    for part in ("answers", "rows"):
        if f"{part} without a label" in details:
            found.append((f"{part} without a label, %", f"{100 * details[f'{part} without a label']:.1f}"))
    if details.get("words without a tag"):
        found.append(("words that got no tag", f"{details['words without a tag']:,} of {details['words']:,}"))
    for calibration, how in ((scored.calibration, ""), (scored.calibrated, ", with the temperature")):
        if calibration:
            ece = f"{100 * calibration.ece:.1f} (by chance {100 * ece_by_chance(calibration):.1f})"
            found.append((f"expected calibration error{how}", ece))
            found.append((f"Brier score{how}", f"{calibration.brier:.3f}"))
    return found


def _both(exact: float, f1: float) -> str:
    return f"{100 * exact:.1f} and {100 * f1:.1f}"
