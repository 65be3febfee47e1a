"""How the zoo is printed: a table at 80 columns, and Markdown with every source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bertkit.cli import screen
from bertkit.published import Cited, PublishedModel, size_of
from bertkit.studies.zoo import BLANK, OwnModel, Zoo

DASH, SPACE = "–", "\N{NO-BREAK SPACE}"
KINDS = {"test": "", "test, ensemble": "e", "dev, mean of 8": "d"}
"""The mark of each kind of GLUE score."""

LEGEND = (
    "parameters: counted by transformers, the body without a pretraining head; p: as published",
    "GLUE: official score on test; e: of an ensemble; d: mean of eight tasks on dev, no official score",
    f"{DASH} {BLANK}",
)
OWN = "your runs: the network with its head; the mean of its seeds; *: not a benchmark score"


def print_zoo(found: Zoo) -> None:
    """Print the models by size, runs among them, and what the marks mean."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("MODEL", "YEAR", "PARAMS  ", "DATA", "OBJECTIVE", "GLUE  "):
        is_number = name.strip() in ("YEAR", "PARAMS", "GLUE")
        table.add_column(name.replace(" ", SPACE), justify="right" if is_number else "left", no_wrap=is_number)
    for one in _by_size(found):
        if isinstance(one, OwnModel):
            name, year, size, *others = _own_cells(one)
            table.add_row(*(Text(cell, style="green") for cell in (name, year, _aligned(size), *others)))
        else:
            name, year, size, data, objective, glue = _cells(one)
            table.add_row(name, year, _aligned(size), data, objective, _aligned(glue))
    screen.console().print(table)
    for line in (*LEGEND, *((OWN,) if found.runs else ())):
        screen.print_below(line)
    screen.print_below("every source: bertkit zoo --markdown")


def _by_size(found: Zoo) -> list[PublishedModel | OwnModel]:
    """Models and runs by parameters, runs of unknown size first."""

    def size(one: PublishedModel | OwnModel) -> int:
        return (one.parameters or 0) if isinstance(one, OwnModel) else one.parameters.value

    return sorted([*found.models, *found.runs], key=size)


def _cells(model: PublishedModel) -> list[str]:
    """Name, year, parameters, data, objective and GLUE score, as shown."""
    return [
        model.name,
        str(model.year.value),
        f"{size_of(model.parameters.value)} {'' if model.counted else 'p'}".rstrip(),
        _text(model.data),
        _text(model.objective),
        DASH if model.glue is None else f"{screen.percent(model.glue.value)} {KINDS[model.glue.kind]}".rstrip(),
    ]


def _aligned(cell: str) -> str:
    """A number with room for its mark, so that numbers stand below each other."""
    return cell.replace(" ", SPACE) if " " in cell else cell + 2 * SPACE


def _text(cell: Cited[Any] | None) -> str:
    return DASH if cell is None else str(cell.value)


def _own_cells(run: OwnModel) -> list[str]:
    """The same of a run: its task in place of the data, its metric and score in that of the objective."""
    seeds = f", {len(run.folders)} seeds" if len(run.folders) > 1 else ""
    metric = screen.METRIC_TITLES.get(run.metric or "", run.metric or "")
    score = "not scored" if run.score is None else f"{metric} {screen.percent(run.score)}{'*' * bool(run.marks)}"
    size = DASH if run.parameters is None else size_of(run.parameters)
    return [run.name, "yours", size, f"{run.task}{seeds}", score, ""]


def markdown(found: Zoo) -> str:
    """Tables of the models, each fact with its source's number, of the runs, and of the sources."""
    numbers = {key: k for k, key in enumerate(found.cited, 1)}
    lines = ["| model | year | parameters | data | objective | GLUE |", "| --- | ---: | ---: | --- | --- | ---: |"]
    for model in sorted(found.models, key=lambda one: one.parameters.value):
        shown = [
            f"{text} [{numbers[cell.source]}]" if cell else BLANK
            for text, cell in zip(_cells(model)[1:], model.cells.values(), strict=True)
        ]
        lines.append(_row(model.name, *shown))
    lines += ["", *(f"- {line}" for line in LEGEND[:2]), ""]
    if found.runs:
        lines += [
            "| your run | parameters | task | score | not a benchmark score |",
            "| --- | ---: | --- | --- | --- |",
        ]
        for run in found.runs:
            name, _, size, task, score, _ = _own_cells(run)
            lines.append(
                _row(name, size, task, score.rstrip("*"), "; ".join(run.marks), ", ".join(map(str, run.folders)))
            )
        lines.append("")
    lines += ["| source | work | facts |", "| ---: | --- | --- |", *_sources(found, numbers)]
    return "\n".join(lines)


def _sources(found: Zoo, numbers: dict[str, int]) -> Iterator[str]:
    """A row for each source: the work, and which facts of which models stand where in it."""
    for key, one in found.cited.items():
        places: dict[str, list[str]] = {}
        for model in found.models:
            for name, cell in model.cells.items():
                if cell and cell.source == key:
                    places.setdefault(cell.at, []).append(f"{model.name} {name}")
        facts = "; ".join(f"{at}: {', '.join(names)}" for at, names in places.items())
        copy = f" ({one.copy})" if one.copy else ""
        yield _row(f"[{numbers[key]}]", f"[{one.title}]({one.url}){copy}", facts)


def _row(*cells: str) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
