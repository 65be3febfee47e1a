"""`bertkit pretrain` as it is typed: what it prints and leaves, what its models are good for, what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from corpora import SMALL, documents, typed, write_corpus
from files import write

import bertkit
from bertkit.cli import main

MADE: dict[str, dict[str, object]] = {
    "bert": {},
    "roberta": {"vocab_size": 300},
    "albert": {"vocab_size": 80},
    "modernbert": {"vocab_size": 300},
    "bert-pairs": {"objective": "mlm+sop"},
    "albert-pairs": {"objective": "mlm+nsp", "vocab_size": 80},
    "gpt2": {"objective": "causal", "vocab_size": 300},
    "bart": {"objective": "denoise", "vocab_size": 300},
    "t5": {"objective": "denoise", "vocab_size": 100},
}
"""Options of a run for each kind of model, by the name of its architecture."""

UNPARTED = "\n\n".join("".join(chr(0x4E00 + 7 * k + 31 * j) for j in range(60)) for k in range(40))
"""Chinese: to a byte-level vocabulary each line is a word."""

READ = """
import json, sys
sys.modules["bertkit"] = None  # not to be imported
import transformers
found = {}
for name, folder in json.loads(sys.argv[1]).items():
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if name in ("gpt2", "bart", "t5"):
        kind = "AutoModelForCausalLM" if name == "gpt2" else "AutoModelForSeq2SeqLM"
        model = getattr(transformers, kind).from_pretrained(folder)
        given = tokenizer("The old boat", return_tensors="pt", add_special_tokens=name != "gpt2")
        given.pop("token_type_ids", None)
        made = model.generate(**given, max_new_tokens=5, min_new_tokens=5, do_sample=False)
        found[name] = [type(model).__name__, made.shape[1]]
    else:
        fill = transformers.pipeline("fill-mask", model=folder)
        answers = fill(f"The {tokenizer.mask_token} boat", top_k=5)
        found[name] = [json.load(open(folder + "/config.json"))["architectures"][0], len(answers)]
print(json.dumps(found))
"""


Said = Callable[[list[str]], tuple[str, str]]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Said:
    """What a command prints that ends well, on stdout and on stderr."""

    def run(line: list[str]) -> tuple[str, str]:
        with pytest.raises(SystemExit) as leaving:
            main(line)
        assert leaving.value.code == 0
        return tuple(capfd.readouterr())

    return run


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "corpus.txt")


@pytest.fixture(scope="module")
def runs(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each kind of model."""
    out = tmp_path_factory.mktemp("runs")
    found = {}
    for name, options in MADE.items():
        given = {**SMALL, **options, "architecture": name.partition("-")[0]}
        found[name] = bertkit.pretrain(corpus, **given, out=out).folder  # type: ignore[arg-type]
    return found


def test_models_are_used_without_bertkit(runs: dict[str, Path]) -> None:
    folders = json.dumps({name: str(run / "model") for name, run in runs.items()})
    done = subprocess.run([sys.executable, "-c", READ, folders], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {
        "bert": ["BertForMaskedLM", 5],
        "roberta": ["RobertaForMaskedLM", 5],
        "albert": ["AlbertForMaskedLM", 5],
        "modernbert": ["ModernBertForMaskedLM", 5],
        "bert-pairs": ["BertForPreTraining", 5],
        "albert-pairs": ["AlbertForPreTraining", 5],
        "gpt2": ["GPT2LMHeadModel", found["gpt2"][1]],
        "bart": ["BartForConditionalGeneration", found["bart"][1]],
        "t5": ["T5ForConditionalGeneration", found["t5"][1]],
    }
    assert min(found[name][1] for name in ("gpt2", "bart", "t5")) > 5


@pytest.mark.parametrize("name", ["bert", "roberta", "albert", "modernbert", "bert-pairs", "albert-pairs"])
@pytest.mark.parametrize("task", ["sst2", "ud_en_ewt"])
def test_an_encoder_is_fine_tuned_by_the_name_of_its_run(
    runs: dict[str, Path], tmp_path: Path, name: str, task: str
) -> None:
    done = bertkit.finetune(task, sample=True, model=runs[name], max_steps=1, limit=8, device="cpu", out=tmp_path)
    assert done.result.headline is not None
    assert done.result.encoder["model_type"] == name.partition("-")[0]


def test_a_run_is_printed_as_it_is_written_and_again_when_it_is_there(corpus: Path, tmp_path: Path, said: Said) -> None:
    line = [*typed(corpus), "--out", str(tmp_path)]
    first, _ = said(line)
    again, _ = said(line)
    (folder,) = tmp_path.iterdir()
    assert first.splitlines()[:-1] == again.splitlines()[:-1]
    assert first.splitlines()[-1] == f"run: {folder}"
    assert again.splitlines()[-1] == f"finished before: {folder}"
    loss = json.loads((folder / "result.json").read_text("utf-8"))["measures"]["loss"]
    assert f"{loss['value']:.3f} [{loss['low']:.3f}, {loss['high']:.3f}]" in first
    assert loss["low"] < loss["value"] < loss["high"]
    assert all(len(row) <= 80 for row in first.splitlines()[:-1])


def test_what_of_the_text_is_in_no_row_is_said(tmp_path: Path, said: Said) -> None:
    alone = [*documents(20), "One sentence stands here alone."]
    book = write(tmp_path / "book.txt", "\n\n".join(alone))
    others = write(tmp_path / "others.txt", "\n\n".join(documents(8, seed=2)))
    line = [one for one in typed(book, objective="mlm+sop", held_out=others) if one != "--quiet"]
    _, told = said([*line, "--out", str(tmp_path / "runs")])
    assert "1 document of one sentence left out" in told


def test_a_dry_run_says_what_a_budget_buys_and_leaves_nothing(corpus: Path, tmp_path: Path, said: Said) -> None:
    out = tmp_path / "runs"
    printed, _ = said([*typed(corpus, budget="9step"), "--dry-run", "--out", str(out)])
    lines = {line[:9].strip(): line[9:] for line in printed.splitlines()}
    assert lines["updates"] == "9: 1,152 tokens, 0.25 epochs of 144 rows"  # 9 * 4 / 144
    assert lines["model"].startswith("34,296 parameters, 120 tokens in its vocabulary")
    assert "its million updates of 131,072" in lines["BERT"]
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "flags", "why"),
    [
        (" \n", (), "the corpus is empty"),
        ("Too short.", ("--held-out", "0"), "--vocab-size 120: the text supports a wordpiece vocabulary of"),
        ("Too short for it.", ("--held-out", "0", "--vocabulary", "characters"), "tokens, and the 30 of one row"),
        (None, ("--vocab-size", "99999"), "--vocab-size 99999: the text supports a wordpiece vocabulary of"),
        (b"Fine.\nA \x00 B\n", (), "line 2: byte 0x00: the file is not text"),
        (None, ("--shape", "2/32/3"), "3 heads do not divide the hidden size 32"),
        (None, ("--objective", "causal", "--architecture", "bert"), "it goes with gpt2"),
        (None, ("--budget", "0m"), "--budget 0 seconds: it must be more than nothing"),
        (UNPARTED, ("--architecture", "roberta", "--vocab-size", "300", "--masking", "span"), "give --masking subword"),
        (None, ("--held-out", "{corpus}"), "held-out documents that are also in train"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: str | bytes | None, flags: tuple[str, ...], why: str
) -> None:
    path = write(tmp_path / "a.txt", "\n\n".join(documents(40)) if content is None else content)
    out = tmp_path / "runs"
    with pytest.raises(SystemExit) as leaving:
        main([*typed(path), *(flag.format(corpus=path) for flag in flags), "--out", str(out)])
    printed = capfd.readouterr()
    *before, last = printed.err.splitlines()
    assert last.startswith("Error: ") and why in last
    assert not any(line.startswith("Error") or "Traceback" in line for line in before)
    assert (printed.out, leaving.value.code) == ("", 2)
    assert not list(out.glob("*"))
