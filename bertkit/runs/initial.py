"""The model that a run starts from, before its first update."""

from __future__ import annotations

from bertkit.encoders import locate_encoder
from bertkit.heads import Head
from bertkit.models.adapt import adapted
from bertkit.models.load import Loaded, load
from bertkit.models.redraw import redrawn
from bertkit.models.token_map import mapped
from bertkit.spec import Spec


def initial(source: Spec, head: Head) -> Loaded:
    """The encoder of `source` under `head`, as a run starts with it; all that is drawn is drawn from the spec's seed.

    source  the spec with its paths resolved and Hub revisions pinned
    head    its labels resolved

    Raises EncoderError, or RequestError for layers that the encoder does not have, or a map that it has no words for.
    """
    encoder = locate_encoder(source.model, source.revision, weights=not source.scratch)
    loaded = load(encoder, head, source.scratch, source.seed, source.keep_head, source.label_map)
    return adapted(mapped(redrawn(loaded, source), source.token_map), source.recipe, source.seed)
