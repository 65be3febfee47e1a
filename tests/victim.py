"""The runs that torture.py kills and resumes: forked processes, how they ended, and what they left."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from corpora import write_corpus
from moments import IN_PRETRAINING, MOMENTS

from bertkit.objectives import OBJECTIVES

HEADS = {
    "classification": "sst2", "regression": "stsb", "tagging": "ud_en_ewt", "span": "squad", "multiple-choice": "copa"
}  # fmt: skip
OWN: dict[str, list[dict[str, Any]]] = {
    "multi-label": [
        {"text": f"ticket {i} of {k}", "tags": ["bill", "login", "crash"][k : 3 - i % 2]}
        for i in range(5)
        for k in range(3)
    ],
    "scaled": [{"text": f"{i} rooms, {i * 7 % 5} stairs", "price": 1_000.5 * i} for i in range(1, 15)],
    "chunk-tagging": [
        {
            "words": [f"In{i}", "May", "Anna", "Berg", "came"],
            "tags": ["O", *["B-TIME", "O"][i % 2 :][:1], "B-PER", "I-PER", "O"],
        }
        for i in range(14)
    ],
}
"""Rows of a user's own files, of the heads that no sample has."""
PRETRAINING = {
    "mlm": "--vocab-size 120 --dropout 0",
    "mlm+nsp": "--vocab-size 120 --dropout 0.1",
    "mlm+sop": "--vocab-size 90 --dropout 0.1 --architecture albert",
    "causal": "--vocab-size 290 --dropout 0.1",
    "denoise": "--vocab-size 290 --dropout 0",
    "denoise-t5": "--vocab-size 90 --dropout 0.1 --noise t5",
}
"""Objectives, and what is typed for each: every kind of vocabulary, layout and random state is among them."""
KINDS = (*HEADS, *OWN, *PRETRAINING)
FLAGS = "--device cpu --limit 12 --batch-size 2 --gradient-accumulation 2 --epochs 3 --eval-every 4"
"""Three updates an epoch, nine in all; scored on the way."""
PRETRAIN_FLAGS = (
    "--device cpu --shape 1/32/2 --max-length 64 --batch-size 2 --gradient-accumulation 2 --budget 9step "
    "--eval-every 4 --keep log --held-out 10%"
)
"""Nine updates of rows that make about three an epoch; measured on the way; eight models kept."""
DOCUMENTS = 16
"""Of the corpus."""
RUN_FLAGS = "--save-every 2 --quiet"
"""Of `bertkit resume` too: checkpoints in the middle of epochs."""

LONGEST = 120
"""Seconds of a command, after which it hangs."""
PATIENCE = 15
"""Seconds that a process waits for another."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended: its exit code, or less the signal's number, and what it said."""

    code: int
    said: str


def forked(
    typed: list[str], before: Callable[[], None] = lambda: None, processes: int = 1, rank: int = 0
) -> list[Ended]:
    """`bertkit TYPED` in processes forked from this one, as a launcher would start them; `rank` does `before` first."""
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a thread does not survive a fork"
    with ExitStack() as files:
        said = [files.enter_context(tempfile.TemporaryFile()) for _ in range(processes)]
        port = free_port() if processes > 1 else 0
        pids = []
        for k in range(processes):
            pids.append(os.fork())
            if pids[-1] == 0:
                if processes > 1:
                    os.environ.update(LOCAL_RANK=str(k), RANK=str(k), WORLD_SIZE=str(processes), **_meeting(port))
                _command(typed, before if k == rank else lambda: None, said[k].fileno())
        codes = _waited(pids)
        for file in said:
            file.seek(0)
        return [
            Ended(code=code, said=file.read().decode("utf-8", "replace"))
            for code, file in zip(codes, said, strict=True)
        ]


def _meeting(port: int) -> dict[str, str]:
    return {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "BERTKIT_PEER_TIMEOUT": str(PATIENCE)}


def free_port() -> int:
    """A free port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _command(typed: list[str], before: Callable[[], None], said: int) -> NoReturn:
    """The rest of a forked process."""
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        before()
        from bertkit.cli import main

        main(typed)
    except SystemExit as leaving:
        sys.stdout.flush()
        os._exit(int(leaving.code or 0))
    except BaseException:
        import traceback

        traceback.print_exc()
    os._exit(70)


def _waited(pids: list[int]) -> list[int]:
    """Their exit codes. Raises AssertionError if they hang."""
    until, codes = time.monotonic() + LONGEST, dict[int, int]()
    while time.monotonic() < until:
        for pid in set(pids) - set(codes):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                codes[pid] = os.waitstatus_to_exitcode(status)
        if len(codes) == len(pids):
            return [codes[pid] for pid in pids]
        time.sleep(0.005)
    for pid in set(pids) - set(codes):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    raise AssertionError(f"a command hung for {LONGEST} s")


def ready() -> None:
    """Import everything; the one thread is this."""
    os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    os.environ["TORCH_CPP_LOG_LEVEL"] = "FATAL"  # as the command line has it, before torch is imported
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"  # pyarrow's allocator would start one
    import peft
    import sklearn.linear_model
    import sklearn.metrics
    import transformers

    import bertkit.evaluation.hf_metrics
    import bertkit.runs.pretrain
    import bertkit.runs.run
    import bertkit.studies.group
    from bertkit.cli import main
    from bertkit.cli.commands import made

    autos = ("QuestionAnswering", "SequenceClassification", "TokenClassification")
    assert all(getattr(transformers, f"AutoModelFor{name}") for name in autos)
    assert all(getattr(transformers, name) for one in OBJECTIVES.values() for name in one().auto_models.values())
    assert all(map(made, ("finetune", "pretrain", "resume")))
    assert peft.PeftModel and sklearn.linear_model.LogisticRegression and sklearn.metrics.accuracy_score
    assert bertkit.runs.run and bertkit.runs.pretrain and bertkit.evaluation.hf_metrics and bertkit.studies.group
    with redirect_stdout(io.StringIO()), suppress(SystemExit):  # imports the tasks, and what reads and prints a line
        main(["tasks"])


def encoder_in(folder: Path) -> None:
    """Write the tiny BERT, in a process of its own: making it starts threads."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            import tiny

            tiny.make("bert", folder)
            code = 0
        finally:
            os._exit(code)
    assert _waited([pid]) == [0]


@dataclass(frozen=True, kw_only=True)
class Victim:
    """What is killed: a short run of one of KINDS with an encoder, in so many processes.

    flags  of its command, besides FLAGS or PRETRAIN_FLAGS
    """

    kind: str
    encoder: Path
    processes: int
    cache: Path
    flags: str = ""

    def __call__(
        self, out: Path, before: Callable[[], None] = lambda: None, rank: int = 0, resume: bool = False
    ) -> list[Ended]:
        """Run it below `out`: by its command, or by `bertkit resume` of what was begun there."""
        os.environ["BERTKIT_CACHE"] = str(self.cache)
        typed = ["resume", str(begun(out))] if resume else [*self._command(), *self.flags.split(), "--out", str(out)]
        return forked([*typed, *RUN_FLAGS.split()], before, self.processes, rank)

    @property
    def moments(self) -> dict[str, int]:
        """The moments that come, of a run that is killed, and how often at least."""
        return {**MOMENTS, **IN_PRETRAINING} if self.kind in PRETRAINING else MOMENTS

    def _command(self) -> list[str]:
        """What is typed, without --out."""
        if self.kind in PRETRAINING:
            corpus = self.encoder.parent / "corpus.txt"
            if not corpus.exists():
                write_corpus(corpus, DOCUMENTS)
            objective = ["--objective", self.kind.split("-")[0], *PRETRAINING[self.kind].split()]
            return ["pretrain", str(corpus), *objective, *PRETRAIN_FLAGS.split()]
        task = [str(self._own())] if self.kind in OWN else [HEADS[self.kind], "--sample"]
        return ["finetune", *task, "--model", str(self.encoder), *FLAGS.split()]

    def _own(self) -> Path:
        """The folder with the rows of one of OWN, those of train being all but the last two."""
        folder = self.encoder.parent / f"{self.kind}-rows"
        folder.mkdir(exist_ok=True)
        for name, part in (("train", OWN[self.kind][:-2]), ("dev", OWN[self.kind][-2:])):
            file = folder / f"{name}.jsonl"
            if not file.exists():
                file.write_text("".join(json.dumps(row) + "\n" for row in part), "utf-8")
        return folder

    def finish(self, out: Path, resume: bool = False) -> None:
        """Run it to its end."""
        ended = self(out, resume=resume)
        assert not any(one.code for one in ended), ended


def begun(out: Path) -> Path | None:
    """The folder of the run that was begun below `out`; None before it has a spec."""
    return next((path.parent for path in out.glob("[!.]*/spec.json")), None)


def outcome(out: Path) -> dict[str, Any]:
    """What must be the same: the bytes of models and predictions, the result, and the log, but for seconds."""
    (folder,) = (path for path in out.iterdir() if not path.name.startswith("."))
    result = json.loads((folder / "result.json").read_text("utf-8"))
    pretrained = "measures" in result
    files = folder.rglob("*") if pretrained else [folder / "predictions.jsonl", *folder.rglob("*.safetensors")]
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    left = sorted(path.name for path in folder.iterdir())
    return {
        **{str(file.relative_to(folder)): file.read_bytes() for file in files if file.is_file()},
        "log.jsonl": [_timeless(line) for line in log],
        "result.json": _timeless(result) if pretrained else result["evaluations"],
        "files": left,
    }


def _timeless(value: Any) -> Any:
    """A JSON value without the seconds and joules in it."""
    if isinstance(value, dict):
        return {name: _timeless(one) for name, one in value.items() if name not in ("seconds", "joules")}
    return value
