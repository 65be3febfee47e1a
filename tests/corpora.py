"""Small corpora for pretraining: short sentences drawn from lists of words."""

from __future__ import annotations

import random
from pathlib import Path

_LISTS = """
The A One Every No This Her Their
old new red small kind quiet broken golden heavy empty early hidden
house boat river window teacher garden letter mountain horse kitchen singer island button lantern
finds leaves follows remembers paints carries opens sells forgets answers watches builds
"""
OPENED, KINDS, THINGS, DEEDS = (line.split() for line in _LISTS.strip().splitlines())
WHERE = ("by the sea", "in the morning", "behind the school", "after the war", "at noon", "under a bridge")


def sentence(draws: random.Random) -> str:
    """A sentence of eight to ten words."""
    one, other = draws.sample(THINGS, 2)
    first, second = draws.choices(KINDS, k=2)
    return f"{draws.choice(OPENED)} {first} {one} {draws.choice(DEEDS)} the {second} {other} {draws.choice(WHERE)}."


def documents(count: int, seed: int = 1, sentences: tuple[int, int] = (2, 5)) -> list[str]:
    """Different documents of so many sentences, one a line."""
    draws = random.Random(seed)
    return ["\n".join(sentence(draws) for _ in range(draws.randint(*sentences))) for _ in range(count)]


def write_corpus(path: Path, count: int = 60, seed: int = 1) -> Path:
    """A text file of documents parted by blank lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(documents(count, seed)) + "\n", "utf-8")
    return path


SMALL = {
    "device": "cpu", "shape": "1/32/2", "max_length": 32, "batch_size": 4, "vocab_size": 120, "held_out": "10%",
    "budget": "9step", "precision": "fp32",
}  # fmt: skip
"""Options of a run of a second or two, for bertkit.pretrain; 120 tokens are too few for byte-level vocabularies."""


def typed(corpus: Path, **options: object) -> list[str]:
    """`pretrain CORPUS` with SMALL, and other options in its place, as it is typed after `bertkit`."""
    given = {**SMALL, **options}
    pairs = [[f"--{name.replace('_', '-')}", str(value)] for name, value in given.items() if value is not True]
    switches = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is True]
    return ["pretrain", str(corpus), *(part for pair in pairs for part in pair), *switches, "--quiet"]
