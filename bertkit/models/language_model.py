"""A language model in pretraining: logits at the predicted positions alone, and the loss.

B features, T tokens of the longest, M predicted positions of all features, H hidden size, V tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from bertkit.data.sampler import Indices
from bertkit.heads.features import IGNORED, Features
from bertkit.kernels.cross_entropy import summed_cross_entropy
from bertkit.kernels.dense import NAME as DENSE
from bertkit.kernels.dropout import Masks
from bertkit.kernels.encoder_layer import fits, whole_layers
from bertkit.kernels.unpadded import packed, unpadded
from bertkit.models.batch import Batch
from bertkit.models.forward import readable_inputs
from bertkit.models.layout import BatchLayout
from bertkit.models.load import Loaded
from bertkit.objectives.base import PAIR


@dataclass(frozen=True, kw_only=True)
class Total:
    """What the losses of an update are divided by: its predicted tokens, and its pairs of segments."""

    tokens: int
    pairs: int


@dataclass(frozen=True, kw_only=True)
class Given:
    """A batch of a language model, on its device.

    where    (M,) the predicted positions, counted through the positions of all features
    targets  (M,) the token ids there
    decoder  (B, T) what a decoder reads, if there is one
    pairs    (B,) the classes of pairs of segments, if there are some
    starts   (B,) the first position of each feature, counted as `where`
    """

    batch: Batch
    where: Tensor
    targets: Tensor
    decoder: Tensor | None
    pairs: Tensor | None
    starts: Tensor


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Logits of the predicted positions (M, V), their hidden states (M, H), and logits of pairs of segments (B, 2)."""

    logits: Tensor
    states: Tensor
    pairs: Tensor | None


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A transformers model with a language-model head, ready to train: a Trainable."""

    loaded: Loaded
    layout: BatchLayout
    accelerator: Accelerator

    @property
    def network(self) -> Any:
        """The transformers model."""
        return self.loaded.model

    @contextmanager
    def in_training(self) -> Iterator[None]:
        """Inside the block, its layers are those of its layout, and its head reads the predicted positions alone."""
        with ExitStack() as stack:
            if self.layout.packed:
                stack.enter_context(unpadded(self.network, per_token=True))
            if self.network.config._attn_implementation == DENSE and fits(self.network):
                stack.enter_context(whole_layers(self.network))
            stack.enter_context(_gathering(self.network, self.layout.packed))
            if self._by_blocks:
                stack.enter_context(_passing(self.network.get_output_embeddings()))
            yield

    def total(self, parts: list[Features]) -> Total:
        """What the losses of all `parts` of an update are divided by."""
        tokens = sum(int((part.targets.values != IGNORED).sum()) for part in parts if part.targets)
        pairs = sum(len(part) for part in parts if PAIR in part.places)
        return Total(tokens=tokens or 1, pairs=pairs or 1)

    def loss(self, part: Features, total: Total, masks: Masks | None, precision: AbstractContextManager[Any]) -> Tensor:
        """What `part` adds to the mean loss of its update: see Trainable.

        The mean over predicted tokens and that over pairs of segments are added (Devlin et al. 2019, appendix A.2).
        """
        given = self.given(part)
        with precision:
            outputs = self._run(given, masks, bare=self._by_blocks)
            kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else self.network.dtype
        if self._by_blocks:
            last = self.network.get_output_embeddings()
            loss = summed_cross_entropy(outputs.logits.to(kind), last.weight, last.bias, given.targets) / total.tokens
        else:
            loss = functional.cross_entropy(_exact(outputs.logits), given.targets, reduction="sum") / total.tokens
        if given.pairs is not None and outputs.pairs is not None:
            loss = loss + functional.cross_entropy(_exact(outputs.pairs), given.pairs, reduction="sum") / total.pairs
        return loss

    def given(self, part: Features) -> Given:
        """The features as a batch."""
        assert part.targets is not None
        device = self.accelerator.device
        runs, predicted = part.targets, part.targets.values != IGNORED
        positions = _positions(runs.lengths, packed=self.layout.packed)
        pairs = part.places[PAIR].values.astype(np.int64) if PAIR in part.places else None

        def sent(values: NDArray[Any]) -> Tensor:
            return torch.from_numpy(values).to(device)

        return Given(
            batch=self.layout.batch(part, self.loaded).to(device),
            where=sent(positions[predicted]),
            targets=sent(runs.values[predicted].astype(np.int64)),
            decoder=sent(self._shifted(part)) if self.network.config.is_encoder_decoder else None,
            pairs=None if pairs is None else sent(pairs),
            starts=sent(positions[runs.offsets[:-1]]),
        )

    def outputs(self, given: Given) -> Outputs:
        """The model's logits; inside of `in_training`."""
        return self._run(given, None, bare=False)

    @cached_property
    def _by_blocks(self) -> bool:
        """Whether the loss is computed from what the output layer reads: on a CPU, if nothing follows that layer."""
        plain = type(self.network.get_output_embeddings()) is nn.Linear and self.network.config.model_type != "bart"
        return plain and self.accelerator.device.type == "cpu"

    def _run(self, given: Given, masks: Masks | None, bare: bool) -> Outputs:
        """The model's outputs; `bare` gives in place of the logits what the output layer reads, (M, H)."""
        batch = given.batch
        inputs = {name: tensor for name, tensor in batch.inputs.items() if name in self.readable}
        if given.decoder is not None:
            inputs["decoder_input_ids"] = given.decoder
        gathered = _Gathered(where=given.where, starts=given.starts, bare=bare)
        token = _current.set(gathered)
        try:
            if batch.packing is not None:
                with packed(batch.packing, masks):
                    output = self.network(**inputs, position_ids=batch.inputs["position_ids"])
            else:  # without padding no mask is needed, and attention is faster
                assert batch.mask.all() or self.network.config._attn_implementation != DENSE
                output = self.network(**inputs, attention_mask=None if batch.mask.all() else batch.mask.long())
        finally:
            _current.reset(token)
        pairs = next((output[name] for name in PAIR_LOGITS if name in output), None)
        logits = output["prediction_logits"] if "prediction_logits" in output else output["logits"]
        assert gathered.states is not None
        return Outputs(logits=logits[0], states=gathered.states, pairs=pairs)

    @cached_property
    def readable(self) -> set[str]:
        """The inputs that the model's forward reads."""
        return readable_inputs(self.network)

    def _shifted(self, part: Features) -> Indices:
        """(B, T) what the decoder reads: its start token, then each target but the last, padded."""
        assert part.targets is not None
        lengths, values = part.targets.lengths, part.targets.values
        found = np.full((len(part), int(lengths.max())), self.loaded.pad, np.int64)
        counted = np.arange(found.shape[1])[None, :]
        keeps = np.ones(len(values), np.bool_)
        keeps[part.targets.offsets[1:] - 1] = False
        found[(counted >= 1) & (counted < lengths[:, None])] = values[keeps]
        found[:, 0] = self.network.config.decoder_start_token_id
        return found


def _exact(logits: Tensor) -> Tensor:
    """Logits in fp32 at least."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


PAIR_LOGITS = ("seq_relationship_logits", "sop_logits")
"""What BERT and ALBERT call their logits of pairs."""


def _positions(lengths: Indices, packed: bool) -> Indices:
    """The position of each token of runs of these lengths: in one row, or in rows padded to the longest."""
    counted = np.arange(int(lengths.sum()))
    if packed:
        return counted
    starts = np.cumsum(lengths) - lengths
    padded = np.arange(len(lengths)) * int(lengths.max())
    found: Indices = counted + np.repeat(padded - starts, lengths)
    return found


@dataclass
class _Gathered:
    """The positions that the head reads, and those that the pooler does, in the forward pass that is running.

    bare    whether the output layer gives what it reads
    states  the hidden states at those positions
    hidden  the encoder's output, for the pooler
    """

    where: Tensor
    starts: Tensor
    bare: bool
    states: Tensor | None = None
    hidden: Tensor | None = None


_current: ContextVar[_Gathered] = ContextVar("gathered")


@contextmanager
def _gathering(model: Any, in_one_row: bool) -> Iterator[None]:
    """Inside the block, the head gets the hidden states (1, M, H) of the predicted positions alone.

    A pooler reads the first token of each feature, also where all of them stand in one row.
    """
    body = model.decoder if model.base_model is model else model.base_model
    hooks = [body.register_forward_hook(_predicted)]
    pooler = getattr(body, "pooler", None)
    if in_one_row and pooler is not None:
        hooks += [body.encoder.register_forward_hook(_noted), pooler.register_forward_pre_hook(_first_tokens)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _passing(layer: nn.Linear) -> Iterator[None]:
    """Inside the block, the output layer gives what it reads where a forward pass is `bare`."""

    def forward(states: Tensor) -> Tensor:
        return states if _current.get().bare else functional.linear(states, layer.weight, layer.bias)

    layer.forward = forward  # type: ignore[method-assign,assignment]  # one instance's, for a while
    try:
        yield
    finally:
        del layer.forward


def _predicted(body: torch.nn.Module, given: Any, output: Any) -> Any:
    found = _current.get()
    found.states = output["last_hidden_state"].flatten(0, 1).index_select(0, found.where)
    output["last_hidden_state"] = found.states[None]
    return output


def _noted(encoder: torch.nn.Module, given: Any, output: Any) -> None:
    _current.get().hidden = output["last_hidden_state"][0]


def _first_tokens(pooler: torch.nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What the pooler reads: (B, 1, H), or (B, H) where it is given one token's state alone."""
    found = _current.get()
    assert found.hidden is not None
    first = found.hidden.index_select(0, found.starts)
    return (first[:, None] if given[0].ndim == 3 else first,)
