"""What a pretraining run trains: its tokenizer, rows, and model, before the first update.

V tokens of the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator
from numpy.typing import NDArray

from bertkit.data.corpus import CorpusText
from bertkit.data.corpus_features import CorpusFeatures
from bertkit.data.tokens import TokenFiles, rows_of, tokenised
from bertkit.errors import RequestError
from bertkit.heads.features import IGNORED
from bertkit.kernels.dense import NAME as DENSE
from bertkit.kernels.unpadded import fits
from bertkit.models.digests import config_digest, tokenizer_digest
from bertkit.models.language_model import LanguageModel
from bertkit.models.layout import BatchLayout
from bertkit.models.load import Loaded, save
from bertkit.models.shapes import config_of, fresh, with_dropout
from bertkit.models.start import fast_start
from bertkit.models.vocabularies import pieces_of
from bertkit.objectives.rows import Pieces
from bertkit.pretraining import PretrainSpec
from bertkit.progress import Progress
from bertkit.runs.pretrain_claim import PretrainClaim
from bertkit.runs.pretrain_tokenizer import tokenizer_for

HELD_OUT_SEED = 2018
"""Of what is random in the held-out rows: the same in every run, so that runs can be compared."""

DENSELY = ("bert", "roberta", "albert")
"""Architectures whose attention is computed by kernels/dense.py, for short rows without padding and dropout."""
SHORT = 512
COUNTED = 1_000
"""Rows whose special targets are counted."""
LOOKED_AT = 8
"""Rows that are looked at to see whether anything is predicted."""


@dataclass(frozen=True, kw_only=True)
class PretrainParts:
    """A run's rows and model.

    train, held_out  the rows; `held_out` is None where no text is held out
    log_unigram      (V,) the logarithm of each token's share of what is predicted, every token counted once more
    config           the model's config as it is saved: with the architecture's own dropout
    """

    model: LanguageModel
    train: CorpusFeatures
    held_out: CorpusFeatures | None
    log_unigram: NDArray[np.float64]
    config: Any


def parts_of(run: PretrainClaim) -> PretrainParts:
    """The tokenizer learnt or loaded, the text tokenised, the model drawn. Raises RequestError."""
    spec, progress = run.spec, run.progress
    tokenizer = tokenizer_for(run.text, run.located, progress)
    pieces = pieces_of(tokenizer)
    files = tokenised(run.text, "train", tokenizer, progress)
    train = features_of(spec, files, pieces)
    config = config_of(spec.architecture, spec.shape, tokenizer, spec.max_length)
    log_unigram = log_shares(files, train)
    network = fresh(spec.objective.auto_models[spec.architecture], with_dropout(config, spec.dropout), spec.seed)
    if spec.start == "fast":
        fast_start(network, log_unigram)
    loaded = Loaded(model=network, tokenizer=tokenizer, record=_record(spec, network, tokenizer, config))
    model = LanguageModel(loaded=loaded, layout=layout_of(spec, network, run.accelerator), accelerator=run.accelerator)
    return PretrainParts(
        model=model, train=train, held_out=_held_out(run.text, spec, tokenizer, pieces, progress),
        log_unigram=log_unigram, config=config,
    )  # fmt: skip


def log_shares(files: TokenFiles, train: CorpusFeatures) -> NDArray[np.float64]:
    """(V,) the logarithm of each token's share of what is predicted, every token counted once more than it occurs.

    Those of the text are counted. Others, as the end tokens of causal models and T5's sentinels, have the share that
    they have in rows spread over the text.
    """
    special = train.pieces.special
    counts = np.ones(len(special))
    counts[: len(files.frequencies)] += files.frequencies
    rows = np.unique(np.linspace(0, len(train) - 1, min(len(train), COUNTED)).astype(np.int64))
    seen = np.zeros(len(special))
    for part in train.batches(rows):
        assert part.targets is not None
        targets = part.targets.values
        seen += np.bincount(targets[targets != IGNORED], minlength=len(seen))
    counts[special] += seen[special] / max(1.0, float(seen[~special].sum())) * float(files.frequencies.sum())
    found: NDArray[np.float64] = np.log(counts / counts.sum())
    return found


def features_of(spec: PretrainSpec, files: TokenFiles, pieces: Pieces) -> CorpusFeatures:
    """The rows of a part of the text. Raises RequestError or DataError if there are too few for the objective."""
    objective, seed = spec.objective, spec.seed if files.part == "train" else HELD_OUT_SEED
    rows = rows_of(files, objective.cut, objective.room(spec.max_length, pieces), pieces.end)
    if objective.least_documents > 1 and rows.documents[0] == rows.documents[-1]:
        hold = ", hold out more by --held-out" if files.part == "held-out" else ""
        raise RequestError(
            f"--objective {objective.kind} needs {files.part} text of two documents or more with at least two "
            f"sentences each, and there is one: give more text{hold}, or say by --documents what a document is"
        )
    found = CorpusFeatures(rows=rows, objective=objective, pieces=pieces, room=spec.max_length, seed=seed)
    _check_targets(found)
    return found


def _check_targets(features: CorpusFeatures) -> None:
    """Raise RequestError if nothing is predicted in the first rows: where words are not parted, none fits a mask."""
    targets = features.take(np.arange(min(LOOKED_AT, len(features)))).targets
    if targets is not None and (targets.values != IGNORED).any():
        return
    if not features.objective.kind.startswith("mlm"):
        raise RequestError("the text is too short: nothing of it can be predicted")
    raise RequestError(
        "nothing of the text can be masked: to this vocabulary its words are longer than --mlm-probability of a row, "
        "or unknown; give --masking subword, or --vocabulary wordpiece or characters"
    )


def _held_out(
    text: CorpusText, spec: PretrainSpec, tokenizer: Any, pieces: Pieces, progress: Progress
) -> CorpusFeatures | None:
    """The held-out rows; None where there are none. Raises DataError if their text has no tokens."""
    if not text.counts.held_out:
        return None
    return features_of(spec, tokenised(text, "held-out", tokenizer, progress), pieces)


def _record(spec: PretrainSpec, network: Any, tokenizer: Any, config: Any) -> dict[str, Any]:
    return {
        "name": f"{spec.architecture} {spec.shape.name}",
        "model_type": config.model_type,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "vocabulary": len(tokenizer),
        "tokenizer": tokenizer_digest(tokenizer),
        "config": config_digest(config),
    }


def layout_of(spec: PretrainSpec, network: Any, accelerator: Accelerator) -> BatchLayout:
    """Unpadded where rows differ in length, or where there is dropout in attention, as far as the model can."""
    differ = spec.objective.cut == "sentences" or bool(spec.dropout) or spec.max_length > SHORT
    if differ and accelerator.device.type == "cpu" and fits(network):
        return BatchLayout(layout="unpadded", order="random")
    return padded_layout(network, accelerator)


def padded_layout(network: Any, accelerator: Accelerator) -> BatchLayout:
    """The layout of rows of one length without dropout, with the attention that is fastest for them."""
    if accelerator.device.type == "cpu" and network.config.model_type in DENSELY:
        network.set_attn_implementation(DENSE)
    return BatchLayout(layout="padded", order="random")


def save_model(loaded: Loaded, config: Any, folder: Path) -> None:
    """Write the model, with the config that it is saved with, and its tokenizer. Raises OSError."""
    network, own = loaded.model, loaded.model.config
    network.config = config
    try:
        save(loaded, folder)
    finally:
        network.config = own
