"""Every flag of a run, written once: its name, type, default, help text, and the commands that have it.

Another flag is one entry of `Flags` (with its field of Spec, Recipe or Window), or of `RunFlags`
if the result does not depend on it. Light: flags are checked before torch loads.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, get_type_hints

from bertkit.encoders import DEFAULT
from bertkit.request.kit_flags import KitFlags
from bertkit.request.option import COMPUTE, DATA, KIT, OUTPUT, TRAINING, Option, offline
from bertkit.request.training_flags import (
    BatchSizeFlag,
    DeviceFlag,
    EvalEveryFlag,
    FastDropoutFlag,
    GradientAccumulationFlag,
    LearningRateFlag,
    MaxGradNormFlag,
    PrecisionFlag,
    ProcessesFlag,
    SeedFlag,
    WarmupFlag,
    WeightDecayFlag,
)
from bertkit.request.window_flags import WindowFlags
from bertkit.spec import Layout, OnBadRow
from bertkit.task import Ordering

RevisionFlag = Annotated[str | None, Option("--revision", DATA, "Branch, tag or commit of the model on the Hub.")]
OfflineFlag = Annotated[
    bool, Option("--offline", COMPUTE, "Use files on this machine; open no connection.", callback=offline)
]
DryRunFlag = Annotated[
    bool,
    Option("--dry-run", OUTPUT, "Print what it would cost (updates, memory, disk, time), from a few timed updates."),
]
SeedsFlag = Annotated[int, Option("--seeds", TRAINING, "Number of runs, with seeds counting up from --seed.")]


@dataclass(frozen=True, kw_only=True)
class Flags(KitFlags, WindowFlags):
    """The flags that decide a run's result, as given; None is the task's default.

    A flag is written here only: `bertkit finetune`, `eval` and `compare` take theirs from this class.
    """

    model: Annotated[
        str | None,
        Option(
            "--model -m",
            DATA,
            f"A Hub id, a folder, or 'sample'. [default: {DEFAULT}; eval clue: google-bert/bert-base-chinese]",
            only="finetune eval compare check",
        ),
    ] = None
    revision: RevisionFlag = None
    scratch: Annotated[
        bool,
        Option(
            "--scratch",
            DATA,
            "Start from random weights in the model's architecture, not from pretrained ones.",
            only="finetune eval",
            training=True,
        ),
    ] = False
    keep_head: Annotated[
        bool,
        Option(
            "--keep-head",
            DATA,
            "Train a fine-tuned checkpoint's own head further; its labels are matched by name.",
            only="finetune",
            training=True,
        ),
    ] = False
    label_map: Annotated[
        str | None,
        Option(
            "--label-map",
            DATA,
            "The task's label for each of a checkpoint's: LABEL_0=negative,LABEL_1=positive.",
            only="finetune eval",
        ),
    ] = None
    data: Annotated[
        str | None,
        Option(
            "--data",
            DATA,
            "Folder with the data set's official files. [default: the Hub]",
            only="finetune eval compare check",
        ),
    ] = None
    sample: Annotated[
        bool,
        Option(
            "--sample",
            DATA,
            "Use the shipped sample rows and encoder: no benchmark scores.",
            only="finetune eval compare check",
        ),
    ] = False
    limit: Annotated[
        int | None, Option("--limit", DATA, "Use the first N rows of each split.", only="finetune eval compare check")
    ] = None
    train_share: Annotated[
        float | None,
        Option(
            "--train-share",
            DATA,
            "Train on this share of the train rows, drawn from --seed, such as 0.05: every label in its proportion.",
            only="finetune",
            training=True,
        ),
    ] = None
    on_bad_row: Annotated[
        OnBadRow | None,
        Option(
            "--on-bad-row",
            DATA,
            "Stop at a row that cannot be read, or skip and count it (up to 5 %). [default: error; own files: skip]",
            only="finetune eval compare check",
        ),
    ] = None

    epochs: Annotated[
        float | None, Option("--epochs --num-train-epochs", TRAINING, "Passes over the train rows.", training=True)
    ] = None
    max_steps: Annotated[
        int | None, Option("--max-steps", TRAINING, "Optimizer steps, in place of --epochs.", training=True)
    ] = None
    budget: Annotated[
        str | None,
        Option(
            "--budget",
            TRAINING,
            "Time of the whole run (90s, 20m, 2h), in place of --epochs: with loading, evaluations and saving. At most "
            "10 times the recipe's epochs.",
            only="finetune",
            training=True,
        ),
    ] = None
    batch_size: BatchSizeFlag = None
    per_device_train_batch_size: Annotated[
        int | None,
        Option(
            "--per-device-train-batch-size",
            TRAINING,
            "Rows per batch and process, in place of --batch-size.",
            training=True,
            hidden=True,
        ),
    ] = None
    batch_tokens: Annotated[
        int | None,
        Option(
            "--batch-tokens",
            TRAINING,
            "Maximum tokens per batch, in place of --batch-size. The loss still weighs rows (words) equally.",
            only="finetune",
        ),
    ] = None
    order: Annotated[
        Ordering | None,
        Option(
            "--order",
            TRAINING,
            "Shuffle rows, or also group them by length. [default: length if bucketed, else random]",
            training=True,
        ),
    ] = None
    gradient_accumulation: GradientAccumulationFlag = None
    learning_rate: LearningRateFlag = None
    warmup: WarmupFlag = None
    weight_decay: WeightDecayFlag = None
    max_grad_norm: MaxGradNormFlag = None
    eval_every: EvalEveryFlag = None
    seed: SeedFlag = 42

    device: DeviceFlag = "auto"
    precision: PrecisionFlag = "auto"
    layout: Annotated[
        Layout,
        Option(
            "--layout",
            COMPUTE,
            "Batch layout: no padding, rows of similar length padded, or any rows padded; auto is unpadded on a CPU "
            "if the model supports it, else bucketed.",
        ),
    ] = "auto"
    fast_dropout: FastDropoutFlag = True
    processes: ProcessesFlag = 1


@dataclass(frozen=True, kw_only=True)
class RunFlags:
    """The flags of how a run is carried out, which do not decide its result; `bertkit resume` takes them too."""

    max_memory: Annotated[
        str | None,
        Option(
            "--max-memory",
            COMPUTE,
            "Memory limit of each process in training, such as 4GB; batches are split until they fit.",
            training=True,
        ),
    ] = None
    offline: OfflineFlag = False
    save_every: Annotated[
        int | None,
        Option(
            "--save-every --save-steps",
            OUTPUT,
            "Steps between checkpoints. [default: by time, about every two minutes]",
            training=True,
        ),
    ] = None
    keep_best: Annotated[
        bool,
        Option(
            "--keep-best",
            OUTPUT,
            "Also keep the model that scored best on dev (with --eval-every): optimistic, as dev selects it; "
            "--select best is not.",
            only="finetune resume",
        ),
    ] = False
    keep_adapter: Annotated[
        bool,
        Option(
            "--keep-adapter",
            KIT,
            "With --lora: also save the adapter, in peft's layout.",
            only="finetune resume",
        ),
    ] = False
    floor: Annotated[
        bool,
        Option(
            "--floor/--no-floor",
            OUTPUT,
            "Score simple models on the same rows too: the commonest answer, and one that learns from words.",
            only="finetune eval compare resume",
            training=True,
        ),
    ] = True
    out: Annotated[
        Path,
        Option(
            "--out -o --output-dir",
            OUTPUT,
            "Folder in which each run gets its own.",
            only="finetune eval compare pretrain",
        ),
    ] = Path("runs")
    force: Annotated[
        bool,
        Option(
            "--force",
            OUTPUT,
            "Run again even if finished; the old folder gets another name.",
            only="finetune eval compare pretrain",
        ),
    ] = False


def names_typed(*groups: Flags | RunFlags, training: bool = False) -> list[str]:
    """The names of the flags whose values are not the defaults; with `training`, only of flags of training."""
    found = []
    for group in groups:
        hints = get_type_hints(type(group), include_extras=True)
        for field in fields(group):
            (option,) = hints[field.name].__metadata__
            if getattr(group, field.name) != field.default and (option.training or not training):
                found.append(option.name)
    return found
