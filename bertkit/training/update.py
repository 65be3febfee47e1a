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
from bertkit.kernels.unpadded import unpadded
from bertkit.machine.memory import Guard, out_of_memory
from bertkit.models.forward import forward, readable_inputs
from bertkit.models.task_model import TaskModel
from bertkit.training.checkpoint import State

WEIGHTS, MOMENTS, ROWS, DRAWS = "weights/", "optimizer/", "rows/", "draws/"
"""How names of a state's tensors begin: the model's, AdamW's for its parameters and for rows, torch's generators."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """What an update came to, before the weights are moved: its loss, and the norm of its gradient."""

    loss: float
    norm: float

    @property
    def finite(self) -> bool:
        """Whether both are finite."""
        return math.isfinite(self.loss) and math.isfinite(self.norm)


class KnownToAll(MemoryError):  # noqa: N818  # what it says of MemoryError
    """Memory ran out for one of several processes, and all of them know it."""


@contextmanager
def updater(
    model: TaskModel, optimizer: torch.optim.AdamW, seed: int, fast_dropout: bool, guard: Guard
) -> Iterator[Updater]:
    """What every update needs; the model is as it was before once this is left."""
    loaded, accelerator = model.loaded, model.accelerator
    fast = fast_dropout and accelerator.device.type == "cpu"
    masks = Masks(seed, accelerator.process_index) if fast else PlainMasks(seed)
    with ExitStack() as stack:
        if model.layout.packed:
            stack.enter_context(unpadded(loaded.model, model.head.per_token))
        if fast:
            stack.enter_context(dropout_from(loaded.model, masks))
        stack.enter_context(fast_linear(loaded.model))
        rows = None
        if accelerator.device.type == "cpu" and accelerator.num_processes == 1 and fits(loaded.model):
            rows = stack.enter_context(seen_rows(loaded.model, optimizer))
        network = loaded.model.to(accelerator.device)
        if accelerator.num_processes > 1:
            for tensor in (*network.parameters(), *network.buffers()):  # what is drawn may differ from host to host
                torch.distributed.broadcast(tensor.detach(), src=0)
        prepared = accelerator.prepare(optimizer)
        network.train()
        yield Updater(
            model=model, optimizer=prepared, masks=masks, fast=fast, rows=rows,
            readable=readable_inputs(loaded.model), guard=guard,
        )  # fmt: skip


@dataclass(kw_only=True)
class Updater:
    """What every update needs.

    rows    the word embeddings, where one process computes on a CPU, and they are a plain table
    pieces  into how many parts each micro-batch is cut, so that one fits into the memory there is
    skipped how many updates were left out, one after another up to now
    """

    model: TaskModel
    optimizer: Any
    masks: Masks
    fast: bool
    rows: SeenRows | None
    readable: set[str]
    guard: Guard
    pieces: int = 1
    skipped: int = 0
    _gathered: Tensor | None = field(default=None, repr=False)

    @property
    def accelerator(self) -> Accelerator:
        """The device, and the other processes."""
        return self.model.accelerator

    @property
    def network(self) -> Any:
        """The transformers model."""
        return self.model.network

    def backward(self, parts: list[Features], exact: bool = False) -> Update:
        """Leave the gradient of the mean loss over `parts` in the model; `exact` computes in fp32.

        The mean is over rows, or over words for tagging, of the whole update, however it was cut up. What does not
        fit into memory is cut into twice as many pieces; RunError if single rows do not fit.
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
                self._give_way(max(map(len, cut)), error)
            self.guard.release()  # the error is gone by now, and with it what its frames held
            self.zero_grad()
            self.set_rng_state(before)

    def _give_way(self, rows: int, error: BaseException) -> None:
        """Cut micro-batches into more pieces, after `rows` rows at once were too many."""
        if self.accelerator.num_processes > 1 and not isinstance(error, KnownToAll):
            raise RunError(
                f"process {self.accelerator.process_index} ran out of memory at {rows:,} rows at once; "
                "give --gradient-accumulation, and a smaller --batch-size"
            ) from error
        if rows == 1:
            raise RunError("out of memory at a single row: give a smaller --max-length, or more memory") from error
        self.pieces *= 2

    def _backward_all(self, parts: list[Features], exact: bool) -> float:
        total = max(1, sum(map(self.model.head.count, parts)))
        loss, lacking = torch.zeros((), device=self.accelerator.device), None
        try:
            for part in parts:
                mean = self._summed(part, exact) / total
                self.accelerator.backward(mean)
                loss += mean.detach()
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            lacking = error
        self._all_fit(lacking)
        if self.accelerator.num_processes > 1:
            # not by DistributedDataParallel, whose processes wait for each other inside of a pass that may not fit
            sums = [torch.distributed.all_reduce(one, async_op=True) for one in (loss, *self._gradients())]
            for one in sums:
                one.wait()
        return float(loss)

    def _all_fit(self, lacking: BaseException | None) -> None:
        """Raise `lacking`; on every process KnownToAll, if memory ran out for any of several."""
        if self.accelerator.num_processes > 1:
            any_lack = torch.tensor(float(lacking is not None), device=self.accelerator.device)
            if float(self.accelerator.reduce(any_lack, reduction="sum")):
                raise KnownToAll from lacking
        elif lacking:
            raise lacking

    def _summed(self, part: Features, exact: bool) -> Tensor:
        """The summed loss of this process' share of a micro-batch; 0, still with a gradient, if it has none."""
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        mine = share(part.lengths, rank, processes)
        given = part.take(mine if len(mine) else np.zeros(1, np.int64)) if processes > 1 else part
        batch = self.model.batch(given)
        with nullcontext() if exact else self.accelerator.autocast():
            logits = forward(self.network, self.model.head, batch, self.readable, self.masks)
        assert batch.targets is not None
        return self.model.head.loss(logits.float(), batch.targets, batch.mask) * float(len(mine) > 0)

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
        """Move the weights by the gradient, cut from its `norm` to `most`, at the learning rate; clear it."""
        if not norm <= most:  # what the norm's own function does, but for gradients it would multiply by 1
            torch._foreach_mul_(self._gradients(), most / (norm + 1e-6))
        if self.rows:
            assert self._gathered is not None
            self.rows.spread(self._gathered)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        if self.rows:
            self.rows.follow(rate)
        self.zero_grad()

    def zero_grad(self) -> None:
        """Clear the gradient."""
        for parameter in self.network.parameters():
            parameter.grad = None
        if self.rows:
            self.rows.clear()
        self._gathered = None

    # What is random.

    def rng_state(self) -> dict[str, Any]:
        """From where this process draws next: the masks' words, and torch's generators."""
        found = {"words": self.masks.words, "torch": torch.get_rng_state()}
        if self.accelerator.device.type == "cuda":
            found["cuda"] = torch.cuda.get_rng_state()
        return found

    def set_rng_state(self, draws: dict[str, Any]) -> None:
        """Draw next what was drawn next then."""
        self.masks.seek(int(draws["words"]))
        torch.set_rng_state(draws["torch"])
        if "cuda" in draws:
            torch.cuda.set_rng_state(draws["cuda"])

    # The state between two updates.

    def state(self, facts: dict[str, Any]) -> State:
        """All that the next update depends on, and `facts`; every process asks for it at once."""
        if self.rows:
            self.rows.settle()
        tensors = {WEIGHTS + name: tensor for name, tensor in self.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            for moment, tensor in self.optimizer.state.get(parameter, {}).items():
                tensors[f"{MOMENTS}{moment}/{name}"] = tensor
        if self.rows:
            tensors |= {ROWS + name: tensor for name, tensor in self.rows.state().items()}
        everyone = gather_object([self.rng_state()])
        for rank, draws in enumerate(everyone):
            tensors |= {f"{DRAWS}{rank}/{name}": tensor for name, tensor in draws.items() if name != "words"}
        scaler = getattr(self.accelerator, "scaler", None)
        own = {"pieces": self.pieces, "skipped": self.skipped, "words": [draws["words"] for draws in everyone]}
        if scaler is not None:
            own["scaler"] = scaler.state_dict()
        return State(tensors=tensors, facts={**facts, **own})

    def load_state(self, state: State) -> None:
        """Be where `state` was."""
        weights = self.network.state_dict()
        with torch.no_grad():
            for name, tensor in weights.items():
                tensor.copy_(state.tensors[WEIGHTS + name])
        self._remember(state)
        if self.rows:
            self.rows.load_state(state.under(ROWS))
        rank = self.accelerator.process_index
        self.set_rng_state({**state.under(f"{DRAWS}{rank}/"), "words": state.facts["words"][rank]})
        self.pieces, self.skipped = int(state.facts["pieces"]), int(state.facts["skipped"])
        if "scaler" in state.facts:
            self.accelerator.scaler.load_state_dict(state.facts["scaler"])

    def _remember(self, state: State) -> None:
        """AdamW's moments, in memory of its own kind: a product's bits may depend on where its operands lie."""
        names = dict(self.network.named_parameters())
        for key, tensor in state.under(MOMENTS).items():
            moment, name = key.split("/", 1)
            parameter = names[name]
            kept = torch.empty(tensor.shape, dtype=tensor.dtype, device=parameter.device).copy_(tensor)
            self.optimizer.state[parameter][moment] = kept


def _cut(part: Features, pieces: int) -> list[Features]:
    """`part` in at most `pieces` parts of like size."""
    if pieces == 1:
        return [part]
    return [part.take(indices) for indices in np.array_split(np.arange(len(part)), min(pieces, len(part)))]
