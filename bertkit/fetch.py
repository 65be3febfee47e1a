"""What the Hub holds, brought to this machine, verified, and named by its commit."""

from __future__ import annotations

import errno
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from bertkit.encoders import INDEX, MODEL_FILES, VOCABULARIES, WEIGHTS, Encoder, check_folder
from bertkit.errors import BertkitError, DataError, EncoderError, HubError
from bertkit.hub import called, home, line_of, offline, quiet, storage_of
from bertkit.sources import HubRows

T = TypeVar("T")

WAIT = 20.0
"""Seconds to wait for the next bytes where huggingface_hub would wait for ever."""
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries of a download; a Hub that says how long to wait is waited for, up to LONGEST."""

LONGEST = 60.0

WEIGHT_FILES = (WEIGHTS, INDEX, "model-*-of-*.safetensors")


def fetch_model(encoder: Encoder, weights: bool) -> tuple[Path, str]:
    """The folder with config, vocabulary and (if wanted) safetensors of a Hub model, and its commit.

    What was downloaded has the hash the Hub named. Offline the cache alone is used. Raises HubError, or
    EncoderError if the model is not one that can be read safely.
    """
    _library()
    from huggingface_hub import snapshot_download

    what, revision = f"model '{encoder.place}'", encoder.revision
    patterns = [*MODEL_FILES, *(WEIGHT_FILES if weights else ())]
    with _verified(what, storage_of("models", encoder.place)):
        place = _tried(
            what,
            revision,
            lambda: snapshot_download(encoder.place, revision=revision, allow_patterns=patterns),
        )
    folder = Path(place)
    _check_whole(what, folder, weights)
    return folder, folder.name


def _check_whole(what: str, folder: Path, weights: bool) -> None:
    wanted = {"config.json": ("config.json",), "vocabulary": VOCABULARIES}
    if weights:
        wanted[WEIGHTS] = (WEIGHTS, INDEX)
    for name, files in wanted.items():
        if any((folder / file).is_file() for file in files):
            continue
        if offline():
            raise HubError(f"{what} is not whole on this machine (no {name}): run once online")
        way_out = "; a pickle could run code when read" if name == WEIGHTS else ""
        raise EncoderError(f"{what} has no {name} on the Hub{way_out}: choose another --model")
    check_folder(folder, weights=weights)


def fetch_rows(hub: HubRows, split: str) -> tuple[Any, str]:
    """The rows of our `split` as a datasets.Dataset, and the commit they are of.

    Raises DataError if the Hub's dataset has no such config or split, HubError if it cannot be had.
    """
    what, name = called(hub), hub.splits.get(split)
    if name is None:
        raise DataError(f"{what} has no {split} split on the Hub: give --data FOLDER")
    builder = _built(hub.id, hub.config, hub.revision)
    if name not in builder.info.splits:
        raise DataError(f"{what} has no split '{name}' on the Hub; it has {', '.join(builder.info.splits)}")
    dataset = builder.as_dataset(split=name)
    named = re.search(r"@([0-9a-f]{40})/", " ".join(builder.info.download_checksums or {}))
    return dataset, named[1] if named else str(builder.hash)


@cache
def _built(name: str, config: str | None, revision: str | None) -> Any:
    """A dataset's builder with its rows built; one commit for all splits, whatever is pushed meanwhile."""
    _library()
    from datasets import load_dataset_builder

    what, storage = called(HubRows(id=name, config=config)), storage_of("datasets", name)
    with _verified(what, storage):
        commit = _tried(what, revision, lambda: _commit_asked(name, revision))
        pinned = commit or revision
        builder = _tried(what, revision, lambda: load_dataset_builder(name, config, revision=pinned))
        if revision and builder.hash != commit:
            raise HubError(f"{what} is not on this machine at revision '{revision}': run once online")
        if not (Path(builder.cache_dir) / "dataset_info.json").is_file():
            _fetch_files(what, name, builder)
    _tried(what, revision, builder.download_and_prepare)
    return builder


def _commit_asked(name: str, revision: str | None) -> str | None:
    """The commit a dataset's revision stands for; None if it isn't known here, offline."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError

    try:
        readme = hf_hub_download(name, "README.md", repo_type="dataset", revision=revision)
        return Path(readme).parent.name
    except RemoteEntryNotFoundError as error:
        return str(error.response.headers["X-Repo-Commit"])
    except LocalEntryNotFoundError:
        if offline():
            return None
        raise


def _fetch_files(what: str, name: str, builder: Any) -> None:
    """Bring a dataset's files into the cache, to be verified before rows are built from them."""
    from huggingface_hub import hf_hub_download

    start = f"hf://datasets/{name}@{builder.hash}/"
    urls = [str(url) for files in (builder.config.data_files or {}).values() for url in files]
    for url in urls:
        if url.startswith(start):
            fetch = partial(hf_hub_download, name, url.removeprefix(start), repo_type="dataset")
            _tried(what, None, partial(fetch, revision=builder.hash))


def _library() -> None:
    """huggingface_hub, quiet, and with an end to every wait: some of its questions have no timeout."""
    quiet()
    import huggingface_hub

    client = huggingface_hub.get_session()
    hooks = client.event_hooks
    if _bound_wait not in hooks["request"]:
        client.event_hooks = {**hooks, "request": [*hooks["request"], _bound_wait]}


def _bound_wait(request: Any) -> None:
    waits = request.extensions.get("timeout") or dict.fromkeys(("connect", "read", "write", "pool"))
    request.extensions["timeout"] = {name: WAIT if wait is None else wait for name, wait in waits.items()}


# Verifying: huggingface_hub checks a download's size, not its bytes.


@contextmanager
def _verified(what: str, storage: Path) -> Iterator[None]:
    """What the block adds to a repository's cache has the hash it is named by; HubError, and gone, if not."""
    before = set(_blobs(storage))
    try:
        yield
    finally:
        wrong = [blob for blob in _blobs(storage) if blob not in before and not _is_named_by_hash(blob)]
        names = sorted({name for blob in wrong for name in _removed(storage, blob)})
        if wrong:
            listed = ", ".join(names)
            raise HubError(f"{what}: {listed} came with other bytes than the Hub announced; removed, try again")


def _blobs(storage: Path) -> list[Path]:
    return [blob for blob in storage.glob("blobs/*") if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", blob.name)]


def _is_named_by_hash(blob: Path) -> bool:
    """SHA-256 for large files, git's SHA-1 of a blob for small ones."""
    start = b"blob %d\0" % blob.stat().st_size
    with blob.open("rb") as file:
        if len(blob.name) == 64:
            return hashlib.file_digest(file, "sha256").hexdigest() == blob.name
        return hashlib.file_digest(file, lambda: hashlib.sha1(start)).hexdigest() == blob.name


def _removed(storage: Path, blob: Path) -> list[str]:
    """Remove a blob and what points to it; the names it went by."""
    names = []
    for link in (storage / "snapshots").rglob("*"):
        if link.is_symlink() and link.readlink().name == blob.name:
            names.append(link.name)
            link.unlink()
    blob.resolve().unlink(missing_ok=True)
    blob.unlink(missing_ok=True)
    return names


# Errors.


def _tried(what: str, revision: str | None, call: Callable[[], T]) -> T:
    """What the call gives, at the last try at the latest; its error in one line."""
    for pause in (*PAUSES, None):
        try:
            return call()
        except Exception as error:  # httpx, xet, pyarrow, datasets: each has a tree of its own
            if pause is None or not _may_pass(error):
                raise _translated(what, revision, error) from error
            time.sleep(max(pause, _asked_to_wait(error)))
    raise AssertionError


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    return chain


def _kinds(error: BaseException) -> set[str]:
    """The names of the classes of an error and of what led to it: httpx and httpx2 have the same."""
    return {kind.__name__ for link in _chain(error) for kind in type(link).__mro__}


def _status(error: BaseException) -> int | None:
    replies = (getattr(link, "response", None) for link in _chain(error))
    return next((reply.status_code for reply in replies if reply is not None), None)


def _asked_to_wait(error: BaseException) -> float:
    """Seconds that the Hub asked for in its reply, LONGEST at most."""
    replies = (getattr(link, "response", None) for link in _chain(error))
    said = next((reply.headers.get("Retry-After", "") for reply in replies if reply is not None), "")
    return min(float(said), LONGEST) if said.isdecimal() else 0.0


def _may_pass(error: BaseException) -> bool:
    kinds, status = _kinds(error), _status(error)
    if offline() or kinds & {"TimeoutException", "ProxyError"}:
        return False
    if status:
        return status in (408, 429) or status >= 500
    short = "Consistency check failed" in str(error)
    return short or bool(kinds & {"TransportError", "ConnectionError", "XetDownloadError"})


def _translated(what: str, revision: str | None, error: Exception) -> BertkitError:
    kinds, status, line = _kinds(error), _status(error), line_of(error)
    if isinstance(error, BertkitError):
        return error
    if "GatedRepoError" in kinds:
        return HubError(f"{what} is gated: ask for access on its page, then log in with `hf auth login`")
    if "RevisionNotFoundError" in kinds:
        return HubError(f"{what} has no revision '{revision}' on the Hub")
    if "RepositoryNotFoundError" in kinds:
        return HubError(f"the Hub has no {what}; if it is private, log in with `hf auth login`")
    if "Couldn't find cache" in line or ("LocalEntryNotFoundError" in kinds and offline()):
        return HubError(f"{what} is not whole on this machine, and the Hub is not asked: run once online")
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
