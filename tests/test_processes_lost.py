"""Processes of a run: how many were started, how long each is waited for, what is said of a lost one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_light import answer

from bertkit.errors import PeerError, RequestError
from bertkit.machine import processes


@pytest.mark.parametrize(
    ("limit", "processes", "line"),
    [
        ("600", "3", "--processes 3: the launcher started 2 (WORLD_SIZE); give 2, or leave it out"),
        ("600", "1", "--processes 1: the launcher started 2 (WORLD_SIZE); give 2, or leave it out"),
        ("soon", "2", "BERTKIT_PEER_TIMEOUT=soon: it must be a number of seconds, 1 or more"),
    ],
)
def test_what_a_launcher_contradicts_is_refused_before_anything_heavy_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, processes: str, line: str
) -> None:
    for name, value in {"LOCAL_RANK": "0", "RANK": "1", "WORLD_SIZE": "2", "BERTKIT_PEER_TIMEOUT": limit}.items():
        monkeypatch.setenv(name, value)
    said = answer(tmp_path, "finetune", "sst2", "--sample", "--processes", processes)
    assert said == (2, [], f"Error: {line}\n")


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "nan", "inf"])
def test_a_time_limit_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("BERTKIT_PEER_TIMEOUT", text)
    with pytest.raises(RequestError, match=f"^BERTKIT_PEER_TIMEOUT={text}: "):
        processes.timeout()


FROM_TORCH = [
    ("[pair.cc:538] Connection closed by peer [10.77.0.1]:3822", "it ended, or the connection to it broke"),
    ("[pair.cc:543] Read error [10.77.0.1]:3822: Connection reset by peer", "it ended, or the connection to it broke"),
    ("[unbound_buffer.cc:81] Timed out waiting 4000ms for recv operation to complete", "nothing came for 600 s"),
    ("wait timeout after 4000ms, keys: /default_pg/0//cpu//0", "nothing came for 600 s"),
    ("failed to recv, got 0 bytes. Connection was likely closed. Did the remote server shutdown or crash?", "it ended"),
    ("[Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=5, OpType=ALLREDUCE)", "nothing came for"),
    ("ncclRemoteError: A call failed possibly due to a network error or a remote process exiting", "it ended"),
    ("Timed out after 6 seconds waiting for clients. 1/2 clients joined.", "is each of them running"),
    ("The client socket has timed out after 5000ms while trying to connect to (10.77.0.1, 29511).", "GLOO_SOCKET"),
    (
        "Gloo connectFullMesh failed with [pair.cc:152] timed out connecting: SO_ERROR: Connection refused",
        "GLOO_SOCKET",
    ),
]


@pytest.mark.parametrize(("torch_says", "we_say"), FROM_TORCH)
def test_what_torch_says_of_a_lost_process_is_said_in_a_persons_words(
    monkeypatch: pytest.MonkeyPatch, torch_says: str, we_say: str
) -> None:
    monkeypatch.delenv("BERTKIT_PEER_TIMEOUT", raising=False)
    for name, value in {"LOCAL_RANK": "0", "RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    error = processes.lost(RuntimeError(torch_says))
    assert isinstance(error, PeerError)
    assert str(error).startswith("process 1 of 2 ")
    assert we_say in str(error)


def test_an_error_that_is_no_lost_process_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes.lost(RuntimeError(FROM_TORCH[0][0])) is None  # there is one process alone
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes.lost(RuntimeError("mat1 and mat2 shapes cannot be multiplied (4x32 and 8x2)")) is None
    assert processes.lost(ValueError(FROM_TORCH[0][0])) is None


ASK = """
import torch.distributed as d
from bertkit.machine.devices import accelerator
device = accelerator("cpu", "fp32").device
print(d.distributed_c10d._get_default_group()._get_backend(device).options._timeout.total_seconds())
"""


@pytest.mark.parametrize("seconds", [None, "7"])
def test_processes_wait_for_each_other_as_long_as_asked_and_ten_minutes_by_default(seconds: str | None) -> None:
    environment = {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    environment |= {"BERTKIT_PEER_TIMEOUT": seconds} if seconds else {}
    typed, environment = [sys.executable, "-c", ASK], {**os.environ, **environment}
    done = subprocess.run(typed, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert (done.stdout, done.stderr) == (f"{float(seconds or 600)}\n", "")
