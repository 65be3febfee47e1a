"""A task file: a user's own task as TOML that is edited, committed, and given wherever a task is. Light.

`save_task` writes it with a comment on each key; `saved_task` reads it. Tables, in order: what the task is, its head,
its files (or its dataset of the Hub), their formats and columns, what is held out, the evaluations, the recipe.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError
from bertkit.files import write_text
from bertkit.heads import Head, Window
from bertkit.heads.table import HEADS, as_table, keys_of, values_of
from bertkit.request.checked import checked, read_toml, table, unknown
from bertkit.request.own_files import NO_STEMS, safe_name
from bertkit.request.own_recipe import ALLOWED, METRICS
from bertkit.request.task_comments import COMMENTS, HEADER
from bertkit.sources import FileFormat, HoldOut, HubRows, Source
from bertkit.spec import HUB, to_plain
from bertkit.task import Evaluation, Recipe, Task

ALWAYS = ("epochs", "batch_size", "learning_rate", "warmup", "weight_decay", "max_length")
"""Of the recipe, what is written though it has its default."""
TOP = ("name", "about", "understood", "folder", "separator", "head", "hub", "files", "formats", "columns", "written",
       "spellings", "hold_out", "evaluations", "recipe")  # fmt: skip
"""The keys of a task file."""
WIDE = 80
"""Characters of a list in one line."""


def check_place(path: Path, shown: str, force: bool) -> None:
    """Raise RequestError if a task file cannot be written there."""
    if path.is_dir():
        raise RequestError(f"--save {shown}: it is a folder")
    if path.suffix != ".toml":
        raise RequestError(f"--save {shown}: a task file's name ends in .toml")
    if path.exists() and not force:
        raise RequestError(f"--save {shown}: the file exists; --force replaces it")
    if not path.parent.is_dir():
        raise RequestError(f"--save {shown}: there is no folder {path.parent}")


def save_task(task: Task, data: str, path: Path, shown: str) -> None:
    """Write the task, whose files are in the folder `data`, to the file `path`.

    What `saved_task` reads from it is the same task, and the same folder from the same working folder.
    """
    folder = None if data == HUB else _folder(data, path)
    write_text(path, _written(_tables(task, folder), shown))


def _folder(data: str, path: Path) -> str:
    """The folder `data` as it is called from where the task file is; an absolute one stays so for a relative path."""
    if Path(data).is_absolute() and not path.is_absolute():
        return data
    return Path(os.path.relpath(data, path.parent)).as_posix()


def _tables(task: Task, folder: str | None) -> dict[str, Any]:
    source = task.source
    found: dict[str, Any] = {"name": task.name, "about": task.about, "folder": folder}
    found |= {"understood": list(task.understood), "separator": source.separator, "head": as_table(task.head)}
    found |= {"hub": source.hub and _short(source.hub), "files": {s: _one(names) for s, names in source.files.items()}}
    found["formats"] = {split: _short(form) for split, form in source.formats.items()}
    several = {**source.joined, **source.listed, **({"label": source.indicators} if source.indicators else {})}
    found["columns"] = {role: list(several.get(role, ())) or names[0] for role, names in source.columns.items()}
    found |= {"written": dict(source.written), "spellings": dict(source.labels)}
    found["hold_out"] = source.hold_out and _short(source.hold_out, tuple(f.name for f in fields(HoldOut)))
    found["evaluations"] = {one.name: _short(one, ("metrics",), ("name",)) for one in task.evaluations}
    window = _short(task.recipe.window, ALWAYS)
    found["recipe"] = {**_short(task.recipe, ALWAYS, ("window",)), **window}
    return {key: value for key, value in found.items() if value or key == "about"}


def _one(names: tuple[str, ...]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


def _short(value: Any, always: tuple[str, ...] = (), never: tuple[str, ...] = ()) -> dict[str, Any]:
    """A dataclass as a table, without what has its default, but for `always`; None is never written."""
    plain = to_plain(value)
    kept = {}
    for field in fields(value):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if field.name not in never and (field.name in always or getattr(value, field.name) != default):
            kept[field.name] = plain[field.name]
    return {name: one for name, one in kept.items() if one is not None}


def _written(tables: Mapping[str, Any], shown: str) -> str:
    """The tables as TOML, with a comment on each key."""
    import tomlkit

    document = tomlkit.document()
    for line in HEADER.format(name=shown).splitlines():
        document.add(tomlkit.comment(line) if line else tomlkit.nl())
    document.add(tomlkit.nl())
    for key, value in tables.items():
        _add(document, key, value, key)
    return tomlkit.dumps(document)


def _add(to: Any, key: str, value: Any, place: str) -> None:
    """Add a value with the comment of its place; a long list has a line for each of its own, below the comment."""
    import tomlkit

    comment = COMMENTS.get(place) or COMMENTS.get(re.sub(r"\.[^.]*", ".*", place, count=1))
    if isinstance(value, dict):
        item: Any = tomlkit.table(is_super_table=all(isinstance(one, dict) for one in value.values()))
        for inner in sorted(value, key=lambda key: isinstance(value[key], dict)):
            _add(item, inner, value[inner], f"{place}.{inner}")
    else:
        item = tomlkit.item(value)
    if isinstance(value, list) and sum(map(len, map(str, value))) > WIDE:
        item.multiline(True)
        if comment:
            to.add(tomlkit.comment(comment))
    elif comment:
        item.comment(comment)
    to.add(key, item)


def saved_task(path: Path, shown: str) -> tuple[Task, str | None]:
    """The task of a task file, and the folder of its files; None if they are on the Hub. Raises RequestError."""
    found = table(shown, read_toml(path, shown), TOP)
    for key in ("head", "columns"):
        if key not in found:
            raise RequestError(f"{shown}: it has no table [{key}]; `bertkit check FILE --save {path.name}` writes one")
    if ("files" in found) == ("hub" in found):
        raise RequestError(f"{shown}: it must have either [files] or [hub]")
    head = _head(shown, found["head"])
    recipe = _recipe(f"{shown}: recipe", found.get("recipe", {}))
    texts = {key: checked(f"{shown}: {key}", str, found[key]) for key in ("name", "about", "folder") if key in found}
    lines = checked(f"{shown}: understood", tuple[str, ...], found.get("understood", [f"rows: as {shown} says"]))
    source = _source(shown, found)
    if "name" in texts and safe_name(texts["name"]) != texts["name"]:
        raise RequestError(f"{shown}: name '{texts['name']}': letters, digits, - and _ only, which a folder may have")
    folder = os.path.normpath(path.parent / texts.get("folder", "."))
    try:
        task = Task(
            name=texts.get("name", safe_name(path.stem)), about=texts.get("about", ""), head=head, source=source,
            evaluations=_evaluations(shown, found, source, found["head"]["kind"]), recipe=recipe, understood=lines,
            sample_recipe=recipe,
        )  # fmt: skip
    except RequestError as error:
        raise RequestError(f"{shown}: {error}") from None
    return task, None if source.hub else folder


def _head(shown: str, found: Any) -> Head:
    where = f"{shown}: head"
    if "kind" not in table(where, found):
        raise RequestError(f"{where}: it has no kind; it is one of {', '.join(HEADS)}")
    kind = str(found["kind"])
    if kind not in HEADS:
        raise unknown(where, kind, HEADS, "head")
    cls, values = values_of(table(where, found, ("kind", *keys_of(kind))))
    head: Head = checked(where, cls, values)
    return head


def _recipe(where: str, found: Any) -> Recipe:
    names, inner = ({f.name for f in fields(kind)} for kind in (Recipe, Window))
    plain = {str(key).replace("-", "_"): value for key, value in table(where, found).items()}
    table(where, plain, sorted((names | inner) - {"window"}))
    window = checked(where, Window, {key: value for key, value in plain.items() if key in inner})
    outer = {key: value for key, value in plain.items() if key in names}
    recipe: Recipe = checked(where, Recipe, {**outer, "window": to_plain(window)})
    return recipe


def _source(shown: str, found: Mapping[str, Any]) -> Source:
    files = _listed(f"{shown}: files", found.get("files", {}))
    table(f"{shown}: files", files, NO_STEMS)
    columns = _listed(f"{shown}: columns", found["columns"])
    formats = {}
    for split, form in table(f"{shown}: formats", found.get("formats", {}), files).items():
        where = f"{shown}: formats.{split}"
        formats[split] = checked(where, FileFormat, table(where, form, [f.name for f in fields(FileFormat)]))
    hub = _valued(f"{shown}: hub", HubRows, found["hub"]) if "hub" in found else None
    held = _held(f"{shown}: hold_out", found["hold_out"]) if "hold_out" in found else None
    texts = Mapping[str, str]
    return Source(
        hub=hub,
        files=files,
        stems=NO_STEMS,
        formats=formats,
        columns={role: names[:1] for role, names in columns.items()},
        joined={role: names for role, names in columns.items() if len(names) > 1 and role not in ("label", "choices")},
        listed={role: names for role, names in columns.items() if len(names) > 1 and role == "choices"},
        indicators=columns["label"] if len(columns.get("label", ())) > 1 else (),
        separator=checked(f"{shown}: separator", str | None, found.get("separator")),
        written=checked(f"{shown}: written", texts, found.get("written", {})),
        labels=checked(f"{shown}: spellings", texts, found.get("spellings", {})),
        hold_out=held,
    )


def _held(where: str, found: Any) -> HoldOut:
    """A hold-out, with no limit of rows where it has a share and no `most`: as with --dev-share."""
    given = table(where, found, [field.name for field in fields(HoldOut)])
    held: HoldOut = checked(where, HoldOut, {"most": None, **given} if "share" in given else given)
    return held


def _valued(where: str, kind: Any, found: Any) -> Any:
    return checked(where, kind, table(where, found, [field.name for field in fields(kind)]))


def _listed(where: str, found: Any) -> dict[str, tuple[str, ...]]:
    """For each key one text or several, as several."""
    plain = {key: [value] if isinstance(value, str) else value for key, value in table(where, found).items()}
    listed: dict[str, tuple[str, ...]] = checked(where, dict[str, tuple[str, ...]], plain)
    empty = next((key for key, names in listed.items() if not names), None)
    if empty is not None:
        raise RequestError(f"{where}.{empty}: it names nothing")
    return listed


def _evaluations(shown: str, found: Mapping[str, Any], source: Source, head: str) -> tuple[Evaluation, ...]:
    """The evaluations; without a table of them dev, and test after training if there is one."""
    splits = source.hub.splits if source.hub else source.files
    metrics = list(METRICS[head])  # type: ignore[index]
    usual: dict[str, Any] = {"dev": {"split": "dev", "metrics": metrics}}
    if "test" in splits:
        usual["test"] = {"split": "test", "metrics": metrics, "at_end": True}
    made = []
    for name, values in table(f"{shown}: evaluations", found.get("evaluations", usual)).items():
        where = f"{shown}: evaluations.{name}"
        table(where, values, ("split", "metrics", "scored", "at_end"))
        one = checked(where, Evaluation, {"name": name, "split": name, **values})
        if one.split not in NO_STEMS:
            raise unknown(where, one.split, NO_STEMS, "split")
        odd = next((metric for metric in one.metrics if metric not in ALLOWED[head]), None)
        if odd is not None:
            raise unknown(where, odd, ALLOWED[head], "metric")
        if bool(one.metrics) != one.scored:
            raise RequestError(f"{where}: it has no metrics; scored = false predicts its rows only")
        made.append(one)
    if not made:
        raise RequestError(f"{shown}: evaluations: at least one is needed")
    return tuple(made)
