"""The train and evaluation rows of a run, counted against the published numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bertkit.data.absent_labels import absent_labels, naming_absent, naming_unknown
from bertkit.data.class_weights import with_loss, with_shares
from bertkit.data.halves import half_of
from bertkit.data.hold_out import hold_out, select_rows
from bertkit.data.leaks import Mask, leaked
from bertkit.data.locate import TRAIN, SplitFiles, folder_of, held_out_for, locate_splits
from bertkit.data.rows import Rows, read_files, read_hub
from bertkit.data.train_share import share_rows
from bertkit.data.vectors import with_vectors
from bertkit.errors import DataError
from bertkit.heads import Head
from bertkit.result import RowCount
from bertkit.sources import Source
from bertkit.spec import SAMPLE, Spec
from bertkit.task import Task

SELECTION = "selection"
OF_TRIAL = "not scored in a trial of a search"


@dataclass(frozen=True, kw_only=True)
class Splits:
    """A run's rows.

    head         the task's head, its labels resolved
    evaluations  by name, the rows, or a text that says why there are none
    published    by name, the published number of rows
    selection    rows taken out of train, on which something is selected in training; they are never scored
    """

    head: Head
    train: Rows | None
    evaluations: Mapping[str, Rows | str]
    published: Mapping[str, int]
    selection: Rows | None = None

    def counts(
        self, cut: Mapping[str, int], counted: Mapping[str, Mapping[str, int]] | None = None
    ) -> dict[str, RowCount]:
        """Per split: rows used, rows that max_length truncated (`cut`), and other counts (`counted`)."""
        return {
            name: RowCount(
                used=len(rows),
                there=rows.there,
                published=self.published.get(name),
                origin=rows.origin,
                digest=rows.digest,
                notes=rows.notes,
                cut=cut.get(name, 0),
                counted=(counted or {}).get(name, {}),
            )
            for name, rows in self.rows.items()
        }

    @property
    def rows(self) -> dict[str, Rows]:
        """The rows of every split that has some, by name."""
        parts = {TRAIN: self.train, SELECTION: self.selection, **self.evaluations}
        return {name: rows for name, rows in parts.items() if isinstance(rows, Rows)}

    def leaked(self) -> dict[str, Mask]:
        """By evaluation that has rows, (R,) which of them equal train rows in all their texts."""
        evaluations = {name: rows for name, rows in self.evaluations.items() if isinstance(rows, Rows)}
        trained = [rows for rows in (self.train, self.selection) if rows]
        return leaked(evaluations, trained, self.head.roles[:-1])

    @property
    def commits(self) -> dict[str, str | None]:
        """The commit of every Hub dataset that was read."""
        return {rows.hub.id: rows.hub.revision for rows in self.rows.values() if rows.hub}


def read_splits(spec: Spec, training: bool = True) -> Splits:
    """All rows of the run. Raises DataError if they are missing or cannot be read."""
    return read_located_splits(spec, locate_splits(spec.task, spec.data, training), training)


def read_located_splits(
    spec: Spec, files: SplitFiles | None, training: bool = True, labels: Sequence[str] = ()
) -> Splits:
    """The rows of `files`, as `locate_splits` found them. Raises DataError if they cannot be read.

    labels  the names of a trained model's labels, where no train rows say them
    """
    task, head = spec.task, spec.task.head
    held_out = held_out_for(task, files)

    def read(name: str, source: Source, split: str, golds: bool = True) -> Rows | None:
        skips, folder = spec.on_bad_row == "skip", folder_of(task, spec.data) if source.halved_by else None
        if files is None:
            return half_of(read_hub(source, split, head, golds, skips), source, split, head, folder)
        located = files[name]
        rows = read_files(located, source, head, golds, skips) if located else None
        return half_of(rows, source, split, head, folder) if rows else None

    train = read(TRAIN, task.source, TRAIN) if training or held_out else None
    parts: dict[str, Rows | str] = {}
    if held_out:
        assert train and task.source.hold_out
        train, parts[held_out] = hold_out(train, head, task.source.hold_out)
    golds = train.table.column(head.roles[-1]) if train else labels
    resolved = head.resolved(golds) if golds else head
    if resolved.label_names and not head.scores_unknown:
        head = resolved  # to read the evaluations with
    for e in task.evaluations:
        if e.name != held_out and not (spec.trial and (train or not training)):
            parts[e.name] = read(e.name, task.source_of(e), e.split, e.scored) or f"no {e.split} split"
    published = _published(spec, held_out)
    if training and train is None:
        train, parts = _carved(task, spec, parts)
        resolved = head.resolved(train.table.column(head.roles[-1]))
        published = {}  # neither part is a published split
    if spec.trial:  # dev rows are taken out of train, where they are a part of it, and not kept
        parts = dict.fromkeys((e.name for e in task.evaluations), OF_TRIAL)
    train, selection = _selected(spec, _used(spec, train, resolved) if train and training else None, resolved)
    absent = absent_labels(train, resolved)
    parts = _limited(spec, parts, resolved, absent)
    return Splits(
        head=with_vectors(with_loss(with_shares(resolved, train), spec.recipe, train), train) if train else resolved,
        train=train and naming_absent(train, absent),
        evaluations={e.name: parts[e.name] for e in task.evaluations},
        published=published,
        selection=selection,
    )


def _limited(spec: Spec, parts: Mapping[str, Rows | str], head: Head, absent: Sequence[str]) -> dict[str, Rows | str]:
    """The evaluations' rows, at most `spec.limit` of each, with a note on labels that no train row has."""
    scored = {evaluation.name for evaluation in spec.task.scored}
    return {
        name: naming_unknown(part.limited(spec.limit), name in scored, head, absent) if isinstance(part, Rows) else part
        for name, part in parts.items()
    }


def _published(spec: Spec, held_out: str | None) -> dict[str, int]:
    """By name, the published number of rows of each split that has one, and is not a part of another."""
    task = spec.task
    counts = {e.name: task.source_of(e).rows.get(e.split, 0) for e in task.evaluations}
    counts[TRAIN] = task.source.rows.get(TRAIN, 0)
    parts = (TRAIN, held_out) if held_out else ()
    return {name: count for name, count in counts.items() if count and name not in parts and spec.data != SAMPLE}


def _used(spec: Spec, train: Rows, head: Head) -> Rows:
    """The train rows of the spec's limit, or its share of them."""
    train = train.limited(spec.limit)
    return train if spec.train_share is None else share_rows(train, head, spec.train_share, spec.seed)


def _selected(spec: Spec, train: Rows | None, head: Head) -> tuple[Rows | None, Rows | None]:
    """The train rows, and those of them on which something is selected, if the spec asks for it."""
    return select_rows(train, head) if train and spec.selects else (train, None)


def _carved(task: Task, spec: Spec, parts: dict[str, Rows | str]) -> tuple[Rows, dict[str, Rows | str]]:
    plan = task.source.carve
    assert plan is not None  # locate_splits
    name = next(e.name for e in task.evaluations if e.split == plan.dev)
    rows = parts[name]
    assert isinstance(rows, Rows)
    note = f"no {TRAIN} split: some documents of {plan.dev} are for training, the others for scoring"
    train, dev = carve(replace(rows, notes=(*rows.notes, note), carved=True), spec.seed, plan.train, plan.of)
    return train, {**parts, name: dev}


def marks_of(spec: Spec, splits: Splits) -> tuple[str, ...]:
    """Why this run's scores are not benchmark scores, a line each; () if they are."""
    if spec.data == SAMPLE:
        return ("sample: shipped rows, not benchmark scores",)
    marks = [f"{name}: {rows.origin}" for name, rows in splits.rows.items() if rows.carved]
    for name, count in splits.counts({}).items():
        if count.published is not None and not count.is_complete:
            marks.append(f"{name}: {count.used:,} of {count.published:,} rows")
        elif count.used != count.there:
            marks.append(f"{name}: the first {count.used:,} of {count.there:,} rows")
    if spec.train_share is not None and splits.train:
        marks.append(f"{TRAIN}: {splits.train.origin}")
    marks += [f"{name}: {reason}" for name, reason in splits.evaluations.items() if isinstance(reason, str)]
    return tuple(marks)


def carve(rows: Rows, seed: int, train: int, of: int) -> tuple[Rows, Rows]:
    """Split a dev split by groups (documents), drawn by `seed`, into train and dev rows.

    Of G groups round(G * train / of) are for training. Raises DataError for fewer than two groups.
    """
    import hashlib

    import numpy as np

    groups = rows.table["group"]
    names = sorted(set(groups))
    if len(names) < 2:
        raise DataError(f"{rows.origin} has one document only: it cannot be split into train and dev rows")
    count = min(max(round(len(names) * train / of), 1), len(names) - 1)
    chosen = {names[i] for i in np.random.default_rng(seed).permutation(len(names))[:count]}
    place = {
        True: f"{count} of {len(names)} documents",
        False: f"{len(names) - count} of {len(names)} documents",
    }
    parts = []
    for training in (True, False):
        picked = [i for i, group in enumerate(groups) if (group in chosen) == training]
        parts.append(
            replace(
                rows,
                table=rows.table.select(picked),
                origin=f"{place[training]} of {rows.origin}, drawn by seed {seed}",
                digest=hashlib.sha256(f"{rows.digest} {seed} {training}".encode()).hexdigest(),
                there=len(picked),
            )
        )
    return parts[0], parts[1]
