"""Sentiment: is a sentence positive or negative?"""

from bertkit.heads import Classification
from bertkit.task import Evaluation, Recipe, Task

from .glue import glue_source

SST2 = Task(
    name="sst2",
    about="a movie review's phrase -> negative, positive (Socher et al. 2013)",
    head=Classification(labels=("negative", "positive")),
    source=glue_source(
        config="sst2",
        folder="SST-2",
        columns={"text": ("sentence",), "label": ("label",)},
        labels={"0": "negative", "1": "positive"},
        rows={"train": 67_349, "dev": 872, "test": 1_821},
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy",), human={"accuracy": 0.978}),),
    recipe=Recipe(epochs=3, learning_rate=3e-5),
)
