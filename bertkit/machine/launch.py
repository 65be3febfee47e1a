"""Launch several processes: the same command in each, under torch's launcher.

On several hosts the same command is started on each of them, by torchrun or by anything else that puts LOCAL_RANK,
RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT into the environment; then nothing is launched here:

    torchrun --nnodes 2 --node_rank R --master_addr A --master_port P --nproc_per_node 1 -m bertkit finetune ...
    MASTER_ADDR=A MASTER_PORT=P WORLD_SIZE=2 RANK=R LOCAL_RANK=0 bertkit finetune ...

R is 0 on the host A, which writes the run's folder, and 1 on the other. --processes may be left out: it is the number
of all of them. GLOO_SOCKET_IFNAME names the network interface between the hosts, if on a CPU they do not find each
other. A process that hears nothing from another for BERTKIT_PEER_TIMEOUT seconds (600) ends with one line and exit
code 1, and torchrun after it (as above; with --rdzv_backend c10d it may hang once the link is cut).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from bertkit.errors import BertkitError, PeerError, StoppedError
from bertkit.machine.processes import distributed, timeout
from bertkit.machine.signals import ASKING

LAST_WORDS = "BERTKIT_LAST_WORDS"
"""An environment variable: the folder where each process writes its last line, for the launcher to print one."""

GRACE = 2.0
"""Seconds: the launcher looks ten times a second for a process that ended, and stops the others."""


def say(line: str, of_all: bool = False) -> None:
    """Print a line on stderr, from one process per host or `of_all`; under `relaunch`, hand it to the launcher."""
    line = " ".join(line.split())
    if _launched_here():
        Path(os.environ[LAST_WORDS], os.environ["RANK"]).write_text(line, "utf-8")
    elif of_all or os.environ.get("LOCAL_RANK", "0") == "0":
        with suppress(OSError):  # the terminal may be closed
            print(line, file=sys.stderr)


def ended(error: BertkitError) -> int:
    """Print the error that ended this process; its exit code."""
    lost = isinstance(error, PeerError)
    if lost and _launched_here():
        time.sleep(GRACE)  # if the other one ended, the launcher knows why, and stops this one meanwhile
    text = str(error)
    say(text[0].upper() + text[1:] if isinstance(error, StoppedError) else f"Error: {text}", of_all=lost)
    return error.exit_code


def leave(code: int) -> NoReturn:
    """Exit; with several processes by os._exit, because gloo's threads may abort after another process ended."""
    torch = sys.modules.get("torch")
    if torch and torch.distributed.is_available() and torch.distributed.is_initialized():
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def relaunch(processes: int) -> int:
    """Run this command in `processes` processes; the exit code of the first that failed, whose last line is printed.

    0 if none failed, 128 + its number if a signal stops the launcher. Raises PeerError if one ended a process.
    """
    from tempfile import TemporaryDirectory

    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // processes)))
    for name in (
        "torch.distributed",
        "torch.distributed.elastic.agent.server.api",
    ):  # the agent's logger has its own level
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with TemporaryDirectory(prefix="bertkit-") as folder:
        os.environ[LAST_WORDS] = folder
        try:
            run.main([*_options(processes), "-m", "bertkit", *sys.argv[1:]])
        except ChildFailedError as error:
            rank, failure = error.get_first_failure()
            if failure.exitcode < 0:
                raise PeerError(_killed(rank, processes, failure.signal_name())) from None
            _repeat(Path(folder, str(rank)))
            return failure.exitcode
        except SignalException as stopped:
            _repeat(
                Path(folder, "0"),
                f"Stopped by {stopped.sigval.name}; the same command resumes from the last checkpoint",
            )
            return 128 + int(stopped.sigval)
    return 0


def _options(processes: int) -> list[str]:
    """The options of torch's launcher: signals to pass on, and time to save, if it supports them."""
    from torch.distributed.run import get_args_parser

    heard = [name for name in ASKING if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN]
    patience = max(30, int(timeout()))
    newer = [f"--signals-to-handle={','.join(heard)}", f"--shutdown-timeout={patience}"]
    unknown = get_args_parser().parse_known_args([*newer, "script"])[1]
    return ["--standalone", f"--nproc_per_node={processes}", *(one for one in newer if one not in unknown)]


def _repeat(words: Path, otherwise: str = "") -> None:
    """Print a process's last line, if it wrote one."""
    line = words.read_text("utf-8") if words.is_file() else otherwise
    if line:
        print(line, file=sys.stderr)


def _launched_here() -> bool:
    """Whether `relaunch` started this process."""
    return distributed() and LAST_WORDS in os.environ


def _killed(rank: int, processes: int, signal: str) -> str:
    hint = " (the system does that when memory runs out)" if signal == "SIGKILL" else ""
    return f"process {rank} of {processes} was ended by {signal}{hint}; the others were stopped"
