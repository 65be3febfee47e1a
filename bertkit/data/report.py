"""Everything that `bertkit check` says of a spec's rows, as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bertkit.data.inspect import Inspected, Overlap, blocks, inspect, overlaps
from bertkit.data.locate import TRAIN
from bertkit.data.rows import Rows
from bertkit.data.splits import SELECTION, Splits, read_splits
from bertkit.data.token_lengths import Tokens, count_tokens, read_tokenizer
from bertkit.encoders import DEFAULT, SAMPLE_PACKAGE, Encoder, locate_encoder
from bertkit.errors import EncoderError
from bertkit.heads.names import name_of
from bertkit.sources import Source
from bertkit.spec import SAMPLE, Spec, to_plain

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SHOWN = 5
UNKNOWN = 0.01
"""The share of unknown tokens from which it is said that something is wrong."""


@dataclass(frozen=True, kw_only=True)
class SplitReport:
    """What one split holds; `tokens` if there is a tokenizer, and `bad` rows that are left out, with their places."""

    name: str
    origin: str
    found: Inspected
    tokens: Tokens | None
    bad: tuple[str, ...]
    notes: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        found = self.found
        return {
            "split": self.name,
            "origin": self.origin,
            "rows": found.rows,
            "labels": dict(found.labels),
            "numbers": found.numbers and to_plain(found.numbers),
            "characters": to_plain(found.characters),
            "words": to_plain(found.words),
            "tokens": self.tokens and to_plain(self.tokens),
            "duplicates": found.duplicates,
            "near_duplicates": found.near,
            "texts_with_two_labels": found.two_labels,
            "bad_rows": list(self.bad),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a spec's rows are; `wrong` has a line for each thing that is wrong with them.

    tokenizer  whose tokens are counted, or why none are
    """

    spec: Spec
    labels: tuple[str, ...]
    splits: tuple[SplitReport, ...]
    overlaps: tuple[Overlap, ...]
    missing: Mapping[str, str]
    tokenizer: str
    notes: tuple[str, ...]
    wrong: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        task = self.spec.task
        return {
            "task": task.name,
            "about": task.about,
            "head": name_of(task.head),
            "scheme": task.head.chunk_scheme,
            "data": self.spec.data,
            "columns": columns_of(task.source),
            "labels": list(self.labels),
            "understood": list(task.understood),
            "notes": list(self.notes),
            "splits": [one.plain() for one in self.splits],
            "overlaps": [to_plain(one) for one in self.overlaps],
            "missing": dict(self.missing),
            "tokenizer": self.tokenizer,
            "max_length": self.spec.recipe.window.max_length,
            "wrong": list(self.wrong),
        }


def columns_of(source: Source) -> dict[str, str | list[str]]:
    """For each role the name of its column, or the names of several."""
    several = {**source.joined, **source.listed, **({"label": source.indicators} if source.indicators else {})}
    return {role: list(several[role]) if role in several else names[0] for role, names in source.columns.items()}


def report_on(spec: Spec, typed_model: str | None, notes: tuple[str, ...]) -> Report:
    """Read and look at all rows of a spec. Raises DataError if they cannot be read."""
    splits = read_splits(spec)
    of_vectors = splits.head.of_vectors is not None
    tokenizer, name = (None, "none, the rows are vectors") if of_vectors else _tokenizer(spec, typed_model)
    golds = {e.name: e.scored for e in spec.task.evaluations} | {TRAIN: True, SELECTION: True}
    found = {split: inspect(rows, splits.head, golds[split]) for split, rows in splits.rows.items()}
    parts = tuple(_split(split, rows, found[split], splits, tokenizer, spec) for split, rows in splits.rows.items())
    shared = tuple(overlaps(found))
    return Report(
        spec=spec,
        labels=splits.head.label_names,
        splits=parts,
        overlaps=shared,
        missing={n: why for n, why in splits.evaluations.items() if isinstance(why, str)},
        tokenizer=name,
        notes=notes,
        wrong=(*_wrong(parts, splits, spec.recipe.window.max_length), *_leaks(shared)),
    )


def _split(
    name: str, rows: Rows, found: Inspected, splits: Splits, tokenizer: Tokenizer | None, spec: Spec
) -> SplitReport:
    return SplitReport(
        name=name,
        origin=rows.origin,
        found=found,
        tokens=count_tokens(rows, splits.head, tokenizer, spec.recipe.window) if tokenizer else None,
        bad=tuple(f"{one.place}: {one.why}" for one in rows.skipped),
        notes=rows.notes,
    )


def _tokenizer(spec: Spec, typed: str | None) -> tuple[Tokenizer | None, str]:
    """The tokenizer of the spec's encoder, if it is on this machine, and its name; else why there is none.

    The default encoder's vocabulary is the sample encoder's too.
    """
    names = [spec.model, *([SAMPLE] if typed is None and spec.model == DEFAULT else [])]
    for name in names:
        try:
            encoder = locate_encoder(name, spec.revision, weights=False)
        except EncoderError:
            if typed is not None:
                raise
            continue
        folder = encoder.folder or _cached(encoder)
        found = read_tokenizer(folder) if folder else None
        if found:
            shown = f"{DEFAULT} (the vocabulary of {SAMPLE_PACKAGE})" if name == SAMPLE and typed is None else name
            return found, shown
    return None, f"not counted: no tokenizer.json of {spec.model} on this machine; give one with --model"


def _cached(encoder: Encoder) -> Any:
    """The folder of a Hub's model in the cache; None if its tokenizer is not there."""
    from pathlib import Path

    from huggingface_hub import try_to_load_from_cache

    for name in ("tokenizer.json", "vocab.txt"):
        found = try_to_load_from_cache(encoder.place, name, revision=encoder.revision)
        if isinstance(found, str):
            return Path(found).parent
    return None


def _wrong(parts: tuple[SplitReport, ...], splits: Splits, length: int) -> Iterator[str]:
    """A line for each thing that is wrong within a split, or with its labels."""
    trained = next((one.found.labels for one in parts if one.name == TRAIN), {})
    for part in parts:
        found = part.found
        if part.bad:
            yield f"{part.name}: {_rows(len(part.bad))} left out: {part.bad[0]}"
        if found.duplicates:
            yield f"{part.name}: {_rows(found.duplicates)} the same as an earlier one"
        if found.two_labels:
            yield f"{part.name}: {found.two_labels:,} {_texts(found.two_labels)} with different labels"
        if splits.head.of_vectors and found.words.max > length:
            yield f"{part.name}: the longest row has {found.words.max:,} vectors; rows are cut at --max-length {length}"
        if part.tokens and part.tokens.unknown > UNKNOWN * part.tokens.total:
            share = part.tokens.unknown / part.tokens.total
            yield f"{part.name}: {share:.1%} of the tokens are unknown to this vocabulary"
        if part.name == TRAIN:
            single = [name for name, rows in found.labels.items() if rows == 1]
            if single:
                yield f"train: {len(single):,} label{'s' * (len(single) > 1)} of one row: {_few(single)}"
        elif trained:
            absent = [name for name, rows in found.labels.items() if rows and not trained.get(name)]
            yield from (_absent(part.name, name, found.labels[name], splits) for name in absent[:SHOWN])
            if len(absent) > SHOWN:
                yield f"{part.name}: {len(absent) - SHOWN:,} more labels that train does not have"


def _absent(split: str, label: str, count: int, splits: Splits) -> str:
    """A label that train does not have, with its rows."""
    gold = splits.head.roles[-1]
    places: list[str] = []
    for columns in blocks(splits.rows[split], ["row_id", gold]):
        for row, cell in zip(columns["row_id"], columns[gold], strict=True):
            if (label in cell if isinstance(cell, list) else cell == label) and len(places) < SHOWN:
                places.append(row)
    more = ", ..." if count > len(places) else ""
    return f"{split}: train has no row of the label '{label}', {split} {count:,} (row ids {', '.join(places)}{more})"


def _leaks(shared: tuple[Overlap, ...]) -> Iterator[str]:
    for one in shared:
        if one.normalised:
            exact = "" if one.exact == one.normalised else f" ({one.exact:,} of them letter by letter)"
            verb = "stand" if one.normalised > 1 else "stands"
            yield f"{one.split}: {_rows(one.normalised)} {verb} in {one.other} too{exact}"


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _texts(count: int) -> str:
    return f"text{'s' * (count != 1)}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
