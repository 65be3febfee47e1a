"""Stop a run cleanly on SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 and SIGXCPU."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from bertkit.errors import StoppedError
from bertkit.machine.processes import world_size

ASKING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""SLURM warns with what --signal names, mostly SIGUSR1, and ends with SIGTERM, as spot machines and containers do."""


SOON = 0.05
"""Seconds after which a signal that was raised where nothing can be is sent once more."""


class Asked(KeyboardInterrupt):
    """A signal asked for an end. Not an Exception, so that nobody takes it for an error that may pass."""


class Stop:
    """A signal that asks for an end ends this block with StoppedError; within `gently`, it is only noted.

    A second Ctrl-C ends the process at once, where no launcher passes signals on. If somebody swallowed the end, it
    comes with the end of the block.

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
        self._hook: Any = None
        self._swallowed: int | None = None
        self._later: threading.Timer | None = None

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for name in ASKING:
                number = getattr(signal, name, None)
                # nohup ignores SIGHUP; None stands for a handler that isn't Python's, and could not be put back
                if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
            self._hook = sys.unraisablehook
            sys.unraisablehook = self._lost
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gentle = True  # nothing is raised any more
        if self._later:
            self._later.cancel()
            self._later.join()
        if self._hook:
            sys.unraisablehook = self._hook
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        asked = self.asked or self._swallowed
        if isinstance(error, Asked) or (error is None and asked):
            assert asked
            raise StoppedError(asked, self.way_on(self.kept)) from error

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
        if again and number == signal.SIGINT and world_size() is None:
            os._exit(128 + number)
        if not again and not self._gentle:
            raise Asked

    def _lost(self, raised: Any) -> None:
        """A destructor, or a callback from C, was interrupted, and what it raises goes nowhere: ask again behind it."""
        if not isinstance(raised.exc_value, Asked):
            self._hook(raised)
            return
        self._swallowed, self.asked = self.asked, None
        self._later = threading.Timer(SOON, os.kill, (os.getpid(), self._swallowed))
        self._later.daemon = True
        self._later.start()
