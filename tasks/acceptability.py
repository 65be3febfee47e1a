"""Linguistic acceptability: is a sentence grammatical?"""

from bertkit.heads import Classification
from bertkit.task import Evaluation, Recipe, Task

from .glue import glue_source

COLUMNS = ("source", "label", "mark", "sentence")
"""Of the official train and dev files, which have no header line; test has one."""

COLA = Task(
    name="cola",
    about="a sentence -> unacceptable, acceptable (Warstadt et al. 2019)",
    head=Classification(labels=("unacceptable", "acceptable")),
    source=glue_source(
        config="cola",
        folder="CoLA",
        header={"train": COLUMNS, "dev": COLUMNS},
        columns={"text": ("sentence",), "label": ("label",)},
        labels={"0": "unacceptable", "1": "acceptable"},
        rows={"train": 8_551, "dev": 1_043, "test": 1_063},
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("matthews",), human={"matthews": 0.664}),),
    recipe=Recipe(epochs=4, learning_rate=3e-5),
)
