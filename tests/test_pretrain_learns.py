"""A small model that is pretrained for a few minutes learns, on real text: its loss, and what its encoder is worth."""

from __future__ import annotations

from math import inf
from pathlib import Path
from statistics import mean

import pytest

import bertkit
from bertkit.analysis.treebank import CONTENT
from bertkit.result import Pretrained
from bertkit.runs.kept_models import kept_in

HELD_OUT = "Jane-Eyre_1260.txt"


@pytest.fixture(scope="module")
def novels(real_data: Path) -> list[Path]:
    folder = real_data / "lm" / "gutenberg-en"
    if not folder.is_dir():
        pytest.skip(f"no novels in {folder}")
    return sorted(folder.glob("*.txt"))


@pytest.fixture(scope="module")
def run(novels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    """Three million tokens of novels, a novel held out."""
    train = [path for path in novels if path.name != HELD_OUT]
    held_out = next(path for path in novels if path.name == HELD_OUT)
    return bertkit.pretrain(
        train, held_out=str(held_out), budget="3Mtok", keep="log", out=tmp_path_factory.mktemp("runs")
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_minutes_of_pretraining_leave_word_frequencies_far_behind(run: Pretrained) -> None:
    assert run.result.unigram is not None and run.result.unigram > 6.2
    assert run.result.measures["loss"].high < 5.6


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_determiners_and_punctuation_come_first_and_function_words_before_content_words(
    run: Pretrained, real_data: Path
) -> None:
    """Given back unmasked, after Chiang, Huang and Lee (2020), figure 1: a class may not be learnt at all."""
    found = bertkit.embryology(run.folder, data=real_data, words=2_000, probe_sentences=0)
    halves = {name: curve.half.value if curve.half else inf for name, curve in found.curves["whole"].items()}
    assert max(halves["DET"], halves["PUNCT"]) < 0.5 * min(halves[name] for name in CONTENT)
    order = found.orders["whole"]
    assert order is not None and order.holds
    token, share = found.measured.words.said[0]
    assert share > 0.5  # the untrained model mostly says one token, and is hardly right but where that is
    constant = found.measured.words.constant(token)
    for name, curve in found.curves["fill"].items():
        assert abs(curve.scores[0].value - share * constant[name]) < 0.1, name


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_its_encoder_tags_better_than_one_with_the_same_start_untrained(
    run: Pretrained, real_data: Path, tmp_path: Path
) -> None:
    """1,000 sentences, three seeds each; the untrained one is the model kept before the first update."""
    (step, untrained), *_ = kept_in(run.folder)
    assert step == 0
    scores = {}
    for name, model in (("pretrained", run.folder), ("untrained", untrained)):
        runs = bertkit.finetune(
            "ud_en_ewt", data=real_data, model=model, limit=1_000, learning_rate=1e-3, epochs=3, seeds=3,
            out=tmp_path / name,
        )  # fmt: skip
        assert isinstance(runs, list)
        scores[name] = [one.result.headline[1].value for one in runs if one.result.headline]
    assert mean(scores["pretrained"]) - mean(scores["untrained"]) > 0.03
