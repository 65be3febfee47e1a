"""One update: losses and gradients, the optimizer step, and the state between two updates.

N processes share each global batch; their gradients add up to that of one process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

from bertkit.data.sampler import share
from bertkit.errors import RunError
from bertkit.heads.features import Features
from bertkit.kernels.dropout import Masks, PlainMasks
from bertkit.kernels.dropout import fast_dropout as dropout_from
from bertkit.kernels.embedding import SeenRows, fits, seen_rows
from bertkit.kernels.linear import fast_linear
from bertkit.machine.memory import Guard, out_of_memory
from bertkit.models.trainable import Trainable
from bertkit.training.checkpoint import State

WEIGHTS, MOMENTS, ROWS, RNG = "weights/", "optimizer/", "rows/", "draws/"
"""Prefixes of a state's tensors: weights, AdamW's moments, those of the sparse embedding, torch's random state."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """The loss of an update and the norm of its gradient, before the optimizer step."""

    loss: float
    norm: float

    @property
    def finite(self) -> bool:
        """Whether both are finite."""
        return math.isfinite(self.loss) and math.isfinite(self.norm)


class KnownToAll(MemoryError):  # noqa: N818  # what it says of MemoryError
    """One of several processes ran out of memory; raised on all of them."""


@contextmanager
def updater(
    model: Trainable, optimizer: torch.optim.AdamW, seed: int, fast_dropout: bool, guard: Guard
) -> Iterator[Updater]:
    """An Updater; on exit the model has its own layers back."""
    loaded, accelerator = model.loaded, model.accelerator
    fast = fast_dropout and accelerator.device.type == "cpu"
    masks = Masks(seed, accelerator.process_index) if fast else PlainMasks(seed)
    with ExitStack() as stack:
        stack.enter_context(model.in_training())
        if fast:
            stack.enter_context(dropout_from(loaded.model, masks))
        stack.enter_context(fast_linear(loaded.model))
        rows = None
        if accelerator.device.type == "cpu" and accelerator.num_processes == 1 and fits(loaded.model):
            rows = stack.enter_context(seen_rows(loaded.model, optimizer))
        network = loaded.model.to(accelerator.device)
        if accelerator.num_processes > 1:
            for tensor in (*network.parameters(), *network.buffers()):  # random weights may differ from host to host
                torch.distributed.broadcast(tensor.detach(), src=0)
        prepared = accelerator.prepare(optimizer)
        network.train()
        yield Updater(model=model, optimizer=prepared, masks=masks, fast=fast, rows=rows, guard=guard)


@dataclass(kw_only=True)
class Updater:
    """Computes the updates of a run, one after another.

    rows    the sparse word embeddings; None off the CPU, with several processes, or if they are not a plain table
    pieces  how many parts each micro-batch is split into, so that it fits into memory
    skipped updates that fp16 has skipped in a row
    """

    model: Trainable
    optimizer: Any
    masks: Masks
    fast: bool
    rows: SeenRows | None
    guard: Guard
    pieces: int = 1
    skipped: int = 0
    _gathered: Tensor | None = field(default=None, repr=False)

    @property
    def accelerator(self) -> Accelerator:
        """Device and processes."""
        return self.model.accelerator

    @property
    def network(self) -> Any:
        """The transformers model."""
        return self.model.network

    def backward(self, parts: list[Features], exact: bool = False) -> Update:
        """Leave the gradient of the mean loss over `parts` in the model; `exact` computes in fp32.

        The mean is over rows, or over words for tagging, of the whole update, however it was split. What does not
        fit into memory is split into twice as many parts; RunError if a single row does not fit.
        """
        before = self.rng_state()
        while True:
            cut = [piece for part in parts for piece in _cut(part, self.pieces)]
            try:
                with self.guard:
                    loss = self._backward_all(cut, exact)
                return Update(loss=loss, norm=self._norm())
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                self._split_further(max(map(len, cut)), error)
            self.guard.release()  # by now the error and its frames are freed
            self.zero_grad()
            self.set_rng_state(before)

    def _split_further(self, rows: int, error: BaseException) -> None:
        """Split micro-batches into twice as many parts, after `rows` rows at once ran out of memory."""
        if self.accelerator.num_processes > 1 and not isinstance(error, KnownToAll):
            raise RunError(
                f"process {self.accelerator.process_index} ran out of memory at {rows:,} rows at once; "
                "give --gradient-accumulation, and a smaller --batch-size"
            ) from error
        if rows == 1:
            raise RunError("out of memory at a single row: give a smaller --max-length, or more memory") from error
        self.pieces *= 2

    def _backward_all(self, parts: list[Features], exact: bool) -> float:
        total = self.model.total(parts)
        loss, lacking = torch.zeros((), device=self.accelerator.device), None
        try:
            for part in parts:
                mean = self._share(part, total, exact)
                self.accelerator.backward(mean)
                loss += mean.detach()
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            lacking = error
        self._raise_on_all(lacking)
        if self.accelerator.num_processes > 1:
            # not by DistributedDataParallel, whose processes wait for each other inside of a pass that may not fit
            sums = [torch.distributed.all_reduce(one, async_op=True) for one in (loss, *self._gradients())]
            for one in sums:
                one.wait()
        return float(loss)

    def _raise_on_all(self, lacking: BaseException | None) -> None:
        """Raise `lacking`, or KnownToAll on every process if any of several ran out of memory."""
        if self.accelerator.num_processes > 1:
            any_lack = torch.tensor(float(lacking is not None), device=self.accelerator.device)
            if float(self.accelerator.reduce(any_lack, reduction="sum")):
                raise KnownToAll from lacking
        elif lacking:
            raise lacking

    def _share(self, part: Features, total: Any, exact: bool) -> Tensor:
        """What this process' share of a micro-batch adds to the mean loss; 0, still with a gradient, if it has none."""
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        mine = share(part.lengths, rank, processes)
        given = part.take(mine if len(mine) else np.zeros(1, np.int64)) if processes > 1 else part
        precision = nullcontext() if exact else self.accelerator.autocast()
        return self.model.loss(given, total, self.masks, precision) * float(len(mine) > 0)

    def _norm(self) -> float:
        """The norm of the gradient."""
        self.accelerator.unscale_gradients()
        if self.rows:
            self._gathered = self.rows.gather()
        return float(torch.nn.utils.get_total_norm(self._gradients()))

    def _gradients(self) -> list[Tensor]:
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        if self.rows:
            assert self._gathered is not None
            gradients.append(self._gathered)
        return gradients

    def step(self, norm: float, most: float, rate: float) -> None:
        """One optimizer step at the learning rate, the gradient clipped from its `norm` to `most`; then clear it."""
        if not norm <= most:  # what the norm's own function does, but for gradients it would multiply by 1
            torch._foreach_mul_(self._gradients(), most / (norm + 1e-6))
        if self.rows:
            assert self._gathered is not None
            self.rows.spread(self._gathered)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        self.optimizer.step()
        if self.rows:
            self.rows.defer_decay(rate)
        self.zero_grad()

    def zero_grad(self) -> None:
        """Clear the gradient."""
        for parameter in self.network.parameters():
            parameter.grad = None
        if self.rows:
            self.rows.clear()
        self._gathered = None

    # Random state.

    def rng_state(self) -> dict[str, Any]:
        """This process' random state: the dropout masks' position and torch's generators."""
        found = {"words": self.masks.words, "torch": torch.get_rng_state()}
        if self.accelerator.device.type == "cuda":
            found["cuda"] = torch.cuda.get_rng_state()
        return found

    def set_rng_state(self, draws: dict[str, Any]) -> None:
        """Restore what `rng_state` returned."""
        self.masks.seek(int(draws["words"]))
        torch.set_rng_state(draws["torch"])
        if "cuda" in draws:
            torch.cuda.set_rng_state(draws["cuda"])

    # The state between two updates.

    def state(self, facts: dict[str, Any]) -> State:
        """Everything the next update depends on, and `facts`; a collective call of all processes."""
        tensors = {WEIGHTS + name: tensor for name, tensor in self.own_weights().items()}
        for name, parameter in self.network.named_parameters():
            for moment, tensor in self.optimizer.state.get(parameter, {}).items():
                tensors[f"{MOMENTS}{moment}/{name}"] = tensor
        if self.rows:
            tensors |= {ROWS + name: tensor for name, tensor in self.rows.state().items()}
        everyone = gather_object([self.rng_state()])
        for rank, draws in enumerate(everyone):
            tensors |= {f"{RNG}{rank}/{name}": tensor for name, tensor in draws.items() if name != "words"}
        scaler = getattr(self.accelerator, "scaler", None)
        own = {"pieces": self.pieces, "skipped": self.skipped, "words": [draws["words"] for draws in everyone]}
        if scaler is not None:
            own["scaler"] = scaler.state_dict()
        return State(tensors=tensors, facts={**facts, **own})

    def load_state(self, state: State) -> None:
        """Restore what `state` returned."""
        with torch.no_grad():
            for name, tensor in self.own_weights().items():
                tensor.copy_(state.tensors[WEIGHTS + name])
        self._load_moments(state)
        if self.rows:
            self.rows.load_state(state.under(ROWS))
        rank = self.accelerator.process_index
        self.set_rng_state({**state.under(f"{RNG}{rank}/"), "words": state.facts["words"][rank]})
        self.pieces, self.skipped = int(state.facts["pieces"]), int(state.facts["skipped"])
        if "scaler" in state.facts:
            self.accelerator.scaler.load_state_dict(state.facts["scaler"])

    def own_weights(self) -> dict[str, Tensor]:
        """The weights without those that are not trained, which come from the encoder's files."""
        if self.rows:
            self.rows.sync()
        frozen = {name for name, parameter in self.network.named_parameters() if not parameter.requires_grad}
        return {name: tensor for name, tensor in self.network.state_dict().items() if name not in frozen}

    def _load_moments(self, state: State) -> None:
        """Restore AdamW's moments into memory from torch: a product's bits may depend on its operands' alignment."""
        names = dict(self.network.named_parameters())
        for key, tensor in state.under(MOMENTS).items():
            moment, name = key.split("/", 1)
            parameter = names[name]
            kept = torch.empty(tensor.shape, dtype=tensor.dtype, device=parameter.device).copy_(tensor)
            self.optimizer.state[parameter][moment] = kept


def _cut(part: Features, pieces: int) -> list[Features]:
    """`part` in at most `pieces` parts of similar size."""
    if pieces == 1:
        return [part]
    return [part.take(indices) for indices in np.array_split(np.arange(len(part)), min(pieces, len(part)))]
