"""Out of memory: the errors by which torch says so, on a CPU and on devices."""

from __future__ import annotations

import pytest
import torch

from bertkit.machine.memory import out_of_memory

ALLOCATOR = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: "


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError(ALLOCATOR + "can't allocate memory: you tried to allocate 4000000000000 bytes."),
        RuntimeError(ALLOCATOR + "not enough memory: you tried to allocate 4000000000000 bytes."),  # on Windows
        RuntimeError("MPS backend out of memory (MPS allocated: 1.00 GB)"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("Out of memory"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("unable to mmap 4096 bytes from file </torch_1>: Cannot allocate memory (12)"),
    ],
)
def test_an_error_of_memory_is_recognised(error: Exception) -> None:
    assert out_of_memory(error)


def test_so_is_the_one_that_torch_raises_here() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert out_of_memory(raised.value)


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("out of memory")]
)
def test_another_error_is_not_taken_for_it(error: Exception) -> None:
    assert not out_of_memory(error)
