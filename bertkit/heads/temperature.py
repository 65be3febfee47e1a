"""The temperature of a trained model's probabilities, as its config holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEMPERATURE = "label_temperature"
"""The key in config.json, which transformers keeps and does not read (its `temperature` is that of generation)."""


def temperature_in(config: Mapping[str, Any]) -> float | None:
    """The temperature in a config's values; None if there is none, or none that logits can be divided by."""
    found = config.get(TEMPERATURE)
    return float(found) if isinstance(found, int | float) and 0 < found < float("inf") else None
