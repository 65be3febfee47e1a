"""How well an encoder aligns two languages, as numbers, JSON, a sentence, and a figure by layer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.analysis.alignment import UNKNOWN_SAID, Direction, Side, align, sentence_side, word_side
from bertkit.analysis.bodies import load_body
from bertkit.analysis.places import analysis_folder, digest_of, figure_files, write_numbers
from bertkit.data.bilingual import Pairs, check_different, read_dictionary, read_parallel, read_texts
from bertkit.encoders import Encoder
from bertkit.errors import DataError
from bertkit.plots.by_layer import LayerLine, LayerPanel, draw_by_layer
from bertkit.progress import Progress
from bertkit.request.alignment_flags import AlignmentFlags
from bertkit.request.analyse_flags import chosen_layers
from bertkit.result import Score

WHAT = "alignment"


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """Both directions of a pair of languages, by layer.

    unit        "sentences" or "words"
    directions  from the first language to the second, and back
    notes       what was left out or cut, a line each
    """

    model: str
    unit: str
    languages: tuple[str, str]
    pairs: int
    directions: tuple[Direction, Direction]
    notes: tuple[str, ...]
    folder: Path

    @property
    def titles(self) -> tuple[str, str]:
        """What the directions are called."""
        one, other = self.languages
        return f"{one} → {other}", f"{other} → {one}"

    @property
    def figure(self) -> tuple[Path, Path]:
        """The figure, as PNG and SVG."""
        return figure_files(self.folder, WHAT)

    @property
    def numbers(self) -> Path:
        """The JSON."""
        return self.folder / f"{WHAT}.json"

    @property
    def sentence(self) -> str:
        """What was found, in one sentence."""
        mean = np.mean([[one.centred_mrr.value for one in way.layers] for way in self.directions], axis=0)
        layer = int(mean.argmax())
        parts = [
            f"{title} MRR {way.layers[layer].mrr.percent}, centred {way.layers[layer].centred_mrr.percent} "
            f"(chance {100 * way.chance[0]:.1f} %)"
            for title, way in zip(self.titles, self.directions, strict=True)
        ]
        return f"The {self.unit} align best at layer {layer}: {'; '.join(parts)}; the layer is chosen on these pairs."

    def plain(self) -> dict[str, Any]:
        """It, for JSON."""
        ways = {
            title: {"queries": way.queries, "candidates": way.candidates, "best": way.best,
                    "chance": {"mrr": way.chance[0], "top": way.chance[1]},
                    "layers": [asdict(one) for one in way.layers]}
            for title, way in zip(("forward", "back"), self.directions, strict=True)
        }  # fmt: skip
        return {
            "model": self.model, "unit": self.unit, "languages": list(self.languages), "pairs": self.pairs,
            "directions": ways, "sentence": self.sentence, "notes": list(self.notes),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What is aligned: pairs, and of words the texts that they are looked up in."""

    pairs: Pairs
    texts: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def alignment(encoder: Encoder, flags: AlignmentFlags, show: Callable[[str], Progress]) -> Alignment:
    """Align, and write the numbers and the figure. Raises DataError, EncoderError, RequestError."""
    read = _read(flags)
    with closing(show(f"alignment of {encoder.name}")) as progress:
        body = load_body(encoder, flags.device, flags.max_length)
        chosen_layers(flags.layers, body.layers)
        one, other = flags.languages
        if flags.dictionary is None:
            sides = (
                sentence_side(body, read.pairs.texts[0], one, progress),
                sentence_side(body, read.pairs.texts[1], other, progress),
            )
        else:
            most = flags.occurrences
            sides = (
                word_side(body, read.pairs.texts[0], read.texts[0], most, (one, progress)),
                word_side(body, read.pairs.texts[1], read.texts[1], most, (other, progress)),
            )
        directions = align(sides, read.pairs.links, progress)
    asked = [
        body.digest, body.window, flags.languages, read.pairs.links.tolist(), flags.occurrences,
        [digest_of(side) for side in (*read.pairs.texts, *read.texts)],
    ]  # fmt: skip
    found = Alignment(
        model=encoder.name, unit="sentences" if flags.dictionary is None else "words", languages=flags.languages,
        pairs=len(read.pairs), directions=directions, folder=analysis_folder(flags.out, WHAT, encoder.name, asked),
        notes=(*read.notes, *side_notes(sides, flags.languages, flags.dictionary is not None)),
    )  # fmt: skip
    _draw(found)
    write_numbers(found.folder, WHAT, found.plain())
    return found


def _read(flags: AlignmentFlags) -> _Read:
    if flags.dictionary is None:
        every = read_parallel(flags.parallel_files, flags.column_names)
        check_different(every.texts, flags.languages)
        return _Read(pairs=every.sampled(flags.pairs, flags.seed), texts=(), notes=pair_notes(every, flags.pairs))
    if flags.text is None:
        texts = read_parallel(flags.parallel_files, flags.column_names).texts
    else:
        texts = (read_texts(flags.text_files[0]), read_texts(flags.text_files[1]))
    check_different(texts, flags.languages)
    words = read_dictionary(flags.dictionary_files[0])
    there = occurring(words, texts)
    if not len(there):
        raise DataError(f"{flags.dictionary}: none of its {len(words):,} pairs occurs in the texts on both sides")
    lacking = f"{len(words) - len(there):,} of the dictionary's {len(words):,} pairs do not occur in both texts"
    notes = (lacking,) if len(there) < len(words) else ()
    return _Read(
        pairs=there.sampled(flags.pairs, flags.seed), texts=texts, notes=(*notes, *pair_notes(there, flags.pairs))
    )


def occurring(words: Pairs, texts: tuple[tuple[str, ...], ...]) -> Pairs:
    """The pairs of words that occur in the texts, each side in its own."""
    from bertkit.data.occurrences import occurrences

    there = [
        np.array([word in found for word in side], np.bool_)
        for side, found in (
            (words.texts[k], occurrences(words.texts[k], texts[k], 1)) for k in (0, 1)
        )
    ]  # fmt: skip
    return words.only(np.flatnonzero(there[0][words.links[:, 0]] & there[1][words.links[:, 1]]))


def pair_notes(pairs: Pairs, most: int) -> tuple[str, ...]:
    """What was left out of the pairs, a line each."""
    notes = [f"{count:,} pairs {why} are left out" for why, count in pairs.skipped.items()]
    if len(pairs) > most:
        notes.append(f"{most:,} of {len(pairs):,} pairs, drawn at random (--pairs)")
    return tuple(notes)


def side_notes(sides: tuple[Side, Side], languages: tuple[str, str], words: bool) -> tuple[str, ...]:
    """What a reader must know of how the texts, or the words in them, were read, a line each."""
    notes = []
    unit, cut = "texts", "texts are longer than the window: their end is not read"
    if words:
        unit, cut = "words", "occurrences of words are cut off by the window, in part or wholly"
    for side, name in zip(sides, languages, strict=True):
        if side.cut:
            notes.append(f"{name}: {side.cut:,} {cut}")
        if lost := int((~side.there).sum()):
            notes.append(f"{name}: {lost:,} {unit} have no token that is read, and are left out")
        if side.unknown >= UNKNOWN_SAID:
            notes.append(f"{name}: {100 * side.unknown:.0f} % of the tokens are unknown to the tokenizer")
    return tuple(notes)


def _draw(found: Alignment) -> None:
    panels = tuple(
        LayerPanel(
            title=f"{title}, {way.candidates:,} candidates", unit="MRR, %", percent=True,
            lines=(
                _line("centred", [one.centred_mrr for one in way.layers]),
                _line("raw", [one.mrr for one in way.layers]),
            ),
            levels=(("chance", way.chance[0]),),
        )
        for title, way in zip(found.titles, found.directions, strict=True)
    )  # fmt: skip
    draw_by_layer(panels, f"{found.model}: {found.unit} and their translations", found.figure)


def _line(label: str, scores: list[Score]) -> LayerLine:
    return LayerLine(
        label=label, values=tuple(one.value for one in scores), low=tuple(one.low for one in scores),
        high=tuple(one.high for one in scores),
    )  # fmt: skip
