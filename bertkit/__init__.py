"""bertkit: fine-tune BERT-like encoders from the command line, with scores you can believe.

From Python, `finetune`, `check`, `evaluate`, `compare`, `predict`, `pretrain`, `load`, `fill`, `generate`,
`corrupt`, `search`, `embryology`, `analyse`, `report`, `submit` and `zoo` do what the commands do; they are imported
when one is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertkit.api import (
        analyse,
        check,
        compare,
        corrupt,
        embryology,
        evaluate,
        fill,
        finetune,
        generate,
        load,
        predict,
        pretrain,
        report,
        search,
        submit,
        zoo,
    )

__version__ = "0.1.0"
__all__ = [
    "analyse",
    "check",
    "compare",
    "corrupt",
    "embryology",
    "evaluate",
    "fill",
    "finetune",
    "generate",
    "load",
    "predict",
    "pretrain",
    "report",
    "search",
    "submit",
    "zoo",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("bertkit.api"), name)
    if name == "errors":
        return import_module("bertkit.errors")
    other = {"eval": "; `bertkit eval` is bertkit.evaluate", "resume": "; the same call resumes a stopped run"}
    raise AttributeError(f"module 'bertkit' has no attribute '{name}'{other.get(name, '')}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "errors"])
