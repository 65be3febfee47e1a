"""A user's own file or folder as an ordinary task: what it is taken for, and why. Light."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bertkit.data.profile import Column, Profile, merged
from bertkit.data.profiled import profiled, profiled_hub
from bertkit.errors import RequestError
from bertkit.heads import FROM_TRAIN, Classification, Head, Labels, MultiLabel, MultipleChoice, Number, Span, Tagging
from bertkit.heads.vectors import Vectors
from bertkit.request.guess import Guess
from bertkit.request.head_guess import guess_of
from bertkit.request.hub_files import hub_files, on_hub
from bertkit.request.own_files import NO_STEMS, OwnFiles, files_of
from bertkit.request.own_flags import OwnFlags
from bertkit.request.own_recipe import metrics_of, recipe_of, vector_recipe
from bertkit.request.roles import File, Roles
from bertkit.request.roles_guess import roles_of
from bertkit.request.understood import about, notes_of, understood
from bertkit.sources import HoldOut, Source
from bertkit.task import Evaluation, Task


@dataclass(frozen=True, kw_only=True)
class OwnTask:
    """A task made from files, and the folder they are in; `notes` are further lines for whoever asked."""

    task: Task
    data: str
    notes: tuple[str, ...]
    files: OwnFiles
    profiles: dict[str, Profile]
    roles: Roles
    guess: Guess


def own_task(typed: str | None, flags: OwnFlags, scored: bool = False) -> OwnTask:
    """The task that a path stands for. Raises RequestError if it is not clear, DataError if it cannot be read.

    `scored` takes a file for rows to score with a model that is there already.
    """
    files = hub_files(typed, flags, scored) if typed and on_hub(typed) else files_of(typed, flags, scored)
    profiles = {split: _profile(files, split) for split in files.splits}
    first = "train" if "train" in profiles else next(iter(profiles))
    form = files.formats.get(first)
    named = form is None or form.header or form.kind not in ("csv", "tsv")
    name = files.called(first) if form is None or form.kind != "folders" else files.name
    file = File(name=name, profile=profiles[first], named=named, flags=flags, scored=scored)
    roles = roles_of(file)
    labelled = _check_splits(files, profiles, roles, first)
    every = merged([profiles[split] for split in labelled])
    guess = guess_of(replace(file, profile=every), roles)
    task = _task(files, profiles, roles, guess, labelled, flags)
    return OwnTask(
        task=task, data=files.data, notes=notes_of(profiles, guess), files=files,
        profiles=profiles, roles=roles, guess=guess,
    )  # fmt: skip


def _profile(files: OwnFiles, split: str) -> Profile:
    return profiled_hub(files.hub, split) if files.hub else profiled(files.paths[split], files.formats[split])


def _check_splits(files: OwnFiles, profiles: dict[str, Profile], roles: Roles, first: str) -> list[str]:
    """The splits with golds. Raises RequestError if a file lacks a column that the first one has."""
    labelled = []
    for split, found in profiles.items():
        name = files.called(split)
        there = {one.name.strip().casefold() for one in found.columns}
        golds = [*roles.label, *([roles.tags] if roles.tags else []), *([roles.answers] if roles.answers else [])]
        for role, columns in roles.columns.items():
            lacking = [column for column in columns if column.strip().casefold() not in there]
            if lacking and role not in ("id", "group") and not (split == "test" and set(columns) <= set(golds)):
                has = ", ".join(one.name for one in found.columns)
                raise RequestError(
                    f"{name} has no column '{lacking[0]}', which {files.called(first)} has as the {role}; it has {has}"
                )
        filled = {one.name.strip().casefold() for one in found.columns if one.filled}
        if all(column.strip().casefold() in filled for column in golds):
            labelled.append(split)
    return labelled


def _task(
    files: OwnFiles, profiles: dict[str, Profile], roles: Roles, guess: Guess, labelled: list[str], flags: OwnFlags
) -> Task:
    train = profiles.get("train")
    rows = train.rows if train else 0
    plan = HoldOut() if flags.dev_share is None else HoldOut(share=flags.dev_share, most=None)
    held = plan if train and "dev" not in profiles else None
    metrics = metrics_of(guess.head, len(guess.labels.names), guess.no_answer, guess.by_chars)
    if roles.vectors is None:
        recipe = recipe_of(guess.head, rows, _read_together(profiles[next(iter(profiles))], roles))
    else:
        recipe = vector_recipe(rows, max(one.by_name[roles.vectors].longest for one in profiles.values()))
    return Task(
        name=files.name,
        about=about(roles, guess),
        head=head_of(roles, guess),
        source=_source(files, roles, guess, held),
        evaluations=_evaluations(profiles, labelled, metrics),
        recipe=recipe,
        understood=understood(files, profiles, roles, guess, recipe, held),
        sample_recipe=recipe,
    )


def _read_together(profile: Profile, roles: Roles) -> list[Column]:
    """The columns whose cells a model reads at once: of choices the longest one's."""
    asked = () if roles.answers else roles.columns.get("question", ())
    names = [name for role in ("text", "text_pair", "words") for name in roles.columns.get(role, ())]
    choices = sorted((profile.by_name[name] for name in roles.choices), key=lambda one: one.characters)
    return [profile.by_name[name] for name in (*names, *asked)] + choices[-1:]


def _evaluations(profiles: dict[str, Profile], labelled: list[str], metrics: tuple[str, ...]) -> tuple[Evaluation, ...]:
    found = [Evaluation(name="dev", split="dev", metrics=metrics)] if "dev" in profiles or "train" in profiles else []
    if "test" in profiles:
        scored = "test" in labelled
        found.append(
            Evaluation(name="test", split="test", metrics=metrics if scored else (), scored=scored, at_end=bool(found))
        )
    return tuple(found)


def head_of(roles: Roles, guess: Guess) -> Head:
    """The head of a guess."""
    names: Labels = guess.labels.names or FROM_TRAIN
    pair, vectors = bool(roles.pair), Vectors(width=guess.width) if guess.width else None
    if guess.head == "regression":
        return Classification(labels=Number(scaled=True), pair=pair, vectors=vectors)
    if guess.head == "classification":
        return Classification(labels=names, pair=pair, vectors=vectors)
    if guess.head == "multi-label":
        return MultiLabel(labels=guess.labels.names, pair=pair)
    if guess.head == "multiple-choice":
        return MultipleChoice(question=roles.question is not None, by_text=guess.by_text)
    if guess.head == "qa":
        return Span(no_answer=guess.no_answer)
    return Tagging(labels=names, scheme=guess.scheme, vectors=vectors)


def _source(files: OwnFiles, roles: Roles, guess: Guess, held: HoldOut | None) -> Source:
    columns = {role: names[:1] for role, names in roles.columns.items() if role != "start"}
    if roles.start:
        columns["answer_start"] = (roles.start,)
    joined = {role: names for role, names in roles.columns.items() if role in ("text", "text_pair") and len(names) > 1}
    return Source(
        hub=files.hub,
        files=files.files,
        stems=NO_STEMS,
        formats=files.formats,
        columns=columns,
        joined=joined,
        listed={"choices": roles.choices} if len(roles.choices) > 1 else {},
        separator=guess.separator,
        indicators=guess.indicators,
        written=guess.written,
        labels=guess.labels.spellings,
        hold_out=held,
    )
