"""Whether the Hub is reachable, and what of it is cached on this machine; `fetch.py` downloads the rest.

Light at import: the command line calls `prepare` before anything heavy is loaded. Without it the libraries wait half
a minute for a Hub that is unreachable, and forever for one that accepts a connection and never answers.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from bertkit.encoders import Encoder
from bertkit.errors import HubError, one_line
from bertkit.sources import HubRows

PATIENCE = 1.8
"""Seconds in which the Hub must answer one request, DNS included."""

QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_VERBOSITY": "error",
    "DATASETS_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
}


def prepare(models: Sequence[Encoder], datasets: Sequence[HubRows], instead: str | None = None) -> None:
    """Check that models and datasets can be downloaded or are cached, and set the libraries online or offline.

    If the Hub does not answer within PATIENCE, this process and its children work offline. Raises HubError if something
    is then missing; `instead` says what to give in its place, where that is no option. With HF_HUB_OFFLINE set no
    connection is opened. Call it before huggingface_hub, transformers or datasets are imported: it silences them too.
    """
    quiet()
    wanted = [encoder for encoder in models if encoder.kind == "hub"]
    absent = [encoder for encoder in wanted if not _has_model(encoder)]
    rowless = [hub for hub in datasets if not _has_rows(hub)]
    if not wanted and not datasets:
        return
    trouble = "nothing is fetched (--offline, or HF_HUB_OFFLINE)"
    if not offline():
        status, trouble = _ask(_endpoint())
        if status and (status < 500 or absent or rowless):
            return
        _go_offline()
    if absent or rowless:
        raise HubError(
            f"{_missing(absent, rowless, trouble)}: {instead or _instead(absent, rowless)}, or run once online"
        )


def _missing(models: list[Encoder], datasets: list[HubRows], trouble: str) -> str:
    names = dict.fromkeys([f"model '{encoder.place}'" for encoder in models] + [called(hub) for hub in datasets])
    listed = list(names)[:3] + ([f"{len(names) - 3} more"] if len(names) > 3 else [])
    return f"{' and '.join(listed)} {'are' if len(names) > 1 else 'is'} not on this machine, and {trouble}"


def _instead(models: list[Encoder], datasets: list[HubRows]) -> str:
    flags = ["--model FOLDER"] * bool(models) + ["--data FOLDER"] * bool(datasets)
    return f"pass {' and '.join(flags)}, or --sample"


def called(hub: HubRows) -> str:
    """How messages name a dataset."""
    return f"dataset '{hub.id}'" + (f" ({hub.config})" if hub.config else "")


# What is on this machine, by file names alone.


def home() -> Path:
    """Hugging Face's cache folder."""
    cache_home = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return _expanded(os.environ.get("HF_HOME", f"{cache_home}/huggingface"))


def _expanded(path: str) -> Path:
    return Path(os.path.expandvars(path)).expanduser()


def storage_of(kind: str, name: str) -> Path:
    """The folder of a repository in the Hub's cache: blobs, refs, snapshots."""
    place = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return (_expanded(place) if place else home() / "hub") / "--".join([kind, *name.split("/")])


def _commit_of(storage: Path, revision: str | None) -> str | None:
    """The commit that a revision named when it was last requested."""
    if revision and re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    try:
        return (storage / "refs" / (revision or "main")).read_text("utf-8").strip()
    except OSError:
        return None


def _has_model(encoder: Encoder) -> bool:
    storage = storage_of("models", encoder.place)
    commit = _commit_of(storage, encoder.revision)
    return bool(commit) and (storage / "snapshots" / str(commit) / "config.json").is_file()


def _has_rows(hub: HubRows) -> bool:
    """datasets keeps the rows it built below owner___name/config/version/commit (its names in snake case)."""
    place = os.environ.get("HF_DATASETS_CACHE")
    *owner, name = hub.id.split("/")
    name = re.sub(r"([a-z\d])([A-Z])", r"\1_\2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)).lower()
    folder = (_expanded(place) if place else home() / "datasets") / "___".join([*owner, name])
    return any(folder.glob(f"{hub.config or '*'}/*/*/dataset_info.json"))


# Does the Hub answer?


def offline() -> bool:
    """Whether the Hub must not be contacted."""
    asked = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return asked.upper() in {"1", "ON", "YES", "TRUE"}


def _go_offline() -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        os.environ[name] = "1"
        for module in ("huggingface_hub.constants", "datasets.config"):
            if hasattr(sys.modules.get(module), name):
                setattr(sys.modules[module], name, True)


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


@cache
def _ask(endpoint: str) -> tuple[int | None, str]:
    """The Hub's HTTP status and "", or None and the reason; requested once per process.

    In a thread, because a DNS lookup ignores timeouts.
    """
    from queue import Empty, Queue
    from threading import Thread

    answers: Queue[tuple[int | None, str]] = Queue()
    Thread(target=lambda: answers.put(_head(endpoint)), daemon=True).start()
    try:
        status, trouble = answers.get(timeout=PATIENCE)
    except Empty:
        status, trouble = None, f"no answer within {PATIENCE:g} s"
    return status, f"the Hub ({endpoint}) cannot be reached ({trouble or f'HTTP {status}'})"


def _head(endpoint: str) -> tuple[int | None, str]:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(f"{endpoint}/robots.txt", method="HEAD"), timeout=PATIENCE) as reply:
            return reply.status, ""
    except HTTPError as error:
        with error:
            return error.code, ""
    except URLError as error:
        return None, one_line(error.reason)
    except (OSError, HTTPException, ValueError) as error:
        return None, one_line(error)


def quiet() -> None:
    """Turn off progress bars, logging and telemetry of the libraries that are imported after this."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
