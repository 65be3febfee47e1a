"""A dataset of the Hub in a task's place, hub:OWNER/NAME: its subset, and which of its splits are which. Light."""

from __future__ import annotations

import re
from difflib import get_close_matches

from bertkit.errors import RequestError
from bertkit.hub import access
from bertkit.request.own_files import SPLITS, OwnFiles, safe_name, words_of
from bertkit.request.own_flags import OwnFlags
from bertkit.sources import HubRows
from bertkit.spec import HUB

PREFIX = "hub:"


def on_hub(typed: str | None) -> bool:
    """Whether a dataset of the Hub is named."""
    return typed is not None and typed.startswith(PREFIX)


def hub_files(typed: str, flags: OwnFlags, scored: bool) -> OwnFiles:
    """The dataset's splits. Raises RequestError or DataError if one is not there, HubError if it cannot be fetched.

    `scored` takes them for rows to score.
    """
    name = typed.removeprefix(PREFIX)
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        raise RequestError(f"{typed}: a dataset of the Hub is called hub:OWNER/NAME")
    of_files = [flag for flag in flags.typed if flag.endswith("-file") or flag in ("--encoding", "--header")]
    of_files += ["--no-header"] if flags.header is False else []
    if of_files:
        raise RequestError(f"{', '.join(of_files)}: {typed} is on the Hub; these are for files of your own")
    named = _named(flags.split_names) if flags.split_names is not None else None
    hub = HubRows(id=name, config=flags.subset)
    access.prepare([], [hub])
    from bertkit.hub.fetch import split_names

    there = split_names(hub)
    splits = _checked(hub, named, there) if named else _guessed(hub, there, scored)
    made = HubRows(id=name, config=flags.subset, splits=splits)
    called = safe_name("-".join([name.rpartition("/")[2], *([flags.subset] if flags.subset else [])]))
    return OwnFiles(name=called, data=HUB, files={}, paths={}, formats={}, hub=made)


def _named(typed: str) -> dict[str, str]:
    """Our splits -> the Hub's, as --split-names says: train=a,dev=b."""
    parts = [part.partition("=") for part in typed.split(",")]
    known = {name: split for split, names in SPLITS.items() for name in names}
    for split, mark, name in parts:
        if not mark or not name.strip() or split.strip() not in known:
            near = get_close_matches(split.strip(), known, n=1)
            guess = f"; did you mean {near[0]}?" if near and mark and near[0] != split else ""
            raise RequestError(f"--split-names {typed}: it is like train=NAME,dev=NAME,test=NAME{guess}")
    return {known[split.strip()]: name.strip() for split, _, name in parts}


def _checked(hub: HubRows, named: dict[str, str], there: tuple[str, ...]) -> dict[str, str]:
    for name in named.values():
        if name not in there:
            near = get_close_matches(name, there, n=1)
            guess = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(there)}"
            raise RequestError(f"--split-names: {access.called(hub)} has no split '{name}'{guess}")
    return named


def _guessed(hub: HubRows, there: tuple[str, ...], scored: bool) -> dict[str, str]:
    """The splits by their names; a single one is train, or the rows to score."""
    found: dict[str, str] = {}
    for split, names in SPLITS.items():
        called = [one for one in there if set(words_of(one)) & set(names)]
        exact = [one for one in called if one.lower() in names] or called
        if len(exact) > 1:
            shown = ", ".join(exact)
            raise RequestError(
                f"{access.called(hub)}: {len(exact)} splits are called after {split}: {shown}; say which with "
                f"--split-names {split}=NAME"
            )
        if exact:
            found[split] = exact[0]
    if len(there) == 1:
        return {"test" if scored else "train": there[0]}
    if scored:
        found = {split: name for split, name in found.items() if split != "train"} or found
    elif "train" not in found:
        raise RequestError(
            f"{access.called(hub)} has no train split, but {', '.join(there)}: say which with --split-names train=NAME"
        )
    return found
