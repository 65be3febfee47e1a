"""SuperGLUE (Wang et al. 2019): the suite of eight tasks, published systems, and the files that its server wants.

The files are those of github.com/nyu-mll/jiant-v1-legacy, evaluate.py.
"""

from typing import Any

from bertkit.sources import HubRows, Source
from bertkit.task import Average, Column, Published, Sheet, Suite

from .superglue_tasks import IDS

METRICS = {
    "boolq": ("accuracy",),
    "cb": ("f1_macro", "accuracy"),
    "copa": ("accuracy",),
    "multirc": ("f1a", "all_answers"),
    "record": ("squad_v1_f1", "squad_v1_em"),
    "superglue_rte": ("accuracy",),
    "wic": ("accuracy",),
    "wsc": ("accuracy",),
}
"""The metrics of each task, in the order of the leaderboard."""

EIGHT = Average(
    name="official",
    about="eight tasks, each the mean of its metrics (Wang et al. 2019, section 3.3)",
    columns=tuple(
        Column(task=task, metrics=tuple(("dev", metric) for metric in metrics)) for task, metrics in METRICS.items()
    ),
)

BORT = "test server, github.com/alexa/bort, README (de Wynter and Perry 2020)"
PAPER = "test, Wang et al. 2019, table 3"
SPOT = "leaderboard of 9 February 2022, in Vu et al. 2022 (SPoT), table 5"


def _published(name: str, source: str, *percent: float) -> Published:
    """A row of the leaderboard, in its order: BoolQ, CB (two numbers), COPA, MultiRC, ReCoRD (two each), RTE, WiC,
    WSC."""
    keys = [(column.task, *key) for column in EIGHT.columns for key in column.metrics]
    return Published(
        name=name,
        source=source,
        scores={key: value / 100 for key, value in zip(keys, percent, strict=True)},
    )


PUBLISHED = (
    _published("most frequent", PAPER, 62.3, 21.7, 48.4, 50.0, 61.1, 0.3, 33.4, 32.5, 50.3, 50.0, 65.1),
    _published("CBoW", SPOT, 62.2, 49.0, 71.2, 51.6, 0.0, 0.5, 14.0, 13.6, 49.7, 53.1, 65.1),
    _published("BERT-large", BORT, 77.4, 75.7, 83.6, 70.6, 70.0, 24.1, 72.0, 71.3, 71.7, 69.6, 64.4),
    _published("BERT-large++", PAPER, 79.0, 84.7, 90.4, 73.8, 70.0, 24.1, 72.0, 71.3, 79.0, 69.5, 64.3),
    _published("T5-11B", SPOT, 91.2, 93.9, 96.8, 94.8, 88.1, 63.3, 94.1, 93.4, 92.5, 76.9, 93.8),
    _published("ERNIE 3.0", SPOT, 91.0, 98.6, 99.2, 97.4, 88.6, 63.2, 94.7, 94.2, 92.6, 77.4, 97.3),
    _published("ST-MoE-32B", SPOT, 92.4, 96.9, 98.0, 99.2, 89.6, 65.8, 95.1, 94.4, 93.5, 77.7, 96.6),
)

THREE_WAY = {name: name for name in ("entailment", "contradiction", "neutral")}
TWO_WAY = {name: name for name in ("not_entailment", "entailment")}
TRUTH = {name: name for name in ("false", "true")}


def _diagnostic(name: str) -> Source:
    """A diagnostic set, whose rows are only predicted."""
    return Source(
        hub=HubRows(id="aps/super_glue", config=name.lower().replace("-", ""), splits={"test": "test"}),
        folders=(name, name.lower().replace("-", "")),
        files={"test": (f"{name}.jsonl",)},
        stems={"test": (name,)},
        columns={**IDS, "text": ("premise", "sentence1"), "text_pair": ("hypothesis", "sentence2")},
        rows={"test": {"AX-b": 1_104, "AX-g": 356}[name]},
    )


def _sheet(name: str, task: str, rows: int, **more: Any) -> Sheet:
    """A file of the task's test split."""
    return Sheet(file=f"{name}.jsonl", task=task, split="test", rows=rows, **more)


SHEETS = (
    _sheet("BoolQ", "boolq", 3_245, spelt=TRUTH),
    _sheet("CB", "cb", 250, spelt=THREE_WAY),
    _sheet("COPA", "copa", 500, spelt={"0": 0, "1": 1}),
    _sheet("MultiRC", "multirc", 9_693, answers="several"),
    _sheet("ReCoRD", "record", 10_000, answers="text"),
    _sheet("RTE", "superglue_rte", 3_000, spelt=TWO_WAY),
    _sheet("WiC", "wic", 1_400, spelt=TRUTH),
    _sheet("WSC", "wsc", 146, spelt={"false": "False", "true": "True"}),
    _sheet("AX-b", "superglue_rte", 1_104, spelt=TWO_WAY, source=_diagnostic("AX-b")),
    _sheet("AX-g", "superglue_rte", 356, spelt=TWO_WAY, source=_diagnostic("AX-g")),
)
"""AX-b and AX-g are answered by the model of RTE, and do not count."""

SUPERGLUE = Suite(
    name="superglue",
    members=tuple(METRICS),
    about="eight tasks of reading, inference, word sense and coreference; the mean over tasks of the mean over their "
    "metrics",
    human=0.898,  # Wang et al. 2019, table 3
    averages=(EIGHT,),
    published=PUBLISHED,
    sheets=SHEETS,
)
