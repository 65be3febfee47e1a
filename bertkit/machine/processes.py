"""The processes of a run: their number, timeouts, and the error if one is lost.

A launcher puts LOCAL_RANK, RANK and WORLD_SIZE into the environment of each process, as torchrun does.
"""

from __future__ import annotations

import os
import re

from bertkit.errors import PeerError, RequestError

TIMEOUT = "BERTKIT_PEER_TIMEOUT"
"""An environment variable: seconds that a process waits for another."""

DEFAULT = 600.0

SILENT = re.compile(
    r"timed out waiting|wait timeout|socket timeout|operation time(out|d out)|application timeout caused pair closure",
    re.IGNORECASE,
)
BROKEN = re.compile(
    r"connection (was likely )?closed|connection reset|broken pipe|no route to host|network is unreachable|"
    r"connection timed out|remote process exit",
    re.IGNORECASE,
)
UNMET = re.compile(r"connectFullMesh failed|waiting for clients|client socket has (timed out|failed)", re.IGNORECASE)
"""What torch's errors say; no class of theirs tells a lost process from a wrong call."""


def world_size() -> int | None:
    """Number of processes; None if no launcher started this one. Raises RequestError."""
    if "LOCAL_RANK" not in os.environ:
        return None
    text = os.environ.get("WORLD_SIZE", "1")
    if not text.isdecimal() or int(text) < 1:
        raise RequestError(f"WORLD_SIZE={text}: LOCAL_RANK is set, so it must be the number of processes")
    return int(text)


def timeout() -> float:
    """Seconds a process waits for another. Raises RequestError."""
    text = os.environ.get(TIMEOUT, str(DEFAULT))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= 10**7:
        raise RequestError(f"{TIMEOUT}={text}: it must be a number of seconds, 1 or more")
    return seconds


def lost(error: BaseException) -> PeerError | None:
    """A PeerError if the error says that another process was lost, else None."""
    if world_size() is None or not isinstance(error, RuntimeError):
        return None
    said, waited = str(error), f"{timeout():g} s ({TIMEOUT})"
    who = f"process {os.environ.get('RANK', '0')} of {world_size()}"
    if UNMET.search(said):
        hint = "is each of them running, and does GLOO_SOCKET_IFNAME name the network interface between the hosts?"
        return PeerError(f"{who} did not reach the others within {waited}: {hint}")
    if SILENT.search(said):
        return PeerError(f"{who} lost contact with another process: nothing came for {waited}")
    if BROKEN.search(said):
        return PeerError(f"{who} lost contact with another process: it ended, or the connection to it broke")
    return None


def distributed() -> bool:
    """Whether a launcher started this process as one of several."""
    return world_size() is not None


def first() -> bool:
    """Whether this is the first process, which prints for all."""
    return os.environ.get("RANK", "0") == "0"
