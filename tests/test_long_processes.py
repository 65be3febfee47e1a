"""Rows read in several windows, in two processes: the losses, answers and scores of one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from test_long_training import DRY, LONG
from test_processes import Ended

from bertkit.cli import main
from bertkit.runs.folder import read_log

FLAGS = "--max-length 24 --long windows --batch-size 4 --max-steps 5 --lr 5e-4 --device cpu --precision fp32 --quiet"


@pytest.mark.slow
def test_two_processes_train_and_predict_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [(text, "positive" if i % 2 else "negative") for i, text in enumerate(LONG)]
    tiny.write_reviews(tmp_path / "rows", rows[:-1], rows)  # seven by four: a row of the last batch has no partner
    tiny.make("bert", tmp_path / "tiny", **DRY)
    typed = f"finetune sst2 --data rows --model tiny {FLAGS}".split()
    with pytest.raises(SystemExit) as leaving:
        main([*typed, "--out", "one"])
    assert leaving.value.code == 0
    command = [sys.executable, "-m", "bertkit", *typed, "--processes", "2", "--out", "two"]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=250, check=False)
    assert ended.returncode == 0, ended.stderr
    one, two = (Ended(code=0, said=[], out=tmp_path / name) for name in ("one", "two"))
    ours, theirs = (read_log(ended.folder)[:5] for ended in (one, two))
    for key in ("examples", "tokens"):
        assert [line[key] for line in theirs] == [line[key] for line in ours]
    for key in ("loss", "gradient_norm"):
        assert [line[key] for line in theirs] == pytest.approx([line[key] for line in ours], rel=1e-4)
    assert [line["answer"] for line in two.predictions] == [line["answer"] for line in one.predictions]
    scored = [[replace(part, calibration=None) for part in ended.result.evaluations] for ended in (one, two)]
    assert scored[0] == scored[1]
    errors = [[part.calibration.ece for part in ended.result.evaluations if part.calibration] for ended in (one, two)]
    assert errors[0] == pytest.approx(errors[1], abs=1e-4)  # probabilities follow from weights that differ by rounding
    assert two.result.rows["dev"].counted == one.result.rows["dev"].counted
