"""Flags that fine-tuning and pretraining share, each written once."""

from __future__ import annotations

from typing import Annotated

from bertkit.request.option import COMPUTE, TRAINING, Option, launched
from bertkit.spec import Device, Precision

DeviceFlag = Annotated[Device, Option("--device", COMPUTE, "Device to compute on.")]
BatchSizeFlag = Annotated[
    int | None,
    Option(
        "--batch-size -b",
        TRAINING,
        "Rows per batch over all processes. For each process: --per-device-train-batch-size.",
        training=True,
    ),
]
GradientAccumulationFlag = Annotated[
    int | None,
    Option(
        "--gradient-accumulation --gradient-accumulation-steps",
        TRAINING,
        "Batches per optimizer step.",
        only="finetune pretrain",
    ),
]
LearningRateFlag = Annotated[
    float | None, Option("--learning-rate --lr", TRAINING, "Peak learning rate of AdamW.", training=True)
]
WarmupFlag = Annotated[
    float | None,
    Option(
        "--warmup --warmup-ratio",
        TRAINING,
        "Share of the steps in which the learning rate rises to its peak.",
        only="finetune pretrain",
    ),
]
WeightDecayFlag = Annotated[
    float | None,
    Option("--weight-decay", TRAINING, "Of AdamW; none on biases and layer norms.", only="finetune pretrain"),
]
MaxGradNormFlag = Annotated[
    float | None, Option("--max-grad-norm", TRAINING, "Clip the gradient to this L2 norm.", only="finetune pretrain")
]
EvalEveryFlag = Annotated[
    int | None,
    Option("--eval-every", TRAINING, "Steps between evaluations in training.", only="finetune compare pretrain"),
]
SeedFlag = Annotated[int, Option("--seed", TRAINING, "Random seed.")]
PrecisionFlag = Annotated[
    Precision,
    Option(
        "--precision",
        COMPUTE,
        "Training precision; auto is bf16 where the hardware supports it. Scoring is in fp32.",
        training=True,
    ),
]
FastDropoutFlag = Annotated[
    bool,
    Option(
        "--fast-dropout/--torch-dropout",
        COMPUTE,
        "Dropout on a CPU by bertkit's generator, or by PyTorch's.",
        only="finetune pretrain",
    ),
]
ProcessesFlag = Annotated[
    int,
    Option(
        "--processes",
        COMPUTE,
        "Data-parallel processes, which share each batch; under torchrun, the total over all hosts.",
        training=True,
        callback=launched,
    ),
]
