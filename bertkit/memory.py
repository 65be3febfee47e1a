"""What a process does with memory it has freed."""

from __future__ import annotations

import ctypes
import platform

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
"""glibc's names for them: malloc.h."""


def keep_freed() -> None:
    """Have glibc keep freed memory for the next update, instead of asking the system for new pages each time.

    Every update frees and asks for the same tensors; each new page costs a fault. Elsewhere nothing changes.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(MMAP_MAX, 0)
    libc.mallopt(TRIM_THRESHOLD, 2**31 - 1)
    libc.mallopt(TOP_PAD, 64 * 2**20)
