"""`bertkit compare token-maps`: which tokens symbols are read as, what each arm starts from, and what is refused."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers
from door import Refused, refused
from files import json_lines, write

import benchmarks.sequences
import bertkit
from bertkit import registry
from bertkit.cli import main
from bertkit.data.sampler import Order
from bertkit.data.splits import read_splits
from bertkit.encoders import locate_encoder
from bertkit.errors import EncoderError, RequestError
from bertkit.files import write_json
from bertkit.heads import Classification
from bertkit.models.load import Loaded, load
from bertkit.models.redraw import redrawn
from bertkit.models.token_map import ids_of, mapped, reading, whole_words
from bertkit.request.flags import Flags
from bertkit.request.own_flags import OwnFlags
from bertkit.request.specs import spec_of
from bertkit.request.target import target_of
from bertkit.spec import SPEC_FILE, Spec, TokenMap, to_plain
from bertkit.studies.sequences import steps_within
from bertkit.task import Recipe

__all__ = ["refused"]

HEAD = Classification(labels=("x", "y"))
DNA = ("A", "C", "G", "T")
LINE = "--device cpu --max-steps 4 --batch-size 4 --quiet --max-tokens 400"


@cache
def tokenizer(family: str = "bert") -> Any:
    """One for all tests: of equal counts, training takes pieces in any order."""
    return tiny.tokenizer_of(family)


def sequences(path: Path, between: str = "") -> Path:
    """Forty rows of two symbols each, in turn, which their label follows."""
    texts = [(between.join(pair * 4), label) for pair, label in (("AC", "x"), ("GT", "y"))] * 20
    rows = [{"text": f"{text}{between}{'ACGT'[k % 4]}" + between + "ACGT"[k // 4 % 4] * 1 + between + "ACGT"[k // 16],
             "label": label} for k, (text, label) in enumerate(texts)]  # fmt: skip
    return write(path, json_lines(*rows))


def test_a_random_map_follows_from_its_seed_and_symbols_alone() -> None:
    first = ids_of(tokenizer(), TokenMap(kind="random", seed=1, symbols=DNA))
    assert first == ids_of(tokenizer(), TokenMap(kind="random", seed=1, symbols=DNA))
    assert first != ids_of(tokenizer(), TokenMap(kind="random", seed=2, symbols=DNA))
    words = whole_words(tokenizer())
    drawn = np.random.default_rng(1).permutation(len(words))[:4]
    assert list(first.values()) == [words[k] for k in drawn]


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_random_words_are_whole_words_and_no_special_or_unused_tokens(family: str) -> None:
    names = tokenizer(family).convert_ids_to_tokens(whole_words(tokenizer(family)))
    assert names
    assert all(name.lstrip("▁Ġ").isalpha() and not name.startswith(("##", "[")) for name in names)
    assert family == "bert" or all(name[0] in "▁Ġ" for name in names)


def test_identity_is_the_symbols_own_token_and_a_shift_goes_on_from_there_in_a_circle() -> None:
    own, small = tokenizer(), ("a", "b")
    identity = ids_of(own, TokenMap(kind="identity", symbols=small))
    assert own.convert_ids_to_tokens(list(identity.values())) == ["a", "b"]
    shifted = ids_of(own, TokenMap(kind="shift", by=3, symbols=small))
    assert [shifted[one] - identity[one] for one in small] == [3, 3]
    usable = len(own) - len(set(own.all_special_ids))
    assert ids_of(own, TokenMap(kind="shift", by=usable, symbols=small)) == identity
    wrapped = ids_of(own, TokenMap(kind="shift", by=usable - identity["a"] + 1, symbols=small))
    assert not set(wrapped.values()) & set(own.all_special_ids)


def test_a_map_onto_fewer_words_than_symbols_is_refused() -> None:
    many = tuple(f"s{k:04}" for k in range(601))
    with pytest.raises(RequestError, match=r"601 symbols, and the vocabulary has .* a map needs as many words"):
        ids_of(tokenizer(), TokenMap(kind="random", symbols=many))
    with pytest.raises(RequestError, match="2 symbols, and --map identity has 1 tokens for them"):
        ids_of(tokenizer(), TokenMap(kind="identity", symbols=("A", "a")))  # its tokenizer lowers letters
    with pytest.raises(RequestError, match="the symbol 'c4#' has no token of its own; take --map random"):
        ids_of(tokenizer(), TokenMap(kind="shift", by=1, symbols=("c4#",)))


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_symbols_are_read_as_their_tokens_between_special_ones(family: str, tmp_path: Path) -> None:
    own = tokenizer(family)
    ids = ids_of(own, TokenMap(kind="random", seed=3, symbols=DNA))
    around = own("")["input_ids"]
    expected = [around[0], *(ids[one] for one in "ACGT"), own.unk_token_id, around[-1]]
    assert reading(own, ids, spaced=False)(" ACGTN")["input_ids"] == expected
    spaced = reading(own, ids, spaced=True)
    assert spaced("A C G T AC")["input_ids"] == expected
    assert len(spaced) == len(own)


def test_a_saved_model_reads_sequences_without_bertkit(tmp_path: Path) -> None:
    loaded = started(tmp_path)
    found = mapped(loaded, TokenMap(kind="random", seed=3, symbols=DNA))
    found.tokenizer.save_pretrained(tmp_path / "saved")
    found.model.config.save_pretrained(tmp_path / "saved")
    again = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert again("ACCA")["input_ids"] == found.tokenizer("ACCA")["input_ids"]
    assert found.record["tokenizer"] != loaded.record["tokenizer"]
    assert list(found.record["token map"]) == list(DNA)


def started(tmp_path: Path, family: str = "bert", **spec: Any) -> Loaded:
    """A tiny encoder as a run with this spec starts from it."""
    folder = tmp_path / "encoder"
    if not folder.exists():
        tiny.make(family, folder)
    asked = Spec(task=registry.find("sst2"), model=str(folder), **spec)
    return redrawn(load(locate_encoder(str(folder)), HEAD, asked.scratch, asked.seed), asked)


def test_re_embedded_has_fresh_words_and_the_pretrained_body(tmp_path: Path) -> None:
    whole, redone = (dict(started(tmp_path, redraw=one).model.named_parameters()) for one in (None, "words"))
    changed = {name for name in whole if not torch.equal(whole[name], redone[name])}
    (words,) = changed
    assert words.endswith("word_embeddings.weight")
    assert float(redone[words].detach().std()) == pytest.approx(0.1, rel=0.05)  # the tiny config's initializer_range
    again = dict(started(tmp_path, redraw="words").model.named_parameters())
    other = dict(started(tmp_path, redraw="words", seed=7).model.named_parameters())
    assert torch.equal(redone[words], again[words])
    assert not torch.equal(redone[words], other[words])


def test_an_untrained_start_differs_from_scratch_in_positions_and_attention(tmp_path: Path) -> None:
    plain, fast = (dict(started(tmp_path, scratch=True, fast_start=one).model.named_parameters())
                   for one in (False, True))  # fmt: skip
    changed = {name.split(".")[-2] for name in plain if not torch.equal(plain[name], fast[name])}
    assert changed == {"position_embeddings", "query", "key"}


def test_an_architecture_without_a_fast_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="a distilbert model has no fast start: leave the arm out"):
        started(tmp_path, "distilbert", scratch=True, fast_start=True)


def test_updates_stay_within_the_tokens_of_every_seed() -> None:
    """Ten tokens a row, batches of four: 40 an update. 10 rows are batches of 4, 4 and 2: 100 tokens an epoch."""
    lengths, recipe = np.full(10, 10), Recipe(epochs=2, batch_size=4)
    assert [steps_within(most, lengths, recipe, [1]) for most in (40, 79, 80, 100, 139, 140, 10_000)] == [
        *(1, 1, 2, 3, 3, 4, 6),
    ]
    mixed = np.array([50] * 5 + [2] * 5)
    steps = [steps_within(200, mixed, recipe, [seed]) for seed in range(8)]
    assert steps_within(200, mixed, recipe, range(8)) == min(steps)
    with pytest.raises(RequestError, match="--max-tokens 39: an update has about 40; give more"):
        steps_within(39, lengths, recipe, [1])


def test_updates_are_counted_in_the_order_of_lengths_where_a_run_has_it() -> None:
    """Batches of two by length have 100 tokens or 4, shuffled ones mostly 52: so 4 tokens are one update, or none."""
    lengths, recipe = np.array([50, 2, 50, 2]), Recipe(epochs=1, batch_size=2, order="length")
    found = []
    for seed in range(8):
        first = next(Order(size=2, by_length=True, seed=seed).epoch(4, lambda some: lengths[some], 0))
        found.append(int(lengths[first].sum()))
        with nullcontext() if found[-1] == 4 else pytest.raises(RequestError, match="--max-tokens 4"):
            assert steps_within(4, lengths, recipe, [seed]) == 1
    assert set(found) == {4, 100}


@pytest.mark.parametrize("between", ["", " "])
def test_arms_are_compared_by_maps(tmp_path: Path, between: str, capsys: pytest.CaptureFixture[str]) -> None:
    encoder, file = tiny.make("bert", tmp_path / "encoder"), sequences(tmp_path / "rows.jsonl", between)
    typed = ["--model", str(encoder), "--out", str(tmp_path / "runs"), "--maps", "2", *LINE.split(), "--json"]
    with pytest.raises(SystemExit) as left:
        main(["compare", "token-maps", str(file), "--arms", "pretrained,re-embedded", *typed])
    out = capsys.readouterr()
    assert left.value.code == 0, out.err
    found = json.loads(out.out)
    assert [(one["arm"], one["seeds"]) for one in found["arms"]] == [
        ("pretrained", [42, 43]), ("re-embedded", [42, 43]),
    ]  # fmt: skip
    assert [list(one) for one in found["maps"].values()] == [list(DNA)] * 2
    assert found["maps"]["42"] != found["maps"]["43"]
    assert found["verdicts"][0]["difference"]["paired"]
    assert 0 < found["tokens"] <= 400
    specs = [json.loads(path.read_text("utf-8")) for path in (tmp_path / "runs").glob("*/spec.json")]
    assert {(one["token_map"]["seed"], one["seed"], one["token_map"]["spaced"]) for one in specs} == {
        (42, 42, bool(between)), (43, 43, bool(between)),
    }  # fmt: skip
    assert {path.name for path in Path(found["folder"]).iterdir()} == {"compare.json", "curves.png", "curves.svg"}


def test_from_python_a_shift_has_one_map_and_seeds_of_it(tmp_path: Path) -> None:
    encoder, file = tiny.make("bert", tmp_path / "encoder"), sequences(tmp_path / "rows.jsonl")
    study = bertkit.compare(
        "token-maps", task=file, arms=["scratch", "untrained-start"], map="shift:9", seeds=2, max_tokens=200,
        model=encoder, out=tmp_path / "runs", device="cpu", batch_size=4,
    )  # fmt: skip
    assert [(one.name, one.seeds) for one in study.arms] == [("scratch", (42, 43)), ("untrained-start", (42, 43))]
    assert (study.map_name, len(study.maps)) == ("shift:9", 1)
    assert len(study.lines) == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("--map upside-down", "--map upside-down: it must be random, identity, or shift:N"),
        ("--map shift:0", "shift:N with a number of tokens above 0"),
        ("--map identity --maps 3", "there is one such map; --seeds gives more runs of it"),
        ("--maps 0", "--maps 0: it must be at least 1"),
        ("--max-tokens 9", "--max-tokens 9: an update has about"),
        ("--maps 2 --seeds 3", "--maps 2 --seeds 3: each map has a seed of its own; --maps 6 gives as many runs"),
        ("--max-tokens 0", "--max-tokens 0: it must be at least 1"),
        ("--arms pretrained,re-embeded", "did you mean re-embedded?"),
        ("--long windows", "--long windows does not apply"),
    ],
)
def test_maps_that_cannot_be_are_refused_in_one_line(tmp_path: Path, refused: Refused, typed: str, words: str) -> None:
    encoder, file = tiny.make("bert", tmp_path / "encoder"), sequences(tmp_path / "rows.jsonl")
    given = ["--model", str(encoder), "-q", "--device", "cpu", *typed.split()]
    assert words in refused("compare", "token-maps", str(file), *given)


def test_an_arm_has_the_encoder_s_own_weights_whatever_a_saved_run_began_with(tmp_path: Path) -> None:
    plain = replace(spec_of(registry.find("sst2"), Flags(sample=True)), redraw="words")
    write_json(tmp_path / SPEC_FILE, to_plain(plain))
    target = target_of(str(tmp_path / SPEC_FILE), OwnFlags())
    assert target.spec(Flags()).redraw == "words"
    assert (target.arm(Flags()).redraw, target.arm(Flags()).fast_start) == (None, False)


def test_a_recipe_that_may_stop_early_is_refused(tmp_path: Path, refused: Refused) -> None:
    base = spec_of(registry.find("sst2"), Flags(sample=True))
    early = replace(base, recipe=replace(base.recipe, early_stopping=2), eval_every=5)
    write_json(tmp_path / SPEC_FILE, to_plain(early))
    said = refused("compare", "token-maps", str(tmp_path / SPEC_FILE), "-q")
    assert "token-maps gives every run as many updates: --early-stopping does not apply" in said


def test_a_task_of_other_rows_is_refused(refused: Refused) -> None:
    assert "token-maps reads one sequence and a label a row, not text, text_pair, label" in refused(
        "compare", "token-maps", "mrpc", "--sample", "-q"
    )


def test_white_space_in_few_rows_is_refused_as_a_slip(tmp_path: Path, refused: Refused) -> None:
    file = sequences(tmp_path / "rows.jsonl")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    lines[3]["text"] = f"{lines[3]['text']} {lines[4]['text']}"
    write(file, json_lines(*lines))
    line = refused("compare", "token-maps", str(file), "--model", str(tiny.make("bert", tmp_path / "encoder")), "-q")
    assert f"1 of {len(lines)} sequences have white space" in line


def test_more_symbols_than_words_are_refused_before_training(tmp_path: Path, refused: Refused) -> None:
    texts = [" ".join(f"s{k:02}{j:03}" for j in range(30)) for k in range(24)]
    file = write(tmp_path / "rows.jsonl", json_lines(*({"text": one, "label": "xy"[k % 2]}
                                                       for k, one in enumerate(texts))))  # fmt: skip
    encoder = tiny.make("bert", tmp_path / "encoder")
    line = refused("compare", "token-maps", str(file), "--model", str(encoder), "-q", "--device", "cpu")
    assert "720 symbols, and the vocabulary has" in line


def test_proteins_and_music_are_written_as_rows(tmp_path: Path) -> None:
    """A chord's notes are in a row; a held note, a rest and a bar line are no pitch; a protein of two places is out."""
    proteins = ">P1 Nucleus-U\nMKV\nLA\n>P2 Cytoplasm-Nucleus-U\nMM\n>P3 Cell.membrane-M\nGG\n"
    write(tmp_path / "data/deeploc/deeploc_our_val_set.fasta", proteins)
    kern = "**kern\t**kern\n=1\t=1\n4C 4E\t[4cc\n4r\t4cc]\n8B-\t8fn"
    write(tmp_path / "data/kern/bach.jsonl", json_lines({"kern": kern, "composer": "bach", "file": "one.krn"}))
    assert benchmarks.sequences.write(tmp_path / "out", tmp_path / "data") == {"deeploc.jsonl": 2, "composers.jsonl": 1}
    lines = [line for name in ("deeploc", "composers")
             for line in (tmp_path / f"out/{name}.jsonl").read_text("utf-8").splitlines()]  # fmt: skip
    assert [json.loads(line) for line in lines] == [
        {"text": "MKVLA", "label": "Nucleus", "group": "P1"},
        {"text": "GG", "label": "Cell.membrane", "group": "P3"},
        {"text": "C E cc B- f", "label": "bach", "group": "one.krn"},
    ]


def test_the_tasks_of_dna_read_the_files_as_they_were_published(real_data: Path) -> None:
    counts = {"splice": (2_552, 8), "promoters": (106, 4)}
    for name, (rows, symbols) in counts.items():
        if not (real_data / name).is_dir():
            pytest.skip(f"no {name} in {real_data}")
        spec = Spec(task=registry.find(name), model="sample", data=str(real_data))
        splits = read_splits(spec)
        assert sum(len(one) for one in splits.rows.values()) == rows
        texts = [text.strip() for one in splits.rows.values() for text in one.table["text"]]
        assert len({letter for text in texts for letter in text}) == symbols
