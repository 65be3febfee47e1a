"""The command `bertkit finetune TASK`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bertkit import registry
from bertkit.cli import options as o
from bertkit.cli import screen
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed
from bertkit.request.check import check
from bertkit.request.flags import Asked, memory_of, seeds_of, spec_of
from bertkit.spec import RunOptions


def finetune(
    task: Annotated[str, typer.Argument(help="Its name; `bertkit tasks` lists them.")],
    model: o.Model = None,
    revision: o.Revision = None,
    scratch: o.Scratch = False,
    data: o.Data = None,
    sample: o.Sample = False,
    limit: o.Limit = None,
    epochs: o.Epochs = None,
    max_steps: o.MaxSteps = None,
    batch_size: o.BatchSize = None,
    batch_tokens: o.BatchTokens = None,
    order: o.OrderOption = None,
    gradient_accumulation: o.GradientAccumulation = None,
    learning_rate: o.LearningRate = None,
    warmup: o.Warmup = None,
    weight_decay: o.WeightDecay = None,
    max_grad_norm: o.MaxGradNorm = None,
    max_length: o.MaxLength = None,
    doc_stride: o.DocStride = None,
    max_answer_length: o.MaxAnswerLength = None,
    null_threshold: o.NullThreshold = None,
    eval_every: o.EvalEvery = None,
    seed: o.Seed = 42,
    seeds: o.Seeds = 1,
    device: o.DeviceOption = "auto",
    precision: o.PrecisionOption = "auto",
    layout: o.LayoutOption = "auto",
    fast_dropout: o.FastDropout = True,
    processes: o.Processes = 1,
    max_memory: o.MaxMemory = None,
    save_every: o.SaveEvery = None,
    keep_best: o.KeepBest = False,
    out: o.Out = Path("runs"),
    force: o.Force = False,
    offline: o.Offline = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Train an encoder on a task, and score it. What is not given is the task's own: `bertkit tasks TASK`.

    Asked again, a finished run prints its scores; one that was stopped goes on.
    """
    asked = Asked(
        model=model, revision=revision, scratch=scratch, data=data, sample=sample, limit=limit, epochs=epochs,
        max_steps=max_steps, batch_size=batch_size, gradient_accumulation=gradient_accumulation,
        learning_rate=learning_rate, warmup=warmup, weight_decay=weight_decay, max_grad_norm=max_grad_norm,
        max_length=max_length, doc_stride=doc_stride, max_answer_length=max_answer_length,
        null_threshold=null_threshold, eval_every=eval_every, seed=seed, device=device, precision=precision,
        processes=processes, layout=layout, fast_dropout=fast_dropout, batch_tokens=batch_tokens, order=order,
    )  # fmt: skip
    specs = seeds_of(spec_of(registry.find(task), asked), seeds)
    if keep_best and eval_every is None:
        raise RequestError("--keep-best: give --eval-every too, or there is nothing to choose from")
    options = RunOptions(
        out=out, force=force, save_every=save_every, max_memory=memory_of(max_memory), keep_best=keep_best
    )
    check(specs)
    if processes > 1 and not distributed():
        return relaunch(processes)
    from bertkit.studies.group import run_group

    finished = run_group(specs, options, lambda spec: screen.watch(quiet or json, spec))
    screen.print_runs(finished, json)
    return 0
