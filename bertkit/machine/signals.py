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

from bertkit.errors import BertkitError, StoppedError
from bertkit.machine.processes import world_size

ASKING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""SLURM warns with the signal of --signal, often SIGUSR1, and ends with SIGTERM, as spot machines and containers do."""


SOON = 0.05
"""Seconds after which a signal whose exception was lost (in a destructor) is sent again."""


class StopRequested(KeyboardInterrupt):
    """A signal was received. Not an Exception, so that no `except Exception` takes it for an error."""


def interrupted(error: BaseException) -> bool:
    """Whether this is a KeyboardInterrupt, or an error that one led to, as where a library was importing a module.

    An error of bertkit counts if it was raised from such a one, not if it came up while a stop was under way.
    """
    seen, own = set[int](), isinstance(error, BertkitError)
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        if isinstance(link, KeyboardInterrupt):
            return True
        seen.add(id(link))
        link = link.__cause__ or (None if own else link.__context__)
    return False


class Stop:
    """A signal ends this block with StoppedError; inside `deferred`, it is only recorded.

    A second Ctrl-C ends the process at once, unless a launcher passes signals on. If the exception was swallowed on
    its way, StoppedError is raised at the end of the block.

    hint   how to resume, from the update of the last checkpoint
    asked  the number of the first signal
    saved  the update of the last checkpoint when the run stopped
    """

    def __init__(self, hint: Callable[[int | None], str] = lambda saved: "") -> None:
        self.hint = hint
        self.asked: int | None = None
        self.saved: int | None = None
        self._deferred = False
        self._before: dict[int, Any] = {}
        self._hook: Any = None
        self._swallowed: int | None = None
        self._later: threading.Timer | None = None

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for name in ASKING:
                number = getattr(signal, name, None)
                # nohup ignores SIGHUP; None is a handler that isn't Python's, which could not be restored
                if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
            self._hook = sys.unraisablehook
            sys.unraisablehook = self._lost
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deferred = True  # nothing is raised from here on
        if self._later:
            self._later.cancel()
            self._later.join()
        if self._hook:
            sys.unraisablehook = self._hook
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        asked = self.asked or self._swallowed
        if asked and (error is None or (interrupted(error) and not isinstance(error, StoppedError))):
            raise StoppedError(asked, self.hint(self.saved)) from error

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside the block a signal is only recorded in `asked`; it is raised at the end of the block."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        if self.asked is not None:
            raise StopRequested

    def _note(self, number: int, frame: FrameType | None) -> None:
        again = self.asked is not None
        self.asked = self.asked or number
        if again and number == signal.SIGINT and world_size() is None:
            os._exit(128 + number)
        if not again and not self._deferred:
            raise StopRequested

    def _lost(self, raised: Any) -> None:
        """Send the signal again if its exception was dropped, in a destructor or a callback from C."""
        if not isinstance(raised.exc_value, StopRequested):
            self._hook(raised)
            return
        self._swallowed, self.asked = self.asked, None
        self._later = threading.Timer(SOON, os.kill, (os.getpid(), self._swallowed))
        self._later.daemon = True
        self._later.start()
