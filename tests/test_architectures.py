"""Nine encoder families under every head, tiny: they learn, are saved, and are read by transformers.

A model of each is trained once, on a fixed batch of four rows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor

from bertkit.data.sampler import by_length
from bertkit.evaluation import inference
from bertkit.heads.features import Ragged
from bertkit.models import batch as batches
from bertkit.models.forward import forward, readable_inputs
from bertkit.models.load import Loaded, load, save
from bertkit.task import Recipe

TESTS = Path(__file__).parent
ROWS = 4
PAIRS = [(family, kind) for family in tiny.FAMILIES for kind in ("classification", "tagging", "span")]
PAIRS.append(("bert", "regression"))
RECIPE = Recipe(max_steps=20, batch_size=ROWS, learning_rate=1e-2, warmup=0)
AGAIN = """
import sys
from pathlib import Path
import numpy as np
import tiny
from bertkit.models.load import load_trained
for folder in sorted(Path(sys.argv[1]).iterdir()):
    kind = folder.name.split("+")[1]
    loaded = load_trained(folder, tiny.HEADS[kind])
    np.save(folder / "again.npy", tiny.predict(kind, loaded, tiny.encode(kind, loaded)).values)
"""

each_pair = pytest.mark.parametrize(("family", "kind"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
each_family = pytest.mark.parametrize("family", tiny.FAMILIES)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model after twenty steps, its loss before and after, its logits of all rows, and where it was saved."""

    loaded: Loaded
    before: float
    after: float
    logits: Ragged
    folder: Path


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bodies")
    return {family: tiny.make(family, root / family) for family in tiny.FAMILIES}


@pytest.fixture(scope="module")
def trained(bodies: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Trained]:
    root = tmp_path_factory.mktemp("trained")
    return {pair: _train(bodies[pair[0]], pair[1], root / "+".join(pair)) for pair in PAIRS}


@pytest.fixture(scope="module")
def again(trained: dict[tuple[str, str], Trained]) -> dict[tuple[str, str], NDArray[np.float32]]:
    """The logits of the saved models, loaded in a process of their own."""
    root = trained[PAIRS[0]].folder.parent
    place = {**os.environ, "PYTHONPATH": str(TESTS)}
    subprocess.run([sys.executable, "-W", "error", "-c", AGAIN, str(root)], check=True, env=place, timeout=200)
    return {pair: np.load(trained[pair].folder / "again.npy") for pair in PAIRS}


def _train(body: Path, kind: str, folder: Path) -> Trained:
    loaded = load(tiny.encoder(body), tiny.HEADS[kind], scratch=False, seed=1)
    features = tiny.encode(kind, loaded, slice(ROWS))
    assert len(features) == ROWS
    before = _loss(loaded, kind)
    tiny.train_in_place(tiny.model_of(kind, loaded, recipe=RECIPE), features, RECIPE)
    after = _loss(loaded, kind)
    logits = tiny.predict(kind, loaded, tiny.encode(kind, loaded))
    save(loaded, folder)
    return Trained(loaded=loaded, before=before, after=after, logits=logits, folder=folder)


@torch.no_grad()
def _loss(loaded: Loaded, kind: str) -> float:
    """The loss of the fixed batch, without dropout."""
    head, model = tiny.HEADS[kind], loaded.model.eval()
    batch = batches.collate(tiny.encode(kind, loaded, slice(ROWS)), loaded.pad)
    logits = forward(model, head, batch, readable_inputs(model))
    return float(head.loss(logits, batch.targets, batch.mask))


def _answers(kind: str, loaded: Loaded, logits: Ragged, which: slice = slice(None)) -> list[Any]:
    picked = {name: column[which] for name, column in tiny.rows(kind).items()}
    features = tiny.encode(kind, loaded, which)
    return [answer.value for answer in tiny.HEADS[kind].decode(picked, features, logits, tiny.WINDOW)]


@each_pair
def test_twenty_steps_on_a_fixed_batch_bring_the_loss_under_half(
    trained: dict[tuple[str, str], Trained], family: str, kind: str
) -> None:
    one = trained[family, kind]
    assert one.after < one.before / 2


@each_pair
def test_a_saved_model_gives_the_same_logits_in_a_fresh_process(
    trained: dict[tuple[str, str], Trained],
    again: dict[tuple[str, str], NDArray[np.float32]],
    family: str,
    kind: str,
) -> None:
    np.testing.assert_allclose(again[family, kind], trained[family, kind].logits.values, atol=1e-6, rtol=0)


@each_pair
def test_a_row_alone_and_padded_among_longer_ones_gets_the_same_logits_and_answer(
    trained: dict[tuple[str, str], Trained], family: str, kind: str
) -> None:
    one = trained[family, kind]
    features = tiny.encode(kind, one.loaded)
    short = int(features.lengths.argmin())
    assert len(list(by_length(features.lengths, inference.BUDGET))) == 1
    assert features.lengths[short] < features.lengths.max()
    which = slice(short, short + 1)
    alone = tiny.predict(kind, one.loaded, tiny.encode(kind, one.loaded, which))
    np.testing.assert_allclose(alone[0], one.logits[short], atol=1e-5, rtol=0)
    answers = _answers(kind, one.loaded, one.logits)
    if kind != "regression":
        assert _answers(kind, one.loaded, alone, which) == [answers[short]]


@each_family
def test_scratch_draws_the_same_weights_for_the_same_seed_and_others_for_another(
    bodies: dict[str, Path], family: str
) -> None:
    def draw(seed: int) -> dict[str, Tensor]:
        model = load(tiny.encoder(bodies[family]), tiny.SIGNS, scratch=True, seed=seed).model
        return {name: weight for name, weight in model.named_parameters() if weight.std() > 0}

    first, same, other = draw(1), draw(1), draw(2)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert first and not any(torch.equal(first[name], other[name]) for name in first)


@each_family
def test_an_encoder_keeps_its_weights_and_its_head_is_drawn_from_the_seed(bodies: dict[str, Path], family: str) -> None:
    body = transformers.AutoModel.from_pretrained(bodies[family])
    first, second = (load(tiny.encoder(bodies[family]), tiny.TAGS, scratch=False, seed=s).model for s in (1, 2))
    kept = dict(body.named_parameters())
    for name, weight in first.base_model.named_parameters():
        assert torch.equal(weight, kept[name])
    assert not torch.equal(first.classifier.weight, second.classifier.weight)


@each_family
def test_transformers_own_pipeline_gives_the_same_label_to_a_text(
    trained: dict[tuple[str, str], Trained], family: str
) -> None:
    one = trained[family, "classification"]
    pipeline = transformers.pipeline("text-classification", model=str(one.folder))
    theirs = [found["label"] for found in pipeline(tiny.rows("classification")["text"])]
    assert theirs == _answers("classification", one.loaded, one.logits)
    assert len(set(theirs)) == 2


@each_family
def test_transformers_own_pipeline_gives_the_same_tag_to_a_words_first_token(
    trained: dict[tuple[str, str], Trained], family: str
) -> None:
    one = trained[family, "tagging"]
    pipeline = transformers.pipeline("token-classification", model=str(one.folder))
    firsts = tiny.encode("tagging", one.loaded).places["first"]
    theirs = []
    for i, words in enumerate(tiny.rows("tagging")["words"]):
        tags = {found["index"]: found["entity"] for found in pipeline(" ".join(words))}
        theirs.append([tags[int(first)] for first in firsts[i]])
    assert theirs == _answers("tagging", one.loaded, one.logits)


@each_family
def test_transformers_own_class_gives_the_same_logits_for_a_span(
    trained: dict[tuple[str, str], Trained], family: str
) -> None:
    one = trained[family, "span"]
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(one.folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(one.folder)
    rows = tiny.rows("span")
    with torch.no_grad():
        output = model(**tokenizer(rows["question"][0], rows["context"][0], return_tensors="pt"))
    theirs = torch.stack([output.start_logits[0], output.end_logits[0]], dim=-1)
    np.testing.assert_allclose(one.logits[0], theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", ["roberta", "modernbert"])
def test_words_that_are_already_split_are_read_with_the_space_before_them(bodies: dict[str, Path], family: str) -> None:
    loaded = load(tiny.encoder(bodies[family]), tiny.TAGS, scratch=False, seed=1)
    tokens = loaded.tokenizer([["the", "house", "by", "the", "sea"]], is_split_into_words=True).tokens(0)
    text = loaded.tokenizer("x the house by the sea").tokens()
    assert tokens[1:-1] == text[text.index("Ġthe") : -1]
