"""GLUE (Wang et al. 2019): the suite of nine tasks, and the source that its tasks share."""

from collections.abc import Mapping

from bertkit.sources import HubRows, Source
from bertkit.task import Suite

GLUE = Suite(
    name="glue",
    members=("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"),
    about="nine sentence and sentence-pair tasks; the mean over tasks of the mean over their metrics",
    human=0.871,  # Nangia and Bowman 2019, as in MT-DNN (Liu et al. 2019), table 2
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
