"""What a pretraining run is asked for: shapes, budgets, held-out text, and which models are kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from pydantic import TypeAdapter

from bertkit.errors import RequestError
from bertkit.objectives import OBJECTIVES
from bertkit.pretraining import Budget, Corpus, PretrainSpec, budget_of, shape_of
from bertkit.request.pretrain_flags import PretrainFlags, held_out_of, rate_of
from bertkit.runs.kept_models import log_spaced
from bertkit.spec import to_plain
from bertkit.training.budget import OtherTime, Pace, updates_of


@pytest.mark.parametrize(
    ("typed", "unit", "amount"),
    [
        ("90s", "seconds", 90), ("10m", "seconds", 600), ("2h", "seconds", 7_200), ("1.5h", "seconds", 5_400),
        ("50Mtok", "tokens", 5e7), ("1.4Mtok", "tokens", 1.4e6), ("3Btokens", "tokens", 3e9), ("700tok", "tokens", 700),
        ("20kstep", "steps", 20_000), ("20 ksteps", "steps", 20_000), ("3step", "steps", 3), ("3STEPS", "steps", 3),
    ],
)  # fmt: skip
def test_a_budget_is_a_time_or_tokens_or_steps(typed: str, unit: str, amount: float) -> None:
    found = budget_of(typed)
    assert (found.unit, found.amount) == (unit, pytest.approx(amount))


@pytest.mark.parametrize("typed", ["", "10", "m", "0m", "0step", "-5m", "10 minutes", "tok", "nan s", "1e3step", "5x"])
def test_a_budget_of_nothing_or_nonsense_is_refused(typed: str) -> None:
    with pytest.raises(RequestError, match="--budget"):
        budget_of(typed)


def test_a_budget_buys_whole_updates() -> None:
    assert updates_of(Budget(unit="steps", amount=7), 1_000) == 7
    assert updates_of(Budget(unit="tokens", amount=10_400), 1_000) == 10
    assert updates_of(Budget(unit="tokens", amount=10), 1_000) == 1
    pace = Pace(update=0.5, timed=5)
    assert updates_of(Budget(unit="seconds", amount=60), 1_000, pace, OtherTime(besides=10)) == 100
    assert updates_of(Budget(unit="seconds", amount=60), 1_000, pace, OtherTime(an_update=1.5, besides=10)) == 25
    with pytest.raises(RequestError, match=r"--budget 10s: an update takes 0\.5 s, and measuring 9\.8 s"):
        updates_of(Budget(unit="seconds", amount=10), 1_000, pace, OtherTime(besides=9.8))


@pytest.mark.parametrize(
    ("typed", "layers", "hidden", "heads"),
    [
        ("tiny", 2, 128, 2),
        ("Base", 12, 768, 12),
        ("4/256/4", 4, 256, 4),
        ("L3/H60/A5", 3, 60, 5),
        ("l2h64a2", 2, 64, 2),
    ],
)
def test_a_shape_has_a_name_or_its_numbers(typed: str, layers: int, hidden: int, heads: int) -> None:
    shape = shape_of(typed)
    assert (shape.layers, shape.hidden, shape.heads) == (layers, hidden, heads)


@pytest.mark.parametrize("typed", ["", "huge", "2/128", "2/100/3", "0/128/2", "2/128/0", "2x128x2"])
def test_a_shape_that_cannot_be_is_refused(typed: str) -> None:
    with pytest.raises(RequestError, match="--shape"):
        shape_of(typed)


@pytest.mark.parametrize(
    ("typed", "share", "files"),
    [
        ("1%", 0.01, ()),
        ("0.05", 0.05, ()),
        ("0", 0, ()),
        ("a.txt", 0, ("a.txt",)),
        ("a.txt, b.txt", 0, ("a.txt", "b.txt")),
    ],
)
def test_held_out_is_a_share_or_files(typed: str, share: float, files: tuple[str, ...]) -> None:
    assert held_out_of(typed) == (pytest.approx(share), files)


@pytest.mark.parametrize("share", ["100%", "-1%", "1", "inf"])
def test_a_share_that_leaves_nothing_is_refused(share: str) -> None:
    with pytest.raises(RequestError, match="--held-out"):
        PretrainFlags(held_out=share).spec(["books"])


@pytest.mark.parametrize("tokens", [512, 2_048, 16_384, 32_768])
def test_at_least_ten_models_are_kept_before_a_million_and_a_half_tokens(tokens: int) -> None:
    updates = 20_000_000 // tokens
    kept = sorted(log_spaced(updates))
    assert sum(step * tokens < 1_500_000 for step in kept) >= 10
    assert (kept[0], kept[-1]) == (0, updates)
    assert all(b / a <= 1.51 for a, b in pairwise(kept[4:]))  # by about the root of 2, rounded


def test_the_learning_rate_falls_with_the_width() -> None:
    assert rate_of("fast", shape_of("tiny")) == pytest.approx(2e-3)
    assert rate_of("fast", shape_of("small")) == pytest.approx(1e-3)
    assert rate_of("bert", shape_of("small")) == 1e-4


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_spec_is_read_as_it_was_written(objective: str) -> None:
    spec = PretrainFlags(objective=objective, seed=3).spec(["books"])  # type: ignore[arg-type]
    assert TypeAdapter(PretrainSpec).validate_python(to_plain(spec)) == spec
    assert spec.folder_name.endswith(spec.digest)
    assert replace(spec, seed=4).digest != spec.digest


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (PretrainFlags(noise="mask"), "--noise does not apply to --objective mlm"),
        (PretrainFlags(objective="causal", masking="span"), "--masking does not apply to --objective causal"),
        (
            PretrainFlags(objective="denoise", static_masking=True),
            "--static-masking does not apply to --objective denoise",
        ),
        (
            PretrainFlags(architecture="t5"),
            "--objective mlm does not go with --architecture t5; it goes with bert, roberta",
        ),
        (PretrainFlags(objective="mlm+nsp", architecture="roberta"), "it goes with bert, albert"),
        (PretrainFlags(mlm_probability=1.5), "--mlm-probability 1.5"),
        (PretrainFlags(max_length=4), "--max-length 4: it must be at least 8"),
        (PretrainFlags(vocab_size=3), "--vocab-size 3: it must be at least 16"),
        (PretrainFlags(vocab_size=10**12), "--vocab-size 1000000000000: it must be at least 16 and at most 2,000,000"),
        (PretrainFlags(tokenizer="sample", vocab_size=99), "--vocab-size: --tokenizer sample has a vocabulary"),
        (PretrainFlags(tokenizer="sample", cased=True), "--cased: --tokenizer sample has a vocabulary"),
        (PretrainFlags(learning_rate=0.0), "--learning-rate 0: it must be a number above 0"),
        (PretrainFlags(shape="L12/H768"), "--shape L12/H768: give tiny, mini"),
        (PretrainFlags(shape="L2/H88"), "--shape L2/H88: give tiny, mini"),
        (
            PretrainFlags(objective="denoise", noise="infill", architecture="t5"),
            "--noise infill does not go with --architecture t5; it goes with bart",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(flags: PretrainFlags, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        flags.spec(["books"])


def test_an_empty_path_is_not_the_working_folder() -> None:
    with pytest.raises(RequestError, match="a path is empty"):
        PretrainFlags().spec(["books", ""])


def test_no_corpus_is_refused() -> None:
    with pytest.raises(RequestError, match="no corpus"):
        Corpus(paths=())
