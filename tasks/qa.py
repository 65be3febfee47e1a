"""Extractive question answering: SQuAD 1.1 and 2.0."""

from bertkit.heads import Span, Window
from bertkit.sources import Carve, HubRows, Source
from bertkit.task import Evaluation, Recipe, Task

COLUMNS = {"id": ("id",), "question": ("question",), "context": ("context",), "answers": ("answers",)}
COLUMNS["group"] = ("title",)
STEMS = {"train": ("train",), "dev": ("dev", "validation")}
WINDOW = Window(max_length=384, doc_stride=128)
SAMPLE_RECIPE = Recipe(epochs=8, batch_size=16, learning_rate=1e-4, window=WINDOW)

SQUAD = Task(
    name="squad",
    about="question, document -> the answer's span (SQuAD 1.1, Rajpurkar et al. 2016)",
    head=Span(),
    source=Source(
        hub=HubRows(id="rajpurkar/squad", splits={"train": "train", "dev": "validation"}),
        folders=("squad_v1.1", "squad", "SQuAD"),
        files={"train": ("train-v1.1.json",), "dev": ("dev-v1.1.json",)},
        stems=STEMS,
        columns=COLUMNS,
        rows={"train": 87_599, "dev": 10_570},
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("squad_v1_f1", "squad_v1_em")),),
    recipe=Recipe(epochs=2, learning_rate=3e-5, batch_size=16, window=WINDOW),
    sample_recipe=SAMPLE_RECIPE,
)

SQUAD_V2 = Task(
    name="squad_v2",
    about="question, document -> the answer's span, or that there is none (Rajpurkar et al. 2018)",
    head=Span(no_answer=True),
    source=Source(
        hub=HubRows(id="rajpurkar/squad_v2", splits={"train": "train", "dev": "validation"}),
        folders=("squad_v2.0", "squad_v2"),
        files={"train": ("train-v2.0.json",), "dev": ("dev-v2.0.json",)},
        stems=STEMS,
        columns=COLUMNS,
        rows={"train": 130_319, "dev": 11_873},
        carve=Carve(dev="dev", train=5, of=8),
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("squad_f1", "squad_em")),),
    recipe=Recipe(epochs=2, learning_rate=3e-5, batch_size=16, window=WINDOW),
    sample_recipe=SAMPLE_RECIPE,
)
