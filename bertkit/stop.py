"""Being asked to stop: by Ctrl-C, by a terminal that closes, by a scheduler that wants its machine back."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from bertkit import peers
from bertkit.errors import StoppedError

ASKING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""SLURM warns with what --signal names, mostly SIGUSR1, and ends with SIGTERM, as spot machines and containers do."""


class Asked(KeyboardInterrupt):
    """A signal asked for an end. Not an Exception, so that nobody takes it for an error that may pass."""


class Stop:
    """A signal that asks for an end ends this block with StoppedError; within `gently`, it is only noted.

    A second Ctrl-C ends the process at once, where no launcher passes signals on.

    way_on  what a person does then, in words, from the update up to which the run was kept
    asked  the first signal that came
    kept   the update up to which the run was kept when it stopped
    """

    def __init__(self, way_on: Callable[[int | None], str] = lambda kept: "") -> None:
        self.way_on = way_on
        self.asked: int | None = None
        self.kept: int | None = None
        self._gentle = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for name in ASKING:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has SIGHUP
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        if isinstance(error, Asked):
            assert self.asked
            raise StoppedError(self.asked, self.way_on(self.kept)) from error

    @contextmanager
    def gently(self) -> Iterator[None]:
        """Inside, nothing is raised: whoever works there looks at `asked`. What came meanwhile is raised at its end."""
        self._gentle = True
        try:
            yield
        finally:
            self._gentle = False
        if self.asked is not None:
            raise Asked

    def _note(self, number: int, frame: FrameType | None) -> None:
        again = self.asked is not None
        self.asked = self.asked or number
        if again and number == signal.SIGINT and peers.world_size() is None:
            os._exit(128 + number)
        if not again and not self._gentle:
            raise Asked
