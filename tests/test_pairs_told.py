"""A model's answers to pairs of segments are those of transformers, a pair at a time, masked and whole."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers
from text_rows import MemoryRows, pieces

from bertkit.data.corpus_features import CorpusFeatures
from bertkit.evaluation.pairs import READINGS, Reading, classes_of, told, whole
from bertkit.heads.features import IGNORED
from bertkit.models.language_model import LanguageModel
from bertkit.models.layout import BatchLayout
from bertkit.objectives.pairs import MaskedNextSentence, MaskedPair, MaskedSentenceOrder
from bertkit.progress import Progress

WORDS = pieces(60)
DRAWS = np.random.default_rng(2)
ROWS = MemoryRows(
    [[DRAWS.choice(WORDS.plain, DRAWS.integers(3, 9)).tolist() for _ in range(4)] for _ in range(70)],
    of=[row // 10 for row in range(70)],
)
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def model_of(layout: Any, source: CorpusFeatures, rows: Any) -> LanguageModel:
    """A model at random, with dropout where it is not switched off, that gives each class to half of the pairs."""
    torch.manual_seed(3)
    network: Any = transformers.BertForPreTraining(transformers.BertConfig(vocab_size=WORDS.size, **SIZES))
    network.eval()
    both = torch.cat([logits(network, source, row, "whole") for row in rows])
    network.cls.seq_relationship.bias.data[1] -= (both[:, 1] - both[:, 0]).quantile(0.5)  # between two rows
    network.train()
    loaded: Any = SimpleNamespace(model=network, pad=0, first_position=0)
    how = BatchLayout(layout=layout, order="random")
    return LanguageModel(loaded=loaded, layout=how, accelerator=tiny.accelerator())


def logits(network: Any, source: CorpusFeatures, row: int, reading: Reading) -> torch.Tensor:
    """The logits (1, 2) of a pair by transformers' own forward pass, without a batch."""
    pair = source.take(np.array([row]))
    assert pair.targets is not None
    seen, targets = pair.inputs["input_ids"][0], pair.targets[0]
    ids = np.where(targets == IGNORED, seen, targets) if reading == "whole" else seen
    segments = torch.from_numpy(pair.inputs["token_type_ids"][0].astype(np.int64))[None]
    with torch.no_grad():
        output = network(input_ids=torch.from_numpy(ids.astype(np.int64))[None], token_type_ids=segments)
    found: torch.Tensor = output.seq_relationship_logits
    return found


@pytest.mark.parametrize("layout", ["padded", "unpadded"])
@pytest.mark.parametrize("objective", [MaskedNextSentence(), MaskedSentenceOrder()], ids=["nsp", "sop"])
def test_pairs_are_told_as_by_transformers(objective: MaskedPair, layout: str) -> None:
    source = CorpusFeatures(rows=ROWS, objective=objective, pieces=WORDS, room=64, seed=4)
    rows = np.arange(1, 69, 2)
    model = model_of(layout, source, rows)
    answers = {reading: told(model, source, rows, reading, Progress()).tolist() for reading in READINGS}
    for reading in READINGS:
        expected = [int(logits(model.network.eval(), source, int(row), reading).argmax()) for row in rows]
        assert answers[reading] == expected
    assert answers["masked"] != answers["whole"]
    assert 15 < sum(answers["whole"]) < 20


def test_a_whole_pair_is_the_text_of_its_row() -> None:
    source = CorpusFeatures(rows=ROWS, objective=MaskedSentenceOrder(), pieces=WORDS, room=64, seed=4)
    part = source.take(np.arange(20))
    found = whole(part)
    for i, order in enumerate(classes_of(part)):
        ids, segments = found.inputs["input_ids"][i], found.inputs["token_type_ids"][i]
        first, second = (ids[(segments == k) & ~WORDS.special[ids]].tolist() for k in (0, 1))
        assert (second + first if order else first + second) == [
            token for sentence in ROWS.rows[i] for token in sentence
        ]
