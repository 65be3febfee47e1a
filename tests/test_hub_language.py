"""Language models of the Hub, against a small Hub on loopback: what is fetched of them, and used offline."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import lm
import pytest
import tiny
from fakehub import FakeHub
from test_hub import environment


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHub]:
    """A Hub with a BERT, a classifier, and a BART whose settings leave it one token."""
    root = tmp_path_factory.mktemp("hub")
    lm.answering(lm.words(root / "models/org/bert", ["the", "man", "of"]), "man", "of")
    lm.masked("bert", root / "models/org/classifier", "AutoModelForSequenceClassification")
    settings = lm.bart(root / "models/org/bart") / "generation_config.json"
    vocabulary = tiny.tokenizer_of("roberta").get_vocab()
    others = sorted({*vocabulary.values()} - {vocabulary["ing"], vocabulary["</s>"]})
    only = {"suppress_tokens": others, "min_new_tokens": 5}
    settings.write_text(json.dumps({**json.loads(settings.read_text("utf-8")), **only}), "utf-8")
    with FakeHub(root) as hub:
        yield hub


def bertkit(hub: FakeHub, folder: Path, *typed: str) -> subprocess.CompletedProcess[str]:
    """`bertkit TYPED` with a cache in this folder."""
    command = [sys.executable, "-m", "bertkit", *typed]
    env = environment(hub.url, folder / "home")
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=200, check=False)


def test_a_model_is_fetched_once_and_then_found_offline(hub: FakeHub, tmp_path: Path) -> None:
    for more in ((), ("--offline",)):
        done = bertkit(hub, tmp_path, "fill", "org/bert", "the ___ of", "--json", *more)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["filled"] == "the man of"


def test_a_model_without_the_head_is_refused_before_its_weights_are_fetched(hub: FakeHub, tmp_path: Path) -> None:
    done = bertkit(hub, tmp_path, "fill", "org/classifier", "the ___ of")
    assert done.returncode == 2
    assert "org/classifier has no masked-language-model head (BertForSequenceClassification)" in done.stderr
    assert any("org/classifier/resolve" in one for one in hub.requests)
    assert not any("classifier" in one and "safetensors" in one and "resolve" in one for one in hub.requests)


def test_a_models_own_generation_settings_are_fetched(hub: FakeHub, tmp_path: Path) -> None:
    done = bertkit(hub, tmp_path, "generate", "org/bart", "the ___ of", "--json", "--max-new-tokens", "6")
    assert done.returncode == 0, done.stderr
    (text,) = json.loads(done.stdout)["generated"]
    assert text in ("ing" * 5, "ing" * 6)
