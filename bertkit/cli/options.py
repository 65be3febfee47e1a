"""Every option, written once, as the type of a command's parameter."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from bertkit.encoders import DEFAULT
from bertkit.errors import RequestError
from bertkit.machine.processes import timeout, world_size

TRAINING, WHAT, HOW, OUT = "Training", "What to train, on what", "How to compute", "Output"


def agreed(context: typer.Context, processes: int) -> int:
    """--processes; where a launcher started this process, as many as it started. Raises RequestError."""
    timeout()  # wrong, it is refused here, before anything heavy is loaded
    started, source = world_size(), context.get_parameter_source("processes")
    if started is None or processes == started:
        return processes
    if source is not None and source.name == "DEFAULT":
        return started
    started_by = f"the launcher started {started} (WORLD_SIZE)"
    raise RequestError(f"--processes {processes}: {started_by}; give {started}, or leave it out")


def _option(
    *names: str, panel: str, text: str, metavar: str | None = None, callback: Callable[..., object] | None = None
) -> typer.models.OptionInfo:
    shown = text.replace("[", r"\[")  # else rich takes a default for its markup, and leaves it out
    option: typer.models.OptionInfo = typer.Option(
        *names, rich_help_panel=panel, help=shown, metavar=metavar, callback=callback
    )
    return option


Model = Annotated[
    str | None,
    _option("--model", "-m", panel=WHAT, text=f"A Hub id, a folder, or 'sample'. [default: {DEFAULT}]"),
]
Revision = Annotated[str | None, _option("--revision", panel=WHAT, text="Branch, tag or commit of the Hub's model.")]
Scratch = Annotated[bool, _option("--scratch", panel=WHAT, text="The same shape with random weights.")]
Data = Annotated[
    str | None,
    _option("--data", panel=WHAT, text="Folder of the rows in their official layout. [default: the Hub]"),
]
Sample = Annotated[
    bool, _option("--sample", panel=WHAT, text="The shipped sample rows and encoder: no benchmark scores.")
]
Limit = Annotated[int | None, _option("--limit", panel=WHAT, text="The first N rows of each split.")]

Epochs = Annotated[
    float | None, _option("--epochs", "--num-train-epochs", panel=TRAINING, text="Passes over the rows.")
]
MaxSteps = Annotated[int | None, _option("--max-steps", panel=TRAINING, text="Updates, in place of epochs.")]
BatchSize = Annotated[
    int | None,
    _option(
        "--batch-size",
        "-b",
        "--per-device-train-batch-size",
        panel=TRAINING,
        text="Rows of a batch, over all processes.",
    ),
]
BatchTokens = Annotated[
    int | None,
    _option(
        "--batch-tokens",
        panel=TRAINING,
        text="Tokens of a batch at most, in place of rows; in an update every row (word) weighs the same.",
    ),
]
OrderOption = Annotated[
    Literal["auto", "random", "length"] | None,
    _option(
        "--order",
        panel=TRAINING,
        text="Rows shuffled, or those of like length together. [default: length if bucketed, else random]",
    ),
]
GradientAccumulation = Annotated[
    int | None,
    _option(
        "--gradient-accumulation",
        "--gradient-accumulation-steps",
        panel=TRAINING,
        text="Batches of an update.",
    ),
]
LearningRate = Annotated[float | None, _option("--learning-rate", "--lr", panel=TRAINING, text="AdamW's, at its peak.")]
Warmup = Annotated[
    float | None,
    _option("--warmup", "--warmup-ratio", panel=TRAINING, text="Share of updates in which the learning rate rises."),
]
WeightDecay = Annotated[
    float | None, _option("--weight-decay", panel=TRAINING, text="AdamW's; biases and norms have none.")
]
MaxGradNorm = Annotated[
    float | None, _option("--max-grad-norm", panel=TRAINING, text="Gradients are clipped to this norm.")
]
MaxLength = Annotated[
    int | None,
    _option("--max-length", "--max-seq-length", panel=TRAINING, text="Tokens a model sees at once."),
]
DocStride = Annotated[
    int | None,
    _option("--doc-stride", panel=TRAINING, text="QA: tokens that two windows share (the overlap)."),
]
MaxAnswerLength = Annotated[
    int | None, _option("--max-answer-length", panel=TRAINING, text="QA: tokens of an answer at most.")
]
NullThreshold = Annotated[
    float | None,
    _option("--null-threshold", panel=TRAINING, text="QA: 'no answer' if it beats the best span by more logits."),
]
EvalEvery = Annotated[int | None, _option("--eval-every", panel=TRAINING, text="Updates between scorings on the way.")]
Seed = Annotated[int, _option("--seed", panel=TRAINING, text="Random seed.")]
Seeds = Annotated[int, _option("--seeds", panel=TRAINING, text="Runs, with seeds counting up from --seed.")]

DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"], _option("--device", panel=HOW, text="Where to compute.")
]
PrecisionOption = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    _option("--precision", panel=HOW, text="Of training; auto is bf16 where the hardware has it. Scoring is fp32."),
]
LayoutOption = Annotated[
    Literal["auto", "unpadded", "bucketed", "padded"],
    _option(
        "--layout",
        panel=HOW,
        text="Of batches: real tokens only; like lengths together; or padded. auto: unpadded on a CPU if it can be.",
    ),
]
FastDropout = Annotated[
    bool,
    _option(
        "--fast-dropout/--torch-dropout", panel=HOW, text="Dropout on a CPU by bertkit's generator, or by torch's."
    ),
]
Processes = Annotated[
    int,
    _option(
        "--processes",
        panel=HOW,
        text="Processes that share each batch; on several hosts, under torchrun on each, as many as it starts in all.",
        callback=agreed,
    ),
]

MaxMemory = Annotated[
    str | None,
    _option(
        "--max-memory",
        panel=HOW,
        text="What a process may take in training, such as 4GB: batches are cut until they fit.",
    ),
]

SaveEvery = Annotated[
    int | None,
    _option(
        "--save-every",
        "--save-steps",
        panel=OUT,
        text="Updates between two checkpoints. [default: by time, about every two minutes]",
    ),
]


KeepBest = Annotated[
    bool,
    _option("--keep-best", panel=OUT, text="Keep the model that scored best on the way too (with --eval-every)."),
]


def _offline(asked: bool) -> bool:
    """What Hugging Face's libraries look at, in this process and in those it starts."""
    if asked:
        os.environ["HF_HUB_OFFLINE"] = "1"
    return asked


Offline = Annotated[
    bool,
    _option("--offline", panel=HOW, text="Open no connection; use what is on this machine.", callback=_offline),
]
Out = Annotated[
    Path, _option("--out", "-o", "--output-dir", panel=OUT, text="Folder below which each run gets its own.")
]
Force = Annotated[bool, _option("--force", panel=OUT, text="Do runs anew; what was there is kept.")]
Json = Annotated[bool, _option("--json", panel=OUT, text="JSON on stdout.")]
Quiet = Annotated[bool, _option("--quiet", "-q", panel=OUT, text="No progress.")]
