"""One side of a measurement: `python -m benchmarks.worker JOB` does a job, given as JSON, in turns."""

from __future__ import annotations

import json
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

from benchmarks.turns import Enough, Job, Turns, serve, settle, tell
from bertkit.progress import Progress


class TurnsProgress(Progress):
    """Pauses a run of bertkit between its turns."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.training = False

    def phase(self, name: str, total: int) -> None:
        """Wait for the first turn before training."""
        self.training = name == "training"
        if self.training:
            self.turns.wait()

    def advance(self, steps: int = 1, loss: float | None = None, examples: int = 0) -> None:
        """Count an update as a step."""
        if self.training:
            self.turns.step(examples, loss)


def train_bertkit(job: Job) -> None:
    """A run as `bertkit finetune` starts it, stopped after the last turn."""
    from bertkit import registry
    from bertkit.machine.devices import resolved
    from bertkit.request.check import check
    from bertkit.request.flags import Flags
    from bertkit.request.specs import spec_of
    from bertkit.runs.run import run
    from bertkit.spec import RunOptions

    turns, out = Turns(job["born"]), Path(job["out"])
    spec = spec_of(registry.find(job["task"]), Flags(**job["asked"]))
    check([spec])
    try:
        # no checkpoints: the clock runs between turns too, and the peers write none either
        run(spec, RunOptions(out=out, save_every=10**9), TurnsProgress(turns))
    except Enough:
        lines = [json.loads(line) for line in next(out.glob("*/log.jsonl")).read_text("utf-8").splitlines()]
        tokens = [0, *(line["tokens"] for line in lines if "tokens" in line)]
        tell({**turns.report([b - a for a, b in pairwise(tokens)]), "precision": resolved(spec).precision})


def pretrain_bertkit(job: Job) -> None:
    """A run as `bertkit pretrain` starts it, stopped after the last turn."""
    from bertkit.request.pretrain_flags import PretrainFlags
    from bertkit.runs.pretrain import pretrain
    from bertkit.runs.pretrain_claim import resolved_pretrain
    from bertkit.spec import RunOptions

    turns, out = Turns(job["born"]), Path(job["out"])
    asked = PretrainFlags(**job["asked"], budget=f"{job['updates']}step", eval_every=10**9)
    spec = resolved_pretrain(asked.spec([job["corpus"]]))
    try:
        pretrain(spec, RunOptions(out=out, save_every=10**9), TurnsProgress(turns))
    except Enough:
        lines = [json.loads(line) for line in next(out.glob("*/log.jsonl")).read_text("utf-8").splitlines()]
        tokens = [0, *(line["tokens"] for line in lines if "tokens" in line)]
        tell({**turns.report([b - a for a, b in pairwise(tokens)]), "precision": spec.precision})


def predict_bertkit(job: Job) -> None:
    """The answers of a trained run to a file of rows, as `bertkit predict` makes them; the model is loaded once."""
    from bertkit.deploy import predict as deployed
    from bertkit.deploy.inputs import TypedInput, read_inputs
    from bertkit.models.load import load_trained
    from bertkit.runs.folder import MODEL, read_spec

    run = Path(job["run"])
    task = read_spec(run).task
    loaded = load_trained(run / MODEL, task.head)
    setattr(deployed, "load_trained", lambda folder, head: loaded)  # noqa: B010  # mypy would refuse the plain form

    def answer() -> list[str]:
        inputs = read_inputs(task, TypedInput(file=Path(job["rows"])))
        return [str(given.value) for given in deployed.predict(run, inputs, "auto", Progress())]

    serve(job, answer, {})


class Clock(Progress):
    """Records the time of each update."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.training = False

    def phase(self, name: str, total: int) -> None:
        """Time only training."""
        self.training = name == "training"
        if self.training:
            self.times.append(time.perf_counter())

    def advance(self, steps: int = 1, loss: float | None = None, examples: int = 0) -> None:
        """Record an update."""
        if self.training:
            self.times.append(time.perf_counter())


def time_checkpoints(job: Job) -> None:
    """The seconds of every update of a run with a checkpoint every 2 * block updates, and a checkpoint's size."""
    from bertkit import registry
    from bertkit.request.flags import Flags
    from bertkit.request.specs import spec_of
    from bertkit.runs.run import run
    from bertkit.spec import RunOptions
    from bertkit.training import checkpoint, checkpointer

    sizes: list[int] = []
    plain = checkpoint.write

    def write(run: Path, state: checkpoint.State) -> Path:
        place = plain(run, state)
        sizes.append(sum(file.stat().st_size for file in place.iterdir()))
        return place

    setattr(checkpointer, "write", write)  # noqa: B010  # mypy would refuse the plain form
    clock = Clock()
    spec = spec_of(registry.find(job["task"]), Flags(**job["asked"]))
    run(spec, RunOptions(out=Path(job["out"]), save_every=2 * job["block"]), clock)
    tell({"seconds": [b - a for a, b in pairwise(clock.times)], "mib": round(max(sizes) / 2**20, 1)})


def measure_peak(job: Job) -> None:
    """The best GFLOP/s of a linear layer, forward and backward, at an encoder's shapes."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    best, rows = {}, job.get("rows", 1240)
    for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        rates = []
        for k, n in job["shapes"]:
            sizes = ((rows, k), (k, n), (rows, n))
            x, w, dy = (torch.randn(size, device=device, dtype=dtype) for size in sizes)
            until = time.perf_counter() + 0.7
            while time.perf_counter() < until:
                settle()
                began = time.perf_counter()
                _ = x @ w, dy @ w.T, x.T @ dy
                settle()
                rates.append(6 * rows * k * n / (time.perf_counter() - began) / 1e9)
        best[name] = round(max(rates), 1)
    tell(best)


def main() -> None:
    """Do the job."""
    os.dup2(2, 1)  # libraries print to stderr; only reports go to stdout
    job = json.loads(sys.argv[1])
    if job["job"] in ("features", "texts", "encoder", "blocks"):
        from benchmarks import prepare

        tell(getattr(prepare, job["job"])(job))
    elif job["job"] in ("trainer", "pipeline", "mlm"):
        from benchmarks import peers

        {"trainer": peers.train, "pipeline": peers.answer, "mlm": peers.pretrain}[job["job"]](job)
    else:
        {
            "bertkit": train_bertkit,
            "pretrain": pretrain_bertkit,
            "predict": predict_bertkit,
            "peak": measure_peak,
            "checkpoints": time_checkpoints,
        }[job["job"]](job)


if __name__ == "__main__":
    main()
