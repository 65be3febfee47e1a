"""Detect out-of-memory errors, on devices and on a CPU with a memory limit."""

from __future__ import annotations

import ctypes
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from torch import Tensor

MORE = ("not enough memory", "out of memory", "std::bad_alloc", "unable to mmap")
"""In lower case, what torch's errors say on a CPU besides those that accelerate knows."""

STEP = 8
"""Tensors saved for the backward pass between two measurements of the memory."""


def out_of_memory(error: BaseException) -> bool:
    """Whether the error is an out-of-memory error, of a device or of the CPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    return should_reduce_batch_size(error) or any(said in str(error).lower() for said in MORE)


def used() -> int:
    """Bytes of this process's private memory, without mapped files."""
    resident, shared = Path("/proc/self/statm").read_text("utf-8").split()[1:3]
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


class Guard:
    """Inside the block, a forward pass raises MemoryError once this process uses more than `most` bytes.

    The tensors saved for the backward pass are what grows with a batch: memory is measured as they are saved.
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
        """Free what can be freed: garbage, the device's cached blocks, and glibc's free lists."""
        clear_device_cache(garbage_collection=True)
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's: returns freed memory to the system
        if trim:
            trim(0)
