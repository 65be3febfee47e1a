"""Two hosts against one process, and lost processes: every other one ends in time, with one line.

The hosts are two network namespaces of this machine with a cable (a veth pair) between them, which takes root and
`ip` (Debian's iproute2). Rows and model are those of test_processes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import tiny
from safetensors.torch import load_file
from test_processes import DEV, DRY, SHIFTS, TRAIN, Ended, command

from bertkit.cli import main
from bertkit.runs.folder import read_log

LIMIT, SLACK = 4, 8
"""Seconds: how long a process waits for another, and how much later everything is over at the latest."""

DEADLINE = 100
"""Seconds after which a command is killed, and its test has failed."""

FOR_EVER = ["--max-steps", "100000"]
TORCHRUN = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "1"]
LEAVING = "torch/distributed/elastic/agent/server/api.py"
"""What torchrun logs, leaving with code 0, where the other host's has closed the store that they leave by."""

LINE = f"lost contact with another process: nothing came for {LIMIT} s (BERTKIT_PEER_TIMEOUT)"


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that runs, and what it said once it ended."""

    process: subprocess.Popen[str]

    @classmethod
    def start(cls, typed: list[str], **environment: str) -> Command:
        """Start it, with `environment` added to this process' own."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return cls(process=subprocess.Popen(typed, env={**os.environ, **environment}, text=True, **pipes))

    def end(self, out: Path, within: float = DEADLINE) -> Ended:
        """Wait for its end. Raises TimeoutExpired."""
        _, stderr = self.process.communicate(timeout=within)
        return Ended(code=self.process.returncode, said=stderr.splitlines(), out=out)

    def kill(self) -> None:
        """It and all that it started are no more."""
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                kill(process.pid)
        self.process.kill()
        self.process.communicate()


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """Two hosts with a cable between them; `names` are those of their namespaces and of its ends."""

    names: tuple[str, str]
    commands: list[Command] = field(default_factory=list)

    def start(self, rank: int, typed: list[str], **environment: str) -> None:
        """`python TYPED` on one of them."""
        environment |= {"GLOO_SOCKET_IFNAME": self.names[rank]}
        inside = ["ip", "netns", "exec", self.names[rank], sys.executable]
        self.commands.append(Command.start([*inside, *typed], **environment))

    def torchrun(self, rank: int, typed: list[str], **environment: str) -> None:
        """`torchrun ... -m bertkit TYPED` on one of them."""
        launcher = [*TORCHRUN, "--node_rank", str(rank), "--master_addr", "10.77.0.1", "--master_port", "29511"]
        self.start(rank, [*launcher, "-m", "bertkit", *typed], **environment)

    def plainly(self, rank: int, typed: list[str], **environment: str) -> None:
        """`bertkit TYPED` on one of them, with what a launcher says in the environment."""
        where = {"MASTER_ADDR": "10.77.0.1", "MASTER_PORT": "29511", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}
        self.start(rank, ["-m", "bertkit", *typed], RANK=str(rank), **where, **environment)

    def cut(self) -> None:
        """Pull the cable out."""
        ip("-n", self.names[0], "link", "set", self.names[0], "down")


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=20).stdout


def remove(name: str) -> None:
    """The host is no more, nor what ran on it."""
    for pid in ip("netns", "pids", name).split():
        kill(int(pid))
    ip("netns", "del", name)


@contextmanager
def cabled() -> Iterator[Hosts]:
    """Two hosts, removed afterwards with whatever runs on them; a test is skipped where there can be none."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("two hosts take root, and `ip` of the package iproute2")
    names = f"bk{os.getpid()}a", f"bk{os.getpid()}b"
    hosts = Hosts(names=names)
    with ExitStack() as last:
        last.callback(lambda: [command.kill() for command in hosts.commands])
        try:
            for name in names:
                ip("netns", "add", name)
                last.callback(remove, name)
            ip("link", "add", names[0], "netns", names[0], "type", "veth", "peer", "name", names[1], "netns", names[1])
            for host, name in enumerate(names, 1):
                ip("-n", name, "addr", "add", f"10.77.0.{host}/24", "dev", name)
                for link in ("lo", name):
                    ip("-n", name, "link", "set", link, "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no two hosts here: {error.stderr.strip()}")
        yield hosts


def wait_for_updates(out: Path, commands: list[Command]) -> None:
    """Until a few updates are logged below `out`."""
    end = time.monotonic() + DEADLINE
    while sum(len(path.read_bytes().splitlines()) for path in out.glob("*/log.jsonl")) < 5:
        assert all(command.process.poll() is None for command in commands), "it ended before it was under way"
        assert time.monotonic() < end, "it was not under way in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make("bert", tmp_path_factory.mktemp("model") / "bert", **DRY)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_treebank(tmp_path_factory.mktemp("rows"), TRAIN, DEV)


@pytest.fixture(scope="module")
def one(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The run in one process."""
    out = tmp_path_factory.mktemp("one")
    with pytest.raises(SystemExit) as leaving:
        main(command(model, data, out))
    return Ended(code=int(leaving.value.code or 0), said=[], out=out)


@pytest.fixture(scope="module")
def two(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Ended]:
    """The same on two hosts, under torchrun, with a folder for runs on each; --processes is left to torchrun."""
    outs = [tmp_path_factory.mktemp("host") for _ in range(2)]
    with cabled() as hosts:
        for rank, out in enumerate(outs):
            hosts.torchrun(rank, command(model, data, out))
        first, second = (started.end(out) for started, out in zip(hosts.commands, outs, strict=True))
    return first, second


def test_both_hosts_end_well_and_the_first_alone_writes(one: Ended, two: tuple[Ended, Ended]) -> None:
    assert [(host.code, [line for line in host.said if LEAVING not in line]) for host in two] == [(0, []), (0, [])]
    assert one.code == 0
    assert two[0].result.spec.processes == 2
    assert list(two[1].out.iterdir()) == []


def test_two_hosts_train_the_weights_of_one_process(one: Ended, two: tuple[Ended, Ended]) -> None:
    ours, theirs = (load_file(ended.folder / "model" / "model.safetensors") for ended in (one, two[0]))
    assert ours.keys() == theirs.keys()
    apart = {name: float((ours[name] - theirs[name]).abs().max()) for name in ours}
    assert max(far for name, far in apart.items() if not name.endswith(SHIFTS)) < 1e-5


def test_two_hosts_log_the_updates_of_one_process(one: Ended, two: tuple[Ended, Ended]) -> None:
    ours, theirs = (read_log(ended.folder)[:10] for ended in (one, two[0]))
    for key in ("step", "examples", "tokens"):
        assert [line[key] for line in theirs] == [line[key] for line in ours]
    for key in ("loss", "gradient_norm"):
        assert [line[key] for line in theirs] == pytest.approx([line[key] for line in ours], rel=1e-4)


def test_two_hosts_predict_every_row_once_with_the_answers_of_one_process(one: Ended, two: tuple[Ended, Ended]) -> None:
    ours, theirs = one.predictions, two[0].predictions
    assert len({line["row_id"] for line in theirs}) == len(theirs) == len(DEV) == 39
    for key in ("row_id", "answer", "gold"):
        assert [line[key] for line in theirs] == [line[key] for line in ours]


@pytest.mark.parametrize("launch", [Hosts.plainly, pytest.param(Hosts.torchrun, marks=pytest.mark.slow)])
def test_a_cut_cable_ends_both_hosts_within_the_limit_with_one_line_each(
    model: Path, data: Path, tmp_path: Path, launch: Callable[..., None]
) -> None:
    typed = [*command(model, data, tmp_path), *FOR_EVER, "--processes", "2"]
    with cabled() as hosts:
        for rank in range(2):
            launch(hosts, rank, typed, BERTKIT_PEER_TIMEOUT=str(LIMIT))
        wait_for_updates(tmp_path, hosts.commands)
        hosts.cut()
        cut = time.monotonic()
        ended = [started.end(tmp_path, within=LIMIT + SLACK) for started in hosts.commands]
        assert LIMIT - 1 < time.monotonic() - cut < LIMIT + SLACK
    lines = [[line for line in host.said if line.startswith("Error: ")] for host in ended]
    assert [host.code for host in ended] == [1, 1]
    assert lines == [[f"Error: process {rank} of 2 {LINE}"] for rank in range(2)]
    if launch is Hosts.plainly:  # torchrun adds a report of its own
        assert [host.said for host in ended] == lines


def test_a_killed_process_ends_the_command_with_one_line_that_names_it(model: Path, data: Path, tmp_path: Path) -> None:
    typed = [sys.executable, "-m", "bertkit", *command(model, data, tmp_path), *FOR_EVER, "--processes", "2"]
    started, workers = Command.start(typed), []
    try:
        wait_for_updates(tmp_path, [started])
        workers = psutil.Process(started.process.pid).children()
        (second,) = (worker for worker in workers if worker.environ().get("RANK") == "1")
        second.send_signal(signal.SIGKILL)
        ended = started.end(tmp_path, within=SLACK)
        assert not any(worker.is_running() for worker in workers)
    finally:
        started.kill()
        for worker in workers:
            kill(worker.pid)
    assert ended.code == 1
    (line,) = ended.said
    assert line.startswith("Error: process 1 of 2 was ended by SIGKILL")


def test_an_error_of_one_process_alone_is_printed_whichever_it_is(model: Path, data: Path, tmp_path: Path) -> None:
    mistake = "import os\nif os.environ.get('RANK') == '1':\n    os.environ['WORLD_SIZE'] = '3'\n"
    (tmp_path / "sitecustomize.py").write_text(mistake, "utf-8")
    typed = [sys.executable, "-m", "bertkit", *command(model, data, tmp_path), "--processes", "2"]
    started = Command.start(typed, PYTHONPATH=str(tmp_path))
    try:
        ended = started.end(tmp_path)
    finally:
        started.kill()
    assert ended.code == 2
    assert ended.said == ["Error: --processes 2: the launcher started 3 (WORLD_SIZE); give 3, or leave it out"]
