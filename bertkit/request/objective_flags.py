"""Flags of objectives that pretraining and `bertkit corrupt` share, each written once. Light."""

from __future__ import annotations

from typing import Annotated

from bertkit.objectives.masked import Replacement, Unit
from bertkit.request.option import Option

OBJECTIVE = "Objective"
"""Their panel of --help."""

MlmProbabilityFlag = Annotated[
    float | None, Option("--mlm-probability", OBJECTIVE, "Share of the tokens that are predicted. [default: 0.15]")
]
MaskingUnitFlag = Annotated[
    Unit | None, Option("--masking", OBJECTIVE, "What is masked as a whole. [default: subword]")
]
MaskReplacementFlag = Annotated[
    Replacement | None,
    Option("--mask-replacement", OBJECTIVE, "What stands in their place: 80-10-10 is BERT's. [default: 80-10-10]"),
]
NoiseRatioFlag = Annotated[
    float | None,
    Option("--noise-ratio --ratio", OBJECTIVE, "Share of the tokens that noise affects. [default: the noise's own]"),
]
