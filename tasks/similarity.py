"""Paraphrase and semantic similarity of two sentences."""

from bertkit.heads import Classification, Number
from bertkit.task import Evaluation, Recipe, Task

from .glue import glue_source

MRPC = Task(
    name="mrpc",
    about="two sentences of the news -> not_equivalent, equivalent (Dolan and Brockett 2005)",
    head=Classification(labels=("not_equivalent", "equivalent"), pair=True),
    source=glue_source(
        config="mrpc",
        folder="MRPC",
        columns={
            "text": ("sentence1", "#1 String"),
            "text_pair": ("sentence2", "#2 String"),
            "label": ("label", "Quality"),
        },
        labels={"0": "not_equivalent", "1": "equivalent"},
        rows={"train": 3_668, "dev": 408, "test": 1_725},
    ),
    evaluations=(
        Evaluation(name="dev", split="dev", metrics=("f1", "accuracy"), human={"f1": 0.863, "accuracy": 0.808}),
    ),
    recipe=Recipe(epochs=4, learning_rate=3e-5),
)

QQP = Task(
    name="qqp",
    about="two questions asked on Quora -> not_duplicate, duplicate (Iyer et al. 2017)",
    head=Classification(labels=("not_duplicate", "duplicate"), pair=True),
    source=glue_source(
        config="qqp",
        folder="QQP",
        columns={
            "text": ("question1",),
            "text_pair": ("question2",),
            "label": ("label", "is_duplicate"),
        },
        labels={"0": "not_duplicate", "1": "duplicate"},
        drops_broken=True,  # a few lines of the published train.tsv have other numbers of columns
        rows={"train": 363_846, "dev": 40_430, "test": 390_965},
    ),
    evaluations=(
        Evaluation(name="dev", split="dev", metrics=("f1", "accuracy"), human={"f1": 0.595, "accuracy": 0.804}),
    ),
    recipe=Recipe(epochs=3, learning_rate=3e-5),
)

STSB = Task(
    name="stsb",
    about="two sentences -> how alike they are in meaning, 0 to 5 (Cer et al. 2017)",
    head=Classification(labels=Number(low=0, high=5), pair=True),
    source=glue_source(
        config="stsb",
        folder="STS-B",
        columns={"text": ("sentence1",), "text_pair": ("sentence2",), "label": ("label", "score")},
        labels={},
        rows={"train": 5_749, "dev": 1_500, "test": 1_379},
    ),
    evaluations=(
        Evaluation(
            name="dev",
            split="dev",
            metrics=("pearson", "spearman"),
            human={"pearson": 0.927, "spearman": 0.926},
        ),
    ),
    recipe=Recipe(epochs=4, learning_rate=3e-5),
)
