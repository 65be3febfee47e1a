"""`bertkit resume RUN --offline` needs the commit that the run was started with, even if newer ones are known."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import tiny
from fakehub import FakeHub
from test_hub import KILLED_AT_UPDATE_5, environment

pytestmark = pytest.mark.slow  # runs in processes of their own against a Hub

HASTE = "from bertkit.hub import retry; retry.PAUSES = ()"
TYPED = "finetune sst2 --model org/tiny --data rows --max-steps 6 --batch-size 4 --save-every 2 --device cpu"


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A run, killed after a checkpoint at update 4; `own` is the Hub's commit that it was started with."""

    hub: FakeHub
    root: Path
    folder: Path
    own: str

    @property
    def cache(self) -> Path:
        """Where huggingface_hub keeps the model."""
        return self.root / "home/hub/models--org--tiny"


def bertkit(hub: FakeHub, root: Path, typed: str, code: str = "pass", returns: int = 0) -> str:
    """Run a command in a process of its own, after some code; what it printed."""
    code += f"\nfrom bertkit.cli import main; main({typed.split()!r})"
    env = environment(hub.url, root / "home")
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=200, cwd=root)
    assert done.returncode == returns, done.stderr
    return " ".join((done.stderr + done.stdout).split())


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    """After the run was killed a commit was pushed, of which another command did not get the config."""
    root = tmp_path_factory.mktemp("resumed")
    config = tiny.make("bert", root / "hub/models/org/tiny") / "config.json"
    tiny.write_reviews(root / "rows", tiny.REVIEWS, tiny.REVIEWS)
    with FakeHub(root / "hub") as hub:
        own = hub.commit("models", "org/tiny")
        bertkit(hub, root, f"{TYPED} --out runs", code=KILLED_AT_UPDATE_5, returns=-signal.SIGKILL)
        hub.push("models", "org/tiny", "config.json", config.read_bytes() + b"\n")
        hub.fault("/config.json", "status", at=403, times=1_000)
        bertkit(hub, root, f"{TYPED} --out other", code=HASTE, returns=2)
        hub.clear()
        found = Begun(hub=hub, root=root, folder=next((root / "runs").glob("sst2-*")), own=own)
        newest = (found.cache / "refs/main").read_text("utf-8")
        assert own != newest == hub.commit("models", "org/tiny")
        assert not (found.cache / f"snapshots/{newest}/config.json").exists()
        yield found


def test_a_run_whose_own_commit_is_not_on_this_machine_is_not_resumed_offline(begun: Begun) -> None:
    snapshot = begun.cache / "snapshots" / begun.own
    snapshot.rename(begun.root / "away")
    said = bertkit(begun.hub, begun.root, f"resume {begun.folder} --offline", returns=2)
    (begun.root / "away").rename(snapshot)
    assert said.startswith("Error: model 'org/tiny' is not on this machine, and nothing is fetched (--offline")


def test_a_run_is_resumed_offline_though_half_of_a_newer_commit_was_fetched(begun: Begun) -> None:
    asked = len(begun.hub.requests)
    assert "resuming after update 4" in bertkit(begun.hub, begun.root, f"resume {begun.folder} --offline")
    assert len(begun.hub.requests) == asked
    result = json.loads((begun.folder / "result.json").read_text("utf-8"))
    assert (result["encoder"]["commit"], result["training"]["steps"]) == (begun.own, 6)
