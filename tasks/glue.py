"""GLUE (Wang et al. 2019): the suite of nine tasks, and the source that its tasks share."""

from collections.abc import Mapping

from bertkit.sources import HubRows, Source
from bertkit.task import Average, Column, Suite


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

GLUE = Suite(
    name="glue",
    members=("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"),
    about="nine sentence and sentence-pair tasks; the mean over tasks of the mean over their metrics",
    human=0.871,  # Nangia and Bowman 2019, as in MT-DNN (Liu et al. 2019), table 2
    averages=(OFFICIAL, BERT, MODERNBERT, DISTILBERT),
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
