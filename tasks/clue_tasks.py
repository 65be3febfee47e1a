"""CLUE's tasks (Xu et al. 2020), but for CMRC 2018, C3 and ChID: the official JSON Lines, FewCLUE's, or clue/clue.

Human scores are those of github.com/CLUEbenchmark/FewCLUE, README, which takes them from Xu et al. 2020.
"""

from collections.abc import Mapping
from typing import Any

from bertkit.heads import Classification, Window
from bertkit.sources import HubRows, Nested, Source
from bertkit.task import Evaluation, Recipe, Task

from .nli import NO_CONSENSUS
from .superglue_tasks import NOUN_AND_PRONOUN, TRUTH

PAIR = {"text": ("sentence1",), "text_pair": ("sentence2",), "label": ("label",)}
ONE_TEXT = {"text": ("sentence",), "label": ("label",)}
THREE_WAY = ("entailment", "neutral", "contradiction")
TOPICS = dict(
    zip(
        ("100", "101", "102", "103", "104", "106", "107", "108", "109", "110", "112", "113", "114", "115", "116"),
        (
            *("story", "culture", "entertainment", "sports", "finance", "house", "car", "edu", "tech", "military"),
            *("travel", "world", "stock", "agriculture", "game"),
        ),
        strict=True,
    )
)
"""Of TNEWS, the files' numbers and the end of the files' names, news_story and so on."""


def clue_source(
    config: str, folders: tuple[str, ...], columns: Mapping[str, tuple[str, ...]], rows: Mapping[str, int], **more: Any
) -> Source:
    """A CLUE task: `train.json` and `dev.json` in its folder, FewCLUE's files, or clue/clue.

    The official test files have no labels.
    """
    files = {"train": ("train.json",), "dev": ("dev.json",), "test": ("test.json",)}
    return Source(
        hub=HubRows(id="clue/clue", config=config, splits={"train": "train", "dev": "validation", "test": "test"}),
        folders=(f"{config}_public", *folders),
        files={**files, **more.pop("files", {})},
        stems={"train": ("train", "train_few_all"), "dev": ("dev", "dev_few_all", "validation"), "test": ("test",)},
        columns={"id": ("id", "idx"), **columns},
        rows=rows,
        **more,
    )


def dev(**human: float) -> tuple[Evaluation, ...]:
    """The dev set, scored by its accuracy."""
    return (Evaluation(name="dev", split="dev", metrics=("accuracy",), human=human),)


AFQMC = Task(
    name="afqmc",
    about="two questions about a payment app, Chinese -> different, same (Ant Financial; Xu et al. 2020)",
    head=Classification(labels=("different", "same"), pair=True),
    source=clue_source(
        config="afqmc",
        folders=("afqmc", "AFQMC"),
        columns=PAIR,
        labels={"0": "different", "1": "same"},
        rows={"train": 34_334, "dev": 4_316, "test": 3_861},
    ),
    evaluations=dev(),
    recipe=Recipe(epochs=3, learning_rate=3e-5),
)

TNEWS = Task(
    name="tnews",
    about="a headline, Chinese -> one of 15 topics (Toutiao; Xu et al. 2020)",
    head=Classification(labels=tuple(TOPICS.values())),
    source=clue_source(
        config="tnews",
        folders=("tnews", "TNEWS", "tnews_fewclue"),
        columns=ONE_TEXT,
        labels={**TOPICS, **{f"news_{name}": name for name in TOPICS.values()}},
        rows={"train": 53_360, "dev": 10_000, "test": 10_000},
    ),
    evaluations=dev(accuracy=0.71),
    recipe=Recipe(epochs=3, learning_rate=3e-5),
)

IFLYTEK = Task(
    name="iflytek",
    about="what an app says of itself, Chinese -> one of 119 kinds, by number (Xu et al. 2020)",
    head=Classification(labels=tuple(map(str, range(119)))),
    source=clue_source(
        config="iflytek",
        folders=("iflytek", "IFLYTEK"),
        columns=ONE_TEXT,
        rows={"train": 12_133, "dev": 2_599, "test": 2_600},
    ),
    evaluations=dev(accuracy=0.66),
    recipe=Recipe(epochs=3, learning_rate=3e-5, window=Window(max_length=256)),
)

OCNLI = Task(
    name="ocnli",
    about="premise, hypothesis, Chinese -> entailment, neutral, contradiction (Hu et al. 2020)",
    head=Classification(labels=THREE_WAY, pair=True),
    source=clue_source(
        config="ocnli",
        folders=("ocnli", "OCNLI"),
        files={"train": ("train.50k.json", "train.json")},
        columns=PAIR,
        dropped=NO_CONSENSUS,
        rows={"train": 50_437, "dev": 2_950, "test": 3_000},
    ),
    evaluations=dev(accuracy=0.903),
    recipe=Recipe(epochs=3, learning_rate=3e-5),
)

CMNLI = Task(
    name="cmnli",
    about="premise, hypothesis, translated into Chinese -> entailment, neutral, contradiction (Xu et al. 2020)",
    head=Classification(labels=THREE_WAY, pair=True),
    source=clue_source(
        config="cmnli",
        folders=("cmnli", "CMNLI"),
        columns=PAIR,
        dropped=NO_CONSENSUS,
        rows={"train": 391_783, "dev": 12_241, "test": 13_880},
    ),
    evaluations=dev(),
    recipe=Recipe(epochs=3, learning_rate=3e-5),
)

CLUEWSC = Task(
    name="cluewsc",
    about="a text, a noun and a pronoun marked in it, Chinese -> do they mean the same? false, true (CLUEWSC 2020, Xu "
    "et al. 2020)",
    head=Classification(labels=TRUTH),
    source=clue_source(
        config="cluewsc2020",
        folders=("cluewsc2020", "cluewsc", "CLUEWSC2020"),
        columns={"text": ("text",), "label": ("label",)},
        nested=Nested(),
        marks=NOUN_AND_PRONOUN,
        rows={"train": 1_244, "dev": 304, "test": 2_574},
    ),
    evaluations=dev(accuracy=0.98),
    recipe=Recipe(epochs=10, learning_rate=3e-5, batch_size=16),
)

CSL = Task(
    name="csl",
    about="keywords, an abstract, Chinese -> is one of them made up? some_false, all_true (Xu et al. 2020)",
    head=Classification(labels=("some_false", "all_true"), pair=True),
    source=clue_source(
        config="csl",
        folders=("csl", "CSL"),
        columns={"text_pair": ("abst",), "label": ("label",)},
        joined={"text": ("keyword",)},
        labels={"0": "some_false", "1": "all_true"},
        rows={"train": 20_000, "dev": 3_000, "test": 3_000},
    ),
    evaluations=dev(accuracy=0.84),
    recipe=Recipe(epochs=4, learning_rate=3e-5, batch_size=16, window=Window(max_length=256)),
)

CLUE_TASKS = (AFQMC, TNEWS, IFLYTEK, OCNLI, CMNLI, CLUEWSC, CSL)
