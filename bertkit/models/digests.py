"""SHA-256 digests of an encoder's weights, config and tokenizer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from bertkit.encoders import MODEL_FILES
from bertkit.files import sha256


def digests_of(folder: Path, scratch: bool) -> dict[str, str | None]:
    """SHA-256 of an encoder's weights and of its other files, as `load` records them."""
    return {"weights": None if scratch else weights_digest(folder), "files": files_digest(folder)}


def weights_digest(folder: Path) -> str:
    """SHA-256 over the safetensors of a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("model*.safetensors")):
        digest.update(bytes.fromhex(sha256(path)))
    return digest.hexdigest()


def files_digest(folder: Path) -> str:
    """SHA-256 over the config and vocabulary files."""
    digest = hashlib.sha256()
    for name in MODEL_FILES:
        if (folder / name).is_file():
            digest.update(bytes.fromhex(sha256(folder / name)))
    return digest.hexdigest()


def tokenizer_digest(tokenizer: Any) -> str:
    """SHA-256 over everything that affects the tokenizer's output."""
    around = [tokenizer.model_input_names, tokenizer.truncation_side, tokenizer.split_special_tokens]
    return hashlib.sha256(f"{tokenizer.backend_tokenizer.to_str()} {around}".encode()).hexdigest()


def config_digest(config: Any) -> str:
    """SHA-256 over the config values that affect the computation, labels included."""
    said = {name: value for name, value in config.to_diff_dict().items() if name not in ("transformers_version",)}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
