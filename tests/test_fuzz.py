"""Random rows and command lines: each is read, or refused in one line, in time, leaving nothing behind.

Hypothesis (MacIver et al. 2019) makes files out of the shipped samples by cutting, doubling, turning and mixing their
bytes, and command lines out of every flag with values that flags do not expect.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import bertkit.cli.finetune
import bertkit.runs.run
import bertkit.studies.group
import bertkit.studies.pairs
from bertkit import registry
from bertkit.cli import main
from bertkit.data.splits import read_splits
from bertkit.errors import BertkitError, DataError, RequestError
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of

EXAMPLES = int(os.environ.get("BERTKIT_FUZZ", "500"))
"""Inputs of all tests here together; make torture asks for more."""

SAMPLES = Path(__file__).parent.parent / "tasks" / "samples"
TASKS = {
    "sst2": ("tsv", "csv", "jsonl", "parquet"),
    "stsb": ("tsv", "csv", "jsonl"),
    "mnli": ("tsv", "jsonl"),
    "cola": ("tsv",),
    "mrpc": ("tsv", "jsonl"),
    "ud_en_ewt": ("conllu",),
    "squad_v2": ("json", "jsonl"),
}
PAIRS = [(task, suffix) for task, suffixes in TASKS.items() for suffix in suffixes]
SHARE = max(5, EXAMPLES // (len(PAIRS) + 8))
EVERY = settings(
    max_examples=SHARE,
    deadline=10_000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    derandomize=EXAMPLES <= 500,
)
UGLY = (
    "\ufeff", "\u202eright to left", "\u200b\u200d", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\x00",
    "\x85", "\u2028", "e\u0301", '"', "\\", "\t", "\r", "\n\n", "NaN",
    "-1", "1e999", "9" * 400, "[" * 2_000, '{"a":' * 500, "1.1\t_", "1-2\t_", "#", "null", "x" * 5_000, "\ud800",
)  # fmt: skip


def shipped(task: str, suffix: str) -> bytes:
    """A file of the task, as it ships or as it might."""
    files = [path for path in sorted(SAMPLES.glob(f"{task}/*")) if "train" in path.name and path.is_file()]
    whole = files[0].read_bytes() if files else b""
    if files and files[0].suffix == f".{suffix}":
        return whole[:3_000]
    line = {
        "tsv": "sentence\tlabel\nA good film\t1\nA bad one\t0\n",
        "csv": 'sentence,label\n"A good, long film",1\nA bad one,0\n',
        "jsonl": '{"sentence": "A good film", "label": 1}\n{"sentence": "A bad one", "label": 0}\n',
        "parquet": "PAR1",
    }
    return line.get(suffix, "").encode()


@some.composite
def harmed(draw: some.DrawFn, whole: bytes) -> bytes:
    """`whole`, with a few pieces cut out, doubled, turned, or replaced by something ugly."""
    text = bytearray(whole)
    for _ in range(draw(some.integers(0, 6))):
        at = draw(some.integers(0, len(text)))
        end = min(len(text), at + draw(some.integers(0, 80)))
        kind = draw(some.sampled_from(("cut", "double", "turn", "ugly", "bytes", "end")))
        if kind == "cut":
            del text[at:end]
        elif kind == "double":
            text[at:at] = text[at:end]
        elif kind == "turn" and at < len(text):
            text[at] ^= 1 << draw(some.integers(0, 7))
        elif kind == "ugly":
            text[at:end] = draw(some.sampled_from(UGLY)).encode(errors="surrogatepass")
        elif kind == "bytes":
            text[at:end] = draw(some.binary(max_size=40))
        elif kind == "end":
            del text[at:]
    return bytes(text)


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BERTKIT_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(("task", "suffix"), PAIRS)
def test_rows_are_read_or_refused_in_one_line(task: str, suffix: str, caches: Path) -> None:
    whole = shipped(task, suffix)
    assert whole
    spec = spec_of(registry.find(task), Flags(model="sample", data="."))

    @EVERY
    @given(harmed(whole))
    def read(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as name:
            for split in ("train", "dev"):
                file = f"x-ud-{split}.conllu" if suffix == "conllu" else f"{split}.{suffix}"
                Path(name, file).write_bytes(content)
            try:
                splits = read_splits(replace(spec, data=name))
            except BertkitError as error:
                assert len(str(error)) < 1_010 and "\n" not in str(error)
                assert error.exit_code == 2
            else:
                assert splits.train and len(splits.train.table[:]) >= 1
        assert not [path for path in caches.rglob("*") if ".tmp" in path.name]

    read()


# Command lines.

VALUES = (
    "", "0", "-1", "1", "3", "1e999", "nan", "9" * 30, "é", "\U0001f44d", "..", "/", "a/b/c", "x" * 4_000, "\ud800",
    "-", "--", "2.5", "auto", "cpu", "cuda", "fp32", "length", "random", "padded", "sst2", "mnli", "/dev/null",
    "/proc/self/mem", "~",
)  # fmt: skip
COMMANDS = (
    "finetune", "eval", "compare", "compare pretrain-vs-scratch", "compare nsp-vs-sop", "predict", "fill", "generate",
    "embryology", "resume", "tasks", "", "finetun", "--version", "--help",
)  # fmt: skip
FLAGS = (
    "--model", "--revision", "--scratch", "--data", "--sample", "--limit", "--epochs", "--max-steps", "--batch-size",
    "--batch-tokens", "--order", "--gradient-accumulation", "--learning-rate", "--lr", "--warmup", "--weight_decay",
    "--max-grad-norm", "--max-length", "--doc-stride", "--max-answer-length", "--null-threshold", "--eval-every",
    "--seed", "--seeds", "--device", "--precision", "--layout", "--fast-dropout", "--torch-dropout", "--processes",
    "--max-memory", "--save-every", "--out", "--force", "--offline", "--json", "--quiet", "--tasks", "--scratch-lr",
    "--max-new-tokens", "--top-k", "--beams", "--samples", "--temperature",
    "--pair", "--question", "--context", "--file", "--no-such-flag", "-x", "-b", "-o",
)  # fmt: skip
WORDS = some.one_of(some.sampled_from(VALUES), some.sampled_from(FLAGS), some.text(max_size=12))


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty working folder, where valid commands do not start a run."""

    def begun(*given: Any, **named: Any) -> Any:
        raise RequestError("it would begin")

    monkeypatch.setattr(bertkit.runs.run, "run", begun)
    monkeypatch.setattr(bertkit.studies.pairs, "compare_pairs", begun)
    for command in ("finetune", "resume", "compare_arms", "compare_scratch", "compare_pairs", "eval_"):
        monkeypatch.setattr(f"bertkit.cli.{command}.relaunch", begun)
    monkeypatch.setattr(bertkit.studies.group, "run", begun)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    yield here


def test_command_lines_are_understood_or_refused_in_one_line(idle: Path) -> None:
    @settings(EVERY, max_examples=8 * SHARE)
    @given(some.sampled_from(COMMANDS), some.lists(WORDS, max_size=7))
    def type_in(command: str, words: list[str]) -> None:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as leaving:
            main([*command.split(" "), *words])
        code = leaving.value.code
        assert code in (0, 2, None), (code, err.getvalue())
        said = err.getvalue()
        assert "Traceback" not in said
        if code == 2:
            assert said.startswith("Error: ") and said.count("\n") == 1, said
        assert not list(idle.iterdir())

    type_in()


# What was found, or might have been.


@pytest.mark.parametrize(
    "content",
    [
        b'{"sentence": ' + b"[" * 100_000 + b"]" * 100_000 + b', "label": 1}\n',
        b'{"sentence": "x", "label": ' + b"9" * 5_000 + b"}\n",
        b'{"sentence": "\\ud800", "label": 1}\n',
        b'{"sentence": "\xff", "label": 1}\n',
        b'{"sentence": "x", "label": NaN}\n',
        b'{"sentence": {"a": 1}, "label": 1}\n',
        b'{"sentence": "x", "sentence": "y"}\n',
    ],
)
def test_a_malformed_line_of_json_is_refused_by_its_number(tmp_path: Path, content: bytes) -> None:
    for split in ("train", "dev"):
        (tmp_path / f"{split}.jsonl").write_bytes(b'{"sentence": "Fine.", "label": 0}\n' + content)
    spec = spec_of(registry.find("sst2"), Flags(model="sample", data=str(tmp_path)))
    with pytest.raises(DataError, match="line 2"):
        read_splits(spec)


def test_ten_megabytes_in_one_cell_are_a_row(tmp_path: Path) -> None:
    cell = "a very long film " * 600_000
    for split in ("train", "dev"):
        (tmp_path / f"{split}.csv").write_text(f'sentence,label\n"{cell}",1\nShort,0\n', "utf-8")
    splits = read_splits(spec_of(registry.find("sst2"), Flags(model="sample", data=str(tmp_path))))
    assert splits.train
    assert [len(text) for text in splits.train.table["text"]] == [len(cell), 5]
