"""Retry transient errors, and translate the Hub libraries' errors into one line."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable
from typing import TypeVar

from bertkit.errors import BertkitError, DataError, HubError, one_line
from bertkit.hub.access import home, offline

T = TypeVar("T")


PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the attempts of a download; a Retry-After from the Hub is obeyed, up to LONGEST."""


LONGEST = 60.0


def retried(what: str, revision: str | None, call: Callable[[], T]) -> T:
    """The result of `call`, retried after transient errors. Raises BertkitError."""
    for pause in (*PAUSES, None):
        try:
            return call()
        except Exception as error:  # httpx, xet, pyarrow, datasets: each has its own hierarchy
            if pause is None or not _is_transient(error):
                raise _translated(what, revision, error) from error
            time.sleep(max(pause, seconds_to_wait(error)))
    raise AssertionError


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    return chain


def _kinds(error: BaseException) -> set[str]:
    """The class names of an error and of its causes: httpx and httpx2 share them."""
    return {kind.__name__ for link in _chain(error) for kind in type(link).__mro__}


def _status(error: BaseException) -> int | None:
    replies = (getattr(link, "response", None) for link in _chain(error))
    return next((reply.status_code for reply in replies if reply is not None), None)


def seconds_to_wait(error: BaseException) -> float:
    """The reply's Retry-After in seconds, at most LONGEST."""
    replies = (getattr(link, "response", None) for link in _chain(error))
    said = next((reply.headers.get("Retry-After", "") for reply in replies if reply is not None), "")
    return min(float(said), LONGEST) if said.isdecimal() else 0.0


def _is_transient(error: BaseException) -> bool:
    kinds, status = _kinds(error), _status(error)
    if offline() or kinds & {"TimeoutException", "ProxyError"}:
        return False
    if status:
        return status in (408, 429) or status >= 500
    short = "Consistency check failed" in str(error)
    return short or bool(kinds & {"TransportError", "ConnectionError", "XetDownloadError"})


def _translated(what: str, revision: str | None, error: Exception) -> BertkitError:
    kinds, status, line = _kinds(error), _status(error), one_line(error)
    if isinstance(error, BertkitError):
        return error
    if "GatedRepoError" in kinds:
        return HubError(f"{what} is gated: ask for access on its page, then log in with `hf auth login`")
    if "RevisionNotFoundError" in kinds:
        return HubError(f"{what} has no revision '{revision}' on the Hub")
    if "RepositoryNotFoundError" in kinds:
        return HubError(f"the Hub has no {what}; if it is private, log in with `hf auth login`")
    if "Couldn't find cache" in line or ("LocalEntryNotFoundError" in kinds and offline()):
        return HubError(f"{what} is incomplete on this machine, and the Hub is not contacted: run once online")
    several = re.search(r"available configs: \[([^\]]*)\]", line)
    if "Config name is missing" in line and several:
        return DataError(f"{what} has several subsets: {several[1].replace(chr(39), '')}; say which with --subset")
    if "BuilderConfig" in line or "Config name is missing" in line:
        known = re.search(r"Available: \[(.*)\]", line)
        listed = f"; it has {known[1].replace(chr(39), '')}" if known else f" ({line})"
        return DataError(f"{what} has no such config on the Hub{listed}")
    if status:
        return HubError(f"{what}: the Hub answered HTTP {status}; try again later")
    if getattr(error, "errno", None) == errno.ENOSPC:
        return HubError(f"{what}: no space is left for it below {home()}")
    if "DatasetBuildError" in kinds or "SplitsVerificationError" in kinds:
        return DataError(f"{what} could not be built from its files: {line}")
    return HubError(f"{what} could not be fetched: {line}")
