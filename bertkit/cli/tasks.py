"""The command `bertkit tasks [TASK]`."""

from __future__ import annotations

from typing import Annotated

import typer

from bertkit import registry
from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.heads import Head
from bertkit.heads.names import name_of
from bertkit.request.own_flags import OwnFlags
from bertkit.request.target import Target, target_of
from bertkit.sources import Source
from bertkit.task import Recipe, Task

LANGUAGE = "LANG"
"""What stands for a language in a task's name."""


def tasks(
    display: Display,
    task: Annotated[
        str | None, typer.Argument(help="Show this task, or the file or folder of your own, in detail.")
    ] = None,
) -> None:
    """List tasks: rows, labels, metrics, human scores, recipes, and where the rows come from."""
    if display.json:
        from bertkit.spec import to_plain

        found = [target_of(task, OwnFlags()).task] if task else list(registry.tasks())
        screen.print_json([to_plain(one) for one in found])
    elif task:
        _print_one(target_of(task, OwnFlags()))
    else:
        _print_all(registry.tasks())


def _print_all(found: tuple[Task, ...]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TASK", "TRAIN", "METRICS", "WHAT"):
        table.add_column(name, justify="right" if name == "TRAIN" else "left", no_wrap=name in ("TASK", "TRAIN"))
    for task in found:
        family, _, language = task.name.partition(".")
        languages = registry.languages_of(family) if language else ()
        if languages and language != languages[0]:
            continue
        rows = None if languages else task.source.rows.get("train")
        metrics = ", ".join(dict.fromkeys(m for e in task.scored for m in e.metrics))
        name, about = (f"{family}.{LANGUAGE}", _of_languages(task, languages)) if languages else (task.name, task.about)
        table.add_row(name, f"{rows:,}" if rows else "", metrics, about)
    screen.console().print(table)
    for suite in registry.suites():
        screen.console().print(f"\nsuite {suite.name}: {', '.join(suite.members)}")


def _of_languages(task: Task, languages: tuple[str, ...]) -> str:
    """What a data set with a task for each language is, by that of the first."""
    return task.about.replace(f", {languages[0]} (", " (") + f"; {LANGUAGE} is {', '.join(languages)}"


def _print_one(target: Target) -> None:
    from rich.table import Table

    task = target.task
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in (_of_task(task) | (_of_files(target) if target.is_own else _of_source(task))).items():
        table.add_row(name, value)
    screen.console().print(task.name, style="bold")
    screen.console().print(table)


def _of_task(task: Task) -> dict[str, str]:
    labels = ", ".join(task.head.labels) if isinstance(task.head.labels, tuple) else str(task.head.labels)
    scored = (f"{e.name}: " + ", ".join(_with_human(name, e.human) for name in e.metrics) for e in task.scored)
    return {
        "what": task.about,
        "head": name_of(task.head),
        "labels": labels,
        "scored": "; ".join(scored),
        "predicted": ", ".join(e.name for e in task.evaluations if not e.scored) or "nothing else",
        "recipe": _recipe_line(task.recipe, task.head),
    }


def _of_files(target: Target) -> dict[str, str]:
    return {"understood": "\n".join(target.lines)}


def _of_source(task: Task) -> dict[str, str]:
    sources = list({id(one): one for one in (task.source, *map(task.source_of, task.scored))}.values())
    hubs = [f"{one.id} {one.config or ''} {one.revision or ''}".strip() for source in sources if (one := source.hub)]
    rows = [f"{split} {count:,}" for source in sources for split, count in source.rows.items()]
    return {
        "rows": ", ".join(rows) or "not known",
        "the Hub": ", and ".join(hubs) or "not there",
        "--data": "a folder with " + "; and ".join(map(_files_line, sources)),
        "--sample": _recipe_line(task.sample_recipe, task.head) if registry.samples(task) else "not shipped",
    }


def _files_line(source: Source) -> str:
    names = dict.fromkeys(name for names in source.files.values() for name in names)
    return f"{' or '.join(source.folders) or 'the files'} in it: {', '.join(names)}"


def _recipe_line(recipe: Recipe, head: Head) -> str:
    words = (
        f"{recipe.epochs:g} epochs, batches of {recipe.batch_size}, learning rate {recipe.learning_rate:g}, "
        f"warmup {recipe.warmup:g}, weight decay {recipe.weight_decay:g}, {recipe.window.max_length} tokens"
    )
    is_windowed = "doc_stride" in head.own_flags and (head.is_windowed or recipe.window.long == "windows")
    return words + (f", stride {recipe.window.doc_stride}" if is_windowed else "")


def _with_human(metric: str, human: dict[str, float] | object) -> str:
    score = human.get(metric) if isinstance(human, dict) else None
    title = screen.METRIC_TITLES.get(metric, metric)
    return f"{title} (human {screen.percent(score)})" if score is not None else title
