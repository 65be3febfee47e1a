"""The unpadded layout against the plain loop: padded batches, transformers' loss, torch's AdamW.

B features of a batch, N their tokens, h heads, d dimensions.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers
from torch import Tensor
from torch.nn import functional

from bertkit.data.sampler import Order
from bertkit.encoders import sample_folder
from bertkit.errors import RequestError
from bertkit.heads import Window
from bertkit.heads.features import Features
from bertkit.kernels.dropout import Masks
from bertkit.kernels.packing import Packing, rounded
from bertkit.kernels.unpadded import ENCODERS, NAME, _attention, fits, packed, unpadded
from bertkit.machine.memory import Guard
from bertkit.models.forward import readable_inputs
from bertkit.models.layout import BatchLayout, choose_layout
from bertkit.models.load import Loaded, load
from bertkit.task import Recipe
from bertkit.training.optimizer import optimizer_of
from bertkit.training.update import updater

STEPS = 50
ROWS = 5
KINDS = tuple(tiny.HEADS)
REAL = "minilm"
"""MiniLM-L6 with its own weights; the others are tiny."""

PAIRS = [(body, kind) for body in (*ENCODERS, REAL) for kind in KINDS]
RECIPE = Recipe(max_steps=STEPS, batch_size=3, learning_rate=1e-4, warmup=0.0, window=Window(max_length=64))
UNPADDED = BatchLayout(layout="unpadded", order="random")
DRY = {
    **dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob"), 0.0),
    **dict.fromkeys(("dropout", "attention_dropout", "qa_dropout", "seq_classif_dropout", "classifier_dropout"), 0.0),
}
LENGTHS = np.array([5, 17, 9, 3, 70, 33, 12, 12, 8, 40], np.int64)
OTHERS = [family for family in tiny.FAMILIES if family not in ENCODERS]


@dataclass(frozen=True, kw_only=True)
class Ways:
    """The same training twice: the losses and gradient norms of every update, and the logits afterwards."""

    ours: list[dict[str, float]]
    theirs: list[dict[str, float]]
    our_logits: list[Tensor]
    their_logits: list[Tensor]


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("unpadded")
    made = {family: tiny.make(family, root / family, **DRY) for family in tiny.FAMILIES}
    real = Path(shutil.copytree(sample_folder(), root / REAL))
    config = json.loads((real / "config.json").read_text("utf-8"))
    (real / "config.json").write_text(json.dumps({**config, **DRY}), "utf-8")
    return {**made, REAL: real}


@pytest.fixture(scope="module")
def ways(bodies: dict[str, Path]) -> dict[tuple[str, str], Ways]:
    return {pair: _both(bodies[pair[0]], pair[1]) for pair in PAIRS}


def _both(body: Path, kind: str) -> Ways:
    ours, theirs = (load(tiny.encoder(body), tiny.HEADS[kind], scratch=False, seed=1) for _ in range(2))
    features = tiny.encode(kind, ours)
    log = tiny.train_in_place(tiny.model_of(kind, ours, "unpadded"), features, RECIPE, seed=7)
    plain = _plain_loop(kind, theirs, features)
    return Ways(
        ours=log,
        theirs=plain,
        our_logits=[torch.tensor(run) for run in _runs(kind, ours, features)],
        their_logits=_plain_logits(kind, theirs, features),
    )


def _plain_loop(kind: str, loaded: Loaded, features: Features) -> list[dict[str, float]]:
    """What one would write by hand, on the same batches."""
    model = loaded.model.train()
    bare = [p for name, p in model.named_parameters() if p.ndim < 2 or name.endswith("bias")]
    decayed = [p for p in model.parameters() if not any(p is other for other in bare)]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": bare, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RECIPE.learning_rate, foreach=False, fused=False)
    rates = transformers.get_linear_schedule_with_warmup(optimizer, 0, STEPS)
    order = Order(size=RECIPE.batch_size, seed=7)
    log: list[dict[str, float]] = []
    for epoch in range(STEPS):
        for batch in order.epoch(len(features), features.lengths_of, epoch):
            loss = _plain_loss(kind, loaded, features, batch)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            rates.step()
            optimizer.zero_grad()
            log.append({"loss": float(loss.detach()), "gradient_norm": float(norm)})
            if len(log) == STEPS:
                return log
    raise AssertionError


def _plain_loss(kind: str, loaded: Loaded, features: Features, batch: Any) -> Tensor:
    """transformers' own loss; but padding is no candidate for a span, where transformers lets it be one.

    Rows of choices go one by one: transformers wants as many of each.
    """
    if kind == "choice":
        return torch.stack([loaded.model(**_choices(loaded, features, i), labels=_place(features, i)).loss
                            for i in batch]).mean()  # fmt: skip
    inputs, targets = _padded(kind, loaded, features, batch), _targets(kind, features, batch)
    if kind != "span":
        found: Tensor = loaded.model(**inputs, **targets).loss
        return found
    output, padding = loaded.model(**inputs), inputs["attention_mask"] == 0
    ends = ((output.start_logits, "start_positions"), (output.end_logits, "end_positions"))
    lost = [functional.cross_entropy(logits.masked_fill(padding, -torch.inf), targets[name]) for logits, name in ends]
    return (lost[0] + lost[1]) / 2


def _padded(kind: str, loaded: Loaded, features: Features, batch: Any) -> dict[str, Tensor]:
    encoded = [{"input_ids": features.inputs["input_ids"][i].tolist()} for i in batch]
    if "token_type_ids" in features.inputs and loaded.model.config.model_type != "distilbert":
        for one, i in zip(encoded, batch, strict=True):
            one["token_type_ids"] = features.inputs["token_type_ids"][i].tolist()
    return dict(loaded.tokenizer.pad(encoded, return_tensors="pt"))


def _choices(loaded: Loaded, features: Features, i: int) -> dict[str, Tensor]:
    """(1, C, T) the sequences of a row of choices, padded."""
    row = features.take(np.array([i]))
    runs = {name: run for name, run in row.runs.items() if name in readable_inputs(loaded.model)}
    one = [{name: run[k].tolist() for name, run in runs.items()} for k in range(len(runs["input_ids"]))]
    return {name: part[None] for name, part in loaded.tokenizer.pad(one, return_tensors="pt").items()}


def _place(features: Features, i: int) -> Tensor:
    assert features.targets is not None
    return torch.tensor(features.targets[i]).long()


def _targets(kind: str, features: Features, batch: Any) -> dict[str, Tensor]:
    assert features.targets is not None
    runs = [torch.tensor(features.targets[i]) for i in batch]
    if kind == "tagging":
        return {"labels": torch.nn.utils.rnn.pad_sequence(runs, batch_first=True, padding_value=-100).long()}
    if kind == "span":
        ends = torch.stack(runs).long()
        return {"start_positions": ends[:, 0], "end_positions": ends[:, 1]}
    labels = torch.cat(runs)
    return {"labels": labels if kind == "regression" else labels.long()}


@torch.no_grad()
def _plain_logits(kind: str, loaded: Loaded, features: Features) -> list[Tensor]:
    model = loaded.model.eval()
    found = []
    for i in range(len(features)):
        if kind == "choice":
            found.append(model(**_choices(loaded, features, i)).logits[0, :, None])
            continue
        output = model(**_padded(kind, loaded, features, [i]))
        found.append(
            torch.stack([output.start_logits[0], output.end_logits[0]], -1) if kind == "span" else output.logits[0]
        )
    return found


def _runs(kind: str, loaded: Loaded, features: Features) -> list[Any]:
    logits = tiny.predict(kind, loaded, features)
    return [logits[i] if kind in ("tagging", "span", "choice") else logits[i][0] for i in range(len(features))]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "kind"), PAIRS)
def test_every_one_of_fifty_losses_is_that_of_the_padded_plain_loop(
    ways: dict[tuple[str, str], Ways], family: str, kind: str
) -> None:
    one = ways[family, kind]
    assert len(one.ours) == len(one.theirs) == STEPS
    apart = [abs(mine["loss"] - other["loss"]) for mine, other in zip(one.ours, one.theirs, strict=True)]
    assert max(apart) < 1e-6 * max(1.0, *(other["loss"] for other in one.theirs))


@pytest.mark.slow
@pytest.mark.parametrize(("family", "kind"), PAIRS)
def test_the_logits_after_fifty_updates_are_those_of_the_padded_plain_loop(
    ways: dict[tuple[str, str], Ways], family: str, kind: str
) -> None:
    one = ways[family, kind]
    for mine, other in zip(one.our_logits, one.their_logits, strict=True):
        if kind in ("span", "choice"):  # a softmax does not see the head's bias, whose gradient is rounding alone
            mine, other = mine.log_softmax(0), other.log_softmax(0)
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "kind"), PAIRS)
def test_gradients_are_as_long_as_the_plain_loops(ways: dict[tuple[str, str], Ways], family: str, kind: str) -> None:
    one = ways[family, kind]
    apart = 1e-4 if family == REAL else 1e-5  # whose weights have gone apart by rounding when the last come
    assert [mine["gradient_norm"] for mine in one.ours] == pytest.approx(
        [other["gradient_norm"] for other in one.theirs], rel=apart
    )


@pytest.mark.parametrize(("family", "kind"), PAIRS)
def test_every_parameters_gradient_is_the_plain_loops(bodies: dict[str, Path], family: str, kind: str) -> None:
    ours, theirs = (load(tiny.encoder(bodies[family]), tiny.HEADS[kind], scratch=False, seed=1) for _ in range(2))
    features = tiny.encode(kind, ours)
    batch = list(range(len(features)))
    _plain_loss(kind, theirs, features, batch).backward()
    mine = _gradients(kind, ours, features.take(np.array(batch)))
    wanted = {name: p.grad for name, p in theirs.model.named_parameters() if p.grad is not None}
    whole = torch.cat([gradient.flatten() for gradient in wanted.values()]).norm()
    slack = 5 if kind == "choice" else 1  # whose gradients are differences of sequences that are nearly the same
    for name, gradient in wanted.items():
        apart = (mine[name] - gradient).norm()
        assert apart <= slack * 1e-5 * gradient.norm() or apart <= slack * 1e-6 * whole, name


def _gradients(kind: str, loaded: Loaded, batch: Features) -> dict[str, Tensor]:
    """What the loop leaves in the model for the optimizer, the table's for every word."""
    optimizer = optimizer_of(loaded.model, RECIPE)
    with updater(tiny.model_of(kind, loaded, "unpadded"), optimizer, 7, True, Guard()) as one:
        one.backward([batch])
        assert one.rows and one._gathered is not None
        one.rows.spread(one._gathered)
        assert one.rows.moved.grad is not None
        table = torch.zeros_like(one.rows.table.weight)
        table[one.rows.state()["seen"]] = one.rows.moved.grad
        found = {name: p.grad for name, p in loaded.model.named_parameters() if p.grad is not None}
        (name,) = (name for name, p in loaded.model.named_parameters() if p is one.rows.table.weight)
        return {**found, name: table}


def reference(query: Tensor, key: Tensor, value: Tensor, lengths: Any) -> Tensor:
    """Attention of each feature on its own, (1, h, N, d) -> (1, N, h, d), by torch."""
    parts = [part.split(lengths.tolist(), dim=2) for part in (query, key, value)]
    seen = [functional.scaled_dot_product_attention(q, k, v) for q, k, v in zip(*parts, strict=True)]
    return torch.cat(seen, dim=2).transpose(1, 2)


def drawn(*lengths: int, seed: int = 1) -> tuple[Tensor, ...]:
    """Query, key, value and a gradient for features of these lengths."""
    draws = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(1, 3, sum(lengths), 8, generator=draws) for _ in range(4))


def with_room(part: Tensor) -> Tensor:
    """The same in a row that has room for a few tokens more."""
    tokens = part.shape[2]
    return functional.pad(part, (0, 0, 0, rounded(tokens) - tokens))


@pytest.mark.parametrize("lengths", [LENGTHS, LENGTHS[:1], np.array([1]), np.array([6] * 11), np.array([1, 200, 1])])
@pytest.mark.parametrize("learning", [True, False])
def test_attention_and_its_gradients_are_those_of_each_feature_on_its_own(lengths: Any, learning: bool) -> None:
    *inputs, upstream = drawn(*lengths)
    module = torch.nn.Module()
    expected = reference(*(part.requires_grad_() for part in inputs), lengths)
    (expected * upstream.transpose(1, 2)).sum().backward()
    wanted = [part.grad for part in inputs]
    again = [part.detach().clone().requires_grad_() for part in inputs]
    with packed(Packing(lengths), None), torch.set_grad_enabled(learning):
        row, _ = _attention(module, *map(with_room, again), None)
    found = row[:, : sum(lengths)]
    assert row.shape[1] == rounded(int(sum(lengths))) and not row[:, sum(lengths) :].any()
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    if learning:
        (found * upstream.transpose(1, 2)).sum().backward()
        torch.testing.assert_close([part.grad for part in again], wanted, atol=1e-5, rtol=1e-5)


def test_the_gradients_under_dropout_are_those_of_the_masks_that_were_drawn() -> None:
    lengths = np.array([2, 4, 3])
    inputs = [part.double() for part in drawn(*lengths)[:3]]

    def seen(*given: Tensor) -> Tensor:
        module = torch.nn.Module().train()
        with packed(Packing(lengths), Masks(3)):
            found, _ = _attention(module, *map(with_room, given), None, dropout=0.4)
        return found

    inputs = [part[:, :1, :, :2].contiguous().requires_grad_() for part in inputs]
    assert torch.autograd.gradcheck(seen, inputs, eps=1e-3, atol=1e-3, rtol=1e-2)


def test_dropout_in_attention_keeps_the_mean() -> None:
    lengths = np.array([20, 30])
    query, key, value, _ = drawn(*lengths)
    learnt = query.clone().requires_grad_()
    module, masks = torch.nn.Module().train(), Masks(1)
    with packed(Packing(lengths), masks):
        drops = [_attention(module, learnt, key, value, None, dropout=0.3)[0].detach() for _ in range(600)]
    mean = torch.stack(drops).mean(0)
    assert float((mean - reference(query, key, value, lengths)).abs().mean()) < 0.02
    assert float((drops[0] - drops[1]).abs().mean()) > 0.1


@pytest.mark.parametrize("family", OTHERS)
def test_an_architecture_that_cannot_run_unpadded_is_bucketed_and_refused_when_asked(
    bodies: dict[str, Path], family: str
) -> None:
    model = load(tiny.encoder(bodies[family]), tiny.SIGNS, scratch=False, seed=1).model
    assert not fits(model)
    assert choose_layout(model, "auto", RECIPE, tiny.CPU) == BatchLayout(layout="bucketed", order="length")
    with pytest.raises(RequestError, match=f"unpadded: a {model.config.model_type} model can't; these can: bert"):
        choose_layout(model, "unpadded", RECIPE, tiny.CPU)


@pytest.mark.parametrize(
    ("layout", "order", "decided"),
    [
        ("auto", "auto", BatchLayout(layout="unpadded", order="random")),
        ("auto", "length", BatchLayout(layout="unpadded", order="length")),
        ("bucketed", "auto", BatchLayout(layout="bucketed", order="length")),
        ("padded", "auto", BatchLayout(layout="padded", order="random")),
        ("padded", "length", BatchLayout(layout="padded", order="length")),
    ],
)
def test_what_was_auto_is_decided_for_an_architecture_that_can(
    bodies: dict[str, Path], layout: Any, order: Any, decided: BatchLayout
) -> None:
    model = load(tiny.encoder(bodies["bert"]), tiny.SIGNS, scratch=False, seed=1).model
    assert choose_layout(model, layout, replace(RECIPE, order=order), tiny.CPU) == decided


def test_off_the_cpu_batches_are_bucketed_unless_they_are_asked_to_be_unpadded(bodies: dict[str, Path]) -> None:
    model = load(tiny.encoder(bodies["bert"]), tiny.SIGNS, scratch=False, seed=1).model
    gpu = torch.device("cuda")
    assert choose_layout(model, "auto", RECIPE, gpu) == BatchLayout(layout="bucketed", order="length")
    assert choose_layout(model, "unpadded", RECIPE, gpu) == BatchLayout(layout="unpadded", order="random")


def test_the_model_is_as_it_was_after_running_unpadded(bodies: dict[str, Path]) -> None:
    model = load(tiny.encoder(bodies["bert"]), tiny.SIGNS, scratch=False, seed=1).model
    before = model.config._attn_implementation
    with unpadded(model, tiny.SIGNS.per_token):
        assert model.config._attn_implementation == NAME
        with unpadded(model, tiny.SIGNS.per_token):
            pass
        assert len(model.base_model.encoder._forward_hooks) == 1
    assert model.config._attn_implementation == before
    assert not model.base_model.encoder._forward_hooks


@pytest.mark.parametrize("count", [*range(1, 70), 427, 1_000, 1_025, 4_097])
def test_room_is_for_a_sixteenth_more_at_most_and_comes_in_sixteen_sizes_an_octave(count: int) -> None:
    assert count <= rounded(count) <= count * 17 / 16
    assert rounded(rounded(count)) == rounded(count)
    assert len({rounded(other) for other in range(512, 1024)}) == 17  # the next power of two is the last of them
