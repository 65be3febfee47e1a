"""What stands in the place of the tokens that are predicted."""

from __future__ import annotations

import numpy as np

from bertkit.errors import RequestError
from bertkit.heads.features import IGNORED, Ragged
from bertkit.objectives.choose import Spans
from bertkit.objectives.rows import Draws, Indices, Pieces, Stream
from bertkit.objectives.sequences import positions

LIMITS = {"80-10-10": (0.8, 0.9), "mask": (1.0, 1.0), "random": (0.0, 1.0)}
"""Below the first a uniform number makes a mask token, below the second a random token; else nothing changes."""


def replaced(
    tokens: Ragged, spans: Spans, replacement: str, together: bool, rows: Indices, draws: Draws, pieces: Pieces
) -> tuple[Ragged, Ragged]:
    """What the model sees, and the targets: the tokens of the spans, IGNORED elsewhere. Both are int32.

    What stands in a token's place is drawn for each, or for all of a span where they are replaced `together`. A
    random token is any that is not special, each as likely as any other. Raises RequestError if there is no mask token.
    """
    masks, changes = LIMITS[replacement]
    if pieces.mask is None and masks:
        raise RequestError("the tokenizer has no mask token, which this objective needs: use another tokenizer")
    lengths = spans.end - spans.begin
    row, place = np.repeat(spans.row, lengths), positions(spans.begin, lengths)
    flat = tokens.offsets[row] + place
    kind = draws.uniform(Stream.KINDS, rows[row], np.repeat(spans.begin, lengths) if together else place)
    plain = pieces.plain
    others = plain[(draws.uniform(Stream.TOKENS, rows[row], place) * len(plain)).astype(np.int64)]
    seen, targets = tokens.values.astype(np.int32), np.full(len(tokens.values), IGNORED, np.int32)
    targets[flat] = seen[flat]
    seen[flat] = np.where(kind < masks, pieces.mask or 0, np.where(kind < changes, others, seen[flat]))
    return Ragged(seen, tokens.offsets), Ragged(targets, tokens.offsets)
