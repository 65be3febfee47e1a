"""Runs with the encoder's kit that are killed or stopped: they resume to the bytes of an uninterrupted run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TORTURE = str(Path(__file__).with_name("torture.py"))
KITS = {
    "layers": "--class-weights balanced --label-smoothing 0.1 --freeze embeddings --layer-decay 0.8 --reinit-layers 1"
    " --calibrate",
    "lora": "--loss focal --lora 2 --keep-adapter --select best --eval-every 2",
    "probe": "--freeze all --class-weights negative=3",
    "threshold": "--threshold auto --early-stopping 3 --eval-every 2",
}
LABELLED = {"threshold": "multi-label"}
"""Kits of another head than classification."""


def tortured(flags: str, head: str = "classification", processes: int = 1, kills: int = 3) -> dict[str, Any]:
    """What torture.py counts for runs with these flags, of which none was lost."""
    asked = ["--heads", head, "--kills", str(kills), "--signals", "1", "--faults", "1", "--seed", "4"]
    done = subprocess.run(
        [sys.executable, TORTURE, *asked, "--processes", str(processes), f"--flags={flags}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["lost"] == []
    count: dict[str, Any] = report["counts"][head]
    return count


@pytest.mark.parametrize(
    "kit", ["layers", *(pytest.param(kit, marks=pytest.mark.slow) for kit in KITS if kit != "layers")]
)
def test_a_run_with_the_kit_that_is_killed_resumes_to_the_same_bytes(kit: str) -> None:
    count = tortured(KITS[kit], LABELLED.get(kit, "classification"))
    assert count["runs"] == count["survived"] == count["identical"] == 5
    assert count["ended by a signal"] >= 3 and count["bertkit resume"]


@pytest.mark.slow
@pytest.mark.parametrize("kit", ["layers", "lora", "threshold"])
def test_two_processes_with_the_kit_resume_to_the_same_bytes(kit: str) -> None:
    count = tortured(KITS[kit], LABELLED.get(kit, "classification"), processes=2, kills=2)
    assert count["runs"] == count["survived"] == count["identical"] == 4


@pytest.mark.slow
def test_words_with_the_kit_resume_to_the_same_bytes() -> None:
    count = tortured("--class-weights balanced --label-smoothing 0.1 --lora 2", head="tagging")
    assert count["identical"] == count["runs"]
