"""GLUE (Wang et al. 2019): the suite of nine tasks, and the source that its tasks share."""

from collections.abc import Mapping

from bertkit.sources import HubRows, Source
from bertkit.task import Average, Column, Published, Suite


def _dev(task: str, *metrics: str) -> Column:
    return Column(task=task, metrics=tuple(("dev", metric) for metric in metrics))


MATCHED, MISMATCHED = ("matched", "accuracy"), ("mismatched", "accuracy")
BOTH_SETS = Column(task="mnli", metrics=(MATCHED, MISMATCHED))
ACCURACIES = (_dev("sst2", "accuracy"), _dev("qnli", "accuracy"), _dev("rte", "accuracy"))

OFFICIAL = Average(
    name="official",
    about="nine tasks, each the mean of all its metrics; MNLI of both sets (Wang et al. 2019)",
    columns=(
        *(_dev("cola", "matthews"), _dev("mrpc", "f1", "accuracy"), _dev("stsb", "pearson", "spearman")),
        *(_dev("qqp", "f1", "accuracy"), BOTH_SETS, *ACCURACIES, _dev("wnli", "accuracy")),
    ),
)
BERT = Average(
    name="bert",
    about="without WNLI; both sets of MNLI count by themselves; F1 of QQP and MRPC, Spearman of STS-B (Devlin et al. "
    "2019, table 1)",
    columns=(
        *(Column(task="mnli", metrics=(MATCHED,)), Column(task="mnli", metrics=(MISMATCHED,)), _dev("qqp", "f1")),
        *(*ACCURACIES, _dev("cola", "matthews"), _dev("stsb", "spearman"), _dev("mrpc", "f1")),
    ),
)
MODERNBERT = Average(
    name="modernbert",
    about="without WNLI; matched MNLI, accuracy of QQP and MRPC, Spearman of STS-B (Portes et al. 2023; Warner et al. "
    "2024, table 5)",
    columns=(
        *(Column(task="mnli", metrics=(MATCHED,)), _dev("qqp", "accuracy"), *ACCURACIES, _dev("cola", "matthews")),
        *(_dev("stsb", "spearman"), _dev("mrpc", "accuracy")),
    ),
)
DISTILBERT = Average(
    name="distilbert",
    about="nine tasks, one number each: matched MNLI, accuracy of QQP, the mean of both metrics of MRPC and of STS-B "
    "(after Sanh et al. 2019, whose table does not name its metrics)",
    columns=(
        *(_dev("cola", "matthews"), Column(task="mnli", metrics=(MATCHED,)), _dev("mrpc", "f1", "accuracy")),
        *(_dev("qqp", "accuracy"), *ACCURACIES, _dev("stsb", "pearson", "spearman"), _dev("wnli", "accuracy")),
    ),
)

SMALL = "test server, github.com/google-research/bert (Turc et al. 2019)"
MT_DNN = "leaderboard of 25 February 2019, in Liu et al. 2019 (MT-DNN), table 2"


def _published(name: str, source: str, *percent: float) -> Published:
    """A row of the leaderboard, in the official average's order: CoLA, MRPC, STS-B, QQP (two numbers each), MNLI (two),
    SST-2, QNLI, RTE, WNLI."""
    keys = [(column.task, *key) for column in OFFICIAL.columns for key in column.metrics]
    scores = {key: value / 100 for key, value in zip(keys, percent, strict=True)}
    return Published(name=name, source=source, scores=scores)


PUBLISHED = (
    _published("BERT-tiny", SMALL, 0.0, 81.1, 71.1, 74.3, 73.6, 62.2, 83.4, 70.2, 70.3, 83.2, 81.5, 57.2, 62.3),
    _published("BERT-mini", SMALL, 0.0, 81.1, 71.8, 75.4, 73.3, 66.4, 86.2, 74.8, 74.3, 85.9, 84.1, 57.9, 62.3),
    _published("BERT-small", SMALL, 27.8, 83.4, 76.2, 78.8, 77.0, 68.1, 87.0, 77.6, 77.0, 89.7, 86.4, 61.8, 62.3),
    _published("BERT-medium", SMALL, 38.0, 86.6, 81.6, 80.4, 78.4, 69.6, 87.9, 80.0, 79.1, 89.6, 87.7, 62.2, 62.3),
    _published("BERT-large", MT_DNN, 60.5, 89.3, 85.4, 87.6, 86.5, 72.1, 89.3, 86.7, 85.9, 94.9, 92.7, 70.1, 65.1),
    _published("MT-DNN", MT_DNN, 62.5, 91.1, 88.2, 89.5, 88.8, 72.7, 89.6, 86.7, 86.0, 95.6, 93.1, 81.4, 65.1),
)

GLUE = Suite(
    name="glue",
    members=("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"),
    about="nine sentence and sentence-pair tasks; the mean over tasks of the mean over their metrics",
    human=0.871,  # Nangia and Bowman 2019, as in MT-DNN (Liu et al. 2019), table 2
    averages=(OFFICIAL, BERT, MODERNBERT, DISTILBERT),
    published=PUBLISHED,
)


def glue_source(
    config: str,
    folder: str,
    columns: Mapping[str, tuple[str, ...]],
    labels: dict[str, str],
    rows: dict[str, int],
    header: Mapping[str, tuple[str, ...]] | None = None,
    drops_broken: bool = False,
) -> Source:
    """A GLUE task with one dev set: `train.tsv` and `dev.tsv` in its folder, or nyu-mll/glue."""
    return Source(
        hub=HubRows(id="nyu-mll/glue", config=config, splits={"train": "train", "dev": "validation", "test": "test"}),
        folders=(folder, config),
        files={"train": ("train.tsv",), "dev": ("dev.tsv",), "test": ("test.tsv",)},
        stems={"train": ("train",), "dev": ("dev", "validation"), "test": ("test",)},
        columns=columns,
        header=header or {},
        labels=labels,
        drops_broken=drops_broken,
        rows=rows,
    )
