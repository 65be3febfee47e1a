"""Several processes that are killed or stopped: they resume together, to the bytes of an uninterrupted run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import tiny
from test_hosts import Command, kill, wait_for_updates
from test_kit_resume import tortured
from test_processes import DEV, TRAIN, Ended
from test_train import bytes_of
from victim import free_port

from bertkit.runs.folder import read_log

FLAGS = "--device cpu --precision fp32 --lr 5e-4 --batch-size 4 --save-every 7 --quiet"
STEPS = 150
"""Updates of a run: it is ended after a few of them."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make("bert", tmp_path_factory.mktemp("model") / "bert")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_treebank(tmp_path_factory.mktemp("rows"), TRAIN, DEV)


def command(model: Path, data: Path, out: Path) -> list[str]:
    """What is typed; each process draws dropout of its own."""
    typed = ["finetune", "ud", "--model", str(model), "--data", str(data), *FLAGS.split(), "--out", str(out)]
    return [sys.executable, "-m", "bertkit", *typed, "--max-steps", str(STEPS), "--processes", "2"]


def done(typed: list[str], out: Path) -> Ended:
    """A command's end."""
    ended = subprocess.run(typed, capture_output=True, text=True, env=os.environ, timeout=250, check=False)
    assert ended.returncode == 0, ended.stderr
    return Ended(code=0, said=ended.stderr.splitlines(), out=out)


@pytest.fixture(scope="module")
def never(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The run that was never stopped."""
    out = tmp_path_factory.mktemp("never")
    return done(command(model, data, out), out)


def killed(started: Command) -> int:
    """The last process is killed; the exit code that makes."""
    workers = psutil.Process(started.process.pid).children()
    last = max(
        (worker for worker in workers if "RANK" in worker.environ()), key=lambda worker: worker.environ()["RANK"]
    )
    last.send_signal(signal.SIGKILL)
    return 1


def stopped(started: Command) -> int:
    """The launcher is asked to stop."""
    started.process.send_signal(signal.SIGTERM)
    return 143


def warned(started: Command) -> int:
    """The launcher gets SLURM's warning."""
    started.process.send_signal(signal.SIGUSR1)
    return 128 + signal.SIGUSR1


def ended_and_resumed(typed: list[str], out: Path, end: Callable[[Command], int]) -> Ended:
    """The command, ended in mid-run and then resumed to its end."""
    started = Command.start(typed)
    try:
        wait_for_updates(out, [started])
        code = end(started)
        ended = started.end(out)
    finally:
        started.kill()
        kill(started.process.pid)
    assert ended.code == code, ended.said
    assert not (ended.folder / "result.json").exists()
    if end is not killed:
        (line,) = ended.said
        assert line.startswith("Stopped by SIG") and f"bertkit resume {ended.folder}" in line
    return done([sys.executable, "-m", "bertkit", "resume", str(ended.folder), "--quiet"], out)


@pytest.mark.parametrize("end", [killed, *(pytest.param(end, marks=pytest.mark.slow) for end in (stopped, warned))])
def test_they_resume_to_the_same_bytes(
    model: Path, data: Path, tmp_path: Path, never: Ended, end: Callable[[Command], int]
) -> None:
    ended = ended_and_resumed(command(model, data, tmp_path), tmp_path, end)
    assert bytes_of(ended.folder) == bytes_of(never.folder)
    assert [line["step"] for line in read_log(ended.folder)] == [*range(1, STEPS + 1), STEPS]


@pytest.mark.slow
def test_three_processes_of_which_one_is_killed_resume_to_the_bytes_of_three_that_were_not() -> None:
    """Forked, as torture.py has them, and not by a launcher."""
    count = tortured("--batch-size 3 --epochs 5", processes=3, kills=3)
    assert count["runs"] == count["survived"] == count["identical"] == 5


def test_a_checkpoint_that_cannot_be_read_ends_all_of_them_with_the_same_error(
    model: Path, data: Path, tmp_path: Path, never: Ended
) -> None:
    name = next(path.name for path in never.out.iterdir() if path.is_dir())
    manifest = tmp_path / name / "checkpoints" / "step-000000007" / "manifest.json"
    manifest.mkdir(parents=True)  # so that the system refuses to read it
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2", "LOCAL_RANK": "0"}
    both = [Command.start(command(model, data, tmp_path), RANK=rank, **where) for rank in "01"]
    for one in both:
        ended = one.end(tmp_path)
        assert ended.code == 1
        way = f"try again, or remove {manifest.parent} to resume without it"
        assert ended.said == [f"Error: {manifest} cannot be read (Is a directory): {way}"]


def test_processes_that_do_not_see_the_same_rows_are_all_refused(model: Path, tmp_path: Path) -> None:
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2", "LOCAL_RANK": "0"}
    both = []
    for rank, rows in (("0", TRAIN), ("1", TRAIN[:-1])):
        (tmp_path / rank / "rows").mkdir(parents=True)
        tiny.write_treebank(tmp_path / rank / "rows", rows, DEV)
        typed = ["env", "-C", str(tmp_path / rank), *command(model, Path("rows"), tmp_path / "runs")]
        both.append(Command.start(typed, RANK=rank, **where))
    for one in both:
        ended = one.end(tmp_path)
        assert ended.code == 2
        (line,) = ended.said
        assert line.startswith("Error: the rows of train: not the same in every process")
    assert not list((tmp_path / "runs").glob("ud*"))
