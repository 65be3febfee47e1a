"""Which ids were seen before, at eight bytes each: their 64-bit hashes. Light: numpy is imported late."""

from __future__ import annotations

import hashlib

RECENT = 65_536
"""Hashes that are held in a set, before they are sorted into the others."""


class Seen:
    """Texts, by their hashes. Of two million texts two have one hash with a probability of 1e-7."""

    def __init__(self) -> None:
        import numpy as np

        self._recent: set[int] = set()
        self._sorted = np.empty(0, np.uint64)

    def add(self, text: str) -> bool:
        """Add a text; returns whether it was there before."""
        import numpy as np

        code = int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "big")
        place = int(self._sorted.searchsorted(np.uint64(code)))
        if code in self._recent or (place < len(self._sorted) and int(self._sorted[place]) == code):
            return True
        self._recent.add(code)
        if len(self._recent) >= RECENT:
            recent = np.fromiter(self._recent, np.uint64, len(self._recent))
            self._sorted = np.sort(np.concatenate([self._sorted, recent]), kind="stable")
            self._recent.clear()
        return False
