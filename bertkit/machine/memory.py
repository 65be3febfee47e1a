"""Out of memory: how it is recognised, on devices and on a CPU with a limit."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SAID = ("can't allocate memory", "not enough memory", "out of memory", "std::bad_alloc", "unable to mmap")
"""What torch's errors say on a CPU, where it has no class for them."""

STEP = 8
"""Tensors kept for the way back between two looks at the memory."""


def out_of_memory(error: BaseException) -> bool:
    """Whether the error is one of memory that ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in SAID)


def used() -> int:
    """Bytes of memory that this process alone holds: without files that are mapped."""
    resident, shared = Path("/proc/self/statm").read_text("utf-8").split()[1:3]
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


class Guard:
    """Inside, a pass forward that takes this process above `most` bytes ends with a MemoryError, before its end.

    What a pass keeps for the way back is what grows with a batch: it is there that the memory is looked at.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self._kept = 0
        self._stack = ExitStack()

    def __enter__(self) -> None:
        if self.most is not None:
            self._stack.enter_context(torch.autograd.graph.saved_tensors_hooks(self._keep, lambda kept: kept))

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _keep(self, tensor: Tensor) -> Any:
        self._kept += 1
        if self.most is not None and self._kept % STEP == 0 and used() > self.most:
            raise MemoryError(f"more than --max-memory {self.most}")
        return tensor.detach()  # a tensor that keeps itself would never be freed

    def release(self) -> None:
        """Give back what can be given back."""
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's: freed memory goes back to the system
        if trim:
            trim(0)
