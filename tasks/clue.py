"""CLUE, the Chinese Language Understanding Evaluation (Xu et al. 2020): the suite of ten tasks, and its averages."""

from bertkit.task import Average, Column, Published, Suite

MEMBERS = ("afqmc", "tnews", "iflytek", "ocnli", "cmnli", "cluewsc", "csl", "cmrc", "chid", "c3")
EXACT = "squad_chars_em"
"""By which CMRC 2018 counts: "where there are F1 and EM, EM is taken" (github.com/CLUEbenchmark/CLUE, README)."""


def _columns(*tasks: str) -> tuple[Column, ...]:
    return tuple(
        Column(task=task, metrics=(("dev", EXACT if task == "cmrc" else "accuracy"),))
        for task in MEMBERS
        if task in tasks
    )


CLASSIFIED = ("afqmc", "tnews", "iflytek", "cmnli", "cluewsc", "csl")
READ = ("cmrc", "chid", "c3")
AVERAGES = (
    Average(
        name="official",
        about="nine tasks, accuracy and of CMRC 2018 EM; OCNLI stands in CMNLI's place (Xu et al. 2020; "
        "github.com/CLUEbenchmark/CLUE, README)",
        columns=_columns(*(task for task in MEMBERS if task != "cmnli")),
    ),
    Average(
        name="classification",
        about="six tasks, accuracy: the first of two scores of version 1 (github.com/CLUEbenchmark/CLUE, README)",
        columns=_columns(*CLASSIFIED),
    ),
    Average(
        name="reading",
        about="CMRC 2018's EM, accuracy of ChID and C3: the second score of version 1",
        columns=_columns(*READ),
    ),
    Average(
        name="ten",
        about="all ten tasks, of CMRC 2018 EM (github.com/CLUEbenchmark/CLUE, baselines/paddlenlp/README.md)",
        columns=_columns(*MEMBERS),
    ),
)

README = "test server, github.com/CLUEbenchmark/CLUE, README, version 1"


def _published(name: str, *percent: float) -> Published:
    """A row of both tables of version 1: AFQMC, TNEWS, IFLYTEK, CMNLI, CLUEWSC 2020, CSL; CMRC 2018, ChID, C3."""
    keys = [(column.task, *column.metrics[0]) for column in (*_columns(*CLASSIFIED), *_columns(*READ))]
    scores = {key: value / 100 for key, value in zip(keys, percent, strict=True)}
    return Published(name=name, source=README, scores=scores)


PUBLISHED = (
    _published("ALBERT-tiny", 69.92, 53.35, 48.71, 70.61, 58.5, 74.56, 53.35, 43.53, 50.26),
    _published("BERT-base", 73.70, 56.58, 60.29, 79.69, 62.0, 80.36, 71.60, 82.04, 64.50),
    _published("ERNIE-base", 73.83, 58.33, 58.96, 80.29, 60.8, 79.1, 74.7, 82.28, 64.10),
    _published("ALBERT-xxlarge", 75.6, 59.46, 62.89, 83.14, 61.54, 83.63, 75.15, 83.15, 73.28),
    _published("RoBERTa-wwm-large", 76.55, 58.61, 62.98, 82.12, 74.6, 82.13, 77.95, 85.37, 73.82),
)

CLUE = Suite(
    name="clue",
    members=MEMBERS,
    about="ten Chinese tasks of classification, inference, coreference and reading; the mean over nine of them",
    human=None,  # of some tasks only was one found
    averages=AVERAGES,
    published=PUBLISHED,
    model="google-bert/bert-base-chinese",
)
