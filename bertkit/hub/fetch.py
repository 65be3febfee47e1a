"""Download from the Hub, verified, at a named commit."""

from __future__ import annotations

import re
from functools import cache, partial
from pathlib import Path
from typing import Any

from bertkit.encoders import INDEX, MODEL_FILES, VOCABULARIES, WEIGHTS, Encoder, check_folder
from bertkit.errors import DataError, EncoderError, HubError
from bertkit.hub.access import called, offline, quiet, storage_of
from bertkit.hub.retry import retried
from bertkit.hub.verify import verified
from bertkit.sources import HubRows

WAIT = 20.0
"""Read timeout in seconds where huggingface_hub has none."""


WEIGHT_FILES = (WEIGHTS, INDEX, "model-*-of-*.safetensors", "generation_config.json")


def fetch_model(encoder: Encoder, weights: bool) -> tuple[Path, str]:
    """The folder with config, vocabulary and (if wanted) safetensors of a Hub model, and its commit.

    Downloads are verified by the Hub's hashes. Offline only the cache is used. Raises HubError, or EncoderError if the
    model has no safetensors.
    """
    _library()
    from huggingface_hub import snapshot_download

    what, revision = f"model '{encoder.place}'", encoder.revision
    patterns = [*MODEL_FILES, *(WEIGHT_FILES if weights else ())]
    with verified(what, storage_of("models", encoder.place)):
        place = retried(
            what,
            revision,
            lambda: snapshot_download(encoder.place, revision=revision, allow_patterns=patterns),
        )
    folder = Path(place)
    _check_complete(what, folder, weights)
    return folder, folder.name


def _check_complete(what: str, folder: Path, weights: bool) -> None:
    wanted = {"config.json": ("config.json",), "vocabulary": VOCABULARIES}
    if weights:
        wanted[WEIGHTS] = (WEIGHTS, INDEX)
    for name, files in wanted.items():
        if any((folder / file).is_file() for file in files):
            continue
        if offline():
            raise HubError(f"{what} is incomplete on this machine (no {name}): run once online")
        way_out = "; a pickle could run code when read" if name == WEIGHTS else ""
        raise EncoderError(f"{what} has no {name} on the Hub{way_out}: choose another model")
    check_folder(folder, weights=weights)


def fetch_rows(hub: HubRows, split: str) -> tuple[Any, str]:
    """The rows of our `split` as a datasets.Dataset, and the commit they are of.

    Raises DataError if the Hub's dataset has no such config or split, HubError if it cannot be fetched.
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


def split_names(hub: HubRows) -> tuple[str, ...]:
    """What the Hub calls the splits of a dataset. Raises DataError if it has no such config, HubError."""
    return tuple(_built(hub.id, hub.config, hub.revision).info.splits)


@cache
def _built(name: str, config: str | None, revision: str | None) -> Any:
    """A dataset's builder, its rows built from one commit, even if another is pushed meanwhile."""
    _library()
    from datasets import load_dataset_builder

    what, storage = called(HubRows(id=name, config=config)), storage_of("datasets", name)
    with verified(what, storage):
        commit = retried(what, revision, lambda: _commit_asked(name, revision))
        pinned = commit or revision
        builder = retried(what, revision, lambda: load_dataset_builder(name, config, revision=pinned))
        if revision and builder.hash != commit:
            raise HubError(f"{what} is not on this machine at revision '{revision}': run once online")
        if not (Path(builder.cache_dir) / "dataset_info.json").is_file():
            _fetch_files(what, name, builder)
    retried(what, revision, builder.download_and_prepare)
    return builder


def _commit_asked(name: str, revision: str | None) -> str | None:
    """The commit that a dataset's revision names; None if it is unknown offline."""
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
    """Download a dataset's files into the cache, so that they are verified before rows are built."""
    from huggingface_hub import hf_hub_download

    start = f"hf://datasets/{name}@{builder.hash}/"
    urls = [str(url) for files in (builder.config.data_files or {}).values() for url in files]
    for url in urls:
        if url.startswith(start):
            fetch = partial(hf_hub_download, name, url.removeprefix(start), repo_type="dataset")
            retried(what, None, partial(fetch, revision=builder.hash))


def _library() -> None:
    """Import huggingface_hub, silenced, with a timeout for every request: some have none."""
    quiet()
    import huggingface_hub

    client = huggingface_hub.get_session()
    hooks = client.event_hooks
    if _bound_wait not in hooks["request"]:
        client.event_hooks = {**hooks, "request": [*hooks["request"], _bound_wait]}


def _bound_wait(request: Any) -> None:
    waits = request.extensions.get("timeout") or dict.fromkeys(("connect", "read", "write", "pool"))
    request.extensions["timeout"] = {name: WAIT if wait is None else wait for name, wait in waits.items()}
