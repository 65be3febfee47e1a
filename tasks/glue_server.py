"""What GLUE's server wants: eleven files, an answer a test row (github.com/nyu-mll/jiant-v1-legacy, evaluate.py)."""

from dataclasses import replace

from bertkit.sources import HubRows, Source
from bertkit.task import Sheet

from .glue import GLUE as SUITE
from .nli import AX, MNLI_COLUMNS, MNLI_LABELS

MNLI_TEST = Source(
    hub=HubRows(
        id="nyu-mll/glue",
        config="mnli",
        splits={"test_matched": "test_matched", "test_mismatched": "test_mismatched"},
    ),
    folders=("MNLI", "mnli"),
    files={"test_matched": ("test_matched.tsv",), "test_mismatched": ("test_mismatched.tsv",)},
    stems={"test_matched": ("test_matched",), "test_mismatched": ("test_mismatched",)},
    columns=MNLI_COLUMNS,
    labels=MNLI_LABELS,
)
THREE_WAY = {name: name for name in ("entailment", "neutral", "contradiction")}
TWO_WAY = {name: name for name in ("entailment", "not_entailment")}


def _sheet(file: str, task: str, rows: int, *labels: str) -> Sheet:
    """A file of the task's test split, whose labels are written as their number."""
    return Sheet(file=file, task=task, split="test", rows=rows, spelt={name: str(k) for k, name in enumerate(labels)})


SHEETS = (
    _sheet("CoLA.tsv", "cola", 1_063, "unacceptable", "acceptable"),
    _sheet("SST-2.tsv", "sst2", 1_821, "negative", "positive"),
    _sheet("MRPC.tsv", "mrpc", 1_725, "not_equivalent", "equivalent"),
    Sheet(file="STS-B.tsv", task="stsb", split="test", rows=1_379, bounds=(0.0, 5.0)),
    _sheet("QQP.tsv", "qqp", 390_965, "not_duplicate", "duplicate"),
    Sheet(file="MNLI-m.tsv", task="mnli", split="test_matched", rows=9_796, spelt=THREE_WAY, source=MNLI_TEST),
    Sheet(file="MNLI-mm.tsv", task="mnli", split="test_mismatched", rows=9_847, spelt=THREE_WAY, source=MNLI_TEST),
    Sheet(file="QNLI.tsv", task="qnli", split="test", rows=5_463, spelt=TWO_WAY),
    Sheet(file="RTE.tsv", task="rte", split="test", rows=3_000, spelt=TWO_WAY),
    _sheet("WNLI.tsv", "wnli", 146, "not_entailment", "entailment"),
    Sheet(file="AX.tsv", task="mnli", split="ax", rows=1_104, spelt=THREE_WAY, source=AX),
)
"""In the order of the server's own list; AX is answered by the model of MNLI, and does not count."""
GLUE = replace(SUITE, sheets=SHEETS)
