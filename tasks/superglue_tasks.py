"""SuperGLUE's tasks (Wang et al. 2019), but for COPA: the official JSON Lines, or aps/super_glue.

Human scores are those of Wang et al. 2019, table 3.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bertkit.heads import AnswerSelection, Classification, Window
from bertkit.sources import HubRows, Mark, Nested, Source
from bertkit.task import Evaluation, Recipe, Task

IDS = {"id": ("idx",)}
LABEL = {"label": ("label",)}
TRUTH = ("false", "true")
NUMBERED = {"0": "false", "1": "true"}
PASSAGES = Recipe(epochs=3, learning_rate=2e-5, batch_size=16, window=Window(max_length=384))


def superglue_source(
    config: str, folder: str, columns: Mapping[str, tuple[str, ...]], rows: Mapping[str, int], **more: Any
) -> Source:
    """A SuperGLUE task: `train.jsonl`, `val.jsonl` and `test.jsonl` in its folder, or aps/super_glue."""
    return Source(
        hub=HubRows(id="aps/super_glue", config=config, splits={"train": "train", "dev": "validation", "test": "test"}),
        folders=(folder, config),
        files={"train": ("train.jsonl",), "dev": ("val.jsonl",), "test": ("test.jsonl",)},
        stems={"train": ("train",), "dev": ("val", "dev", "validation"), "test": ("test",)},
        columns={**IDS, **columns},
        rows=rows,
        **more,
    )


def dev(*metrics: str, **human: float) -> tuple[Evaluation, ...]:
    """The dev set, scored."""
    return (Evaluation(name="dev", split="dev", metrics=metrics, human=human),)


BOOLQ = Task(
    name="boolq",
    about="a yes/no question, a passage -> false, true (Clark et al. 2019)",
    head=Classification(labels=TRUTH, pair=True),
    source=superglue_source(
        config="boolq",
        folder="BoolQ",
        columns={"text": ("question",), "text_pair": ("passage",), **LABEL},
        labels=NUMBERED,
        rows={"train": 9_427, "dev": 3_270, "test": 3_245},
    ),
    evaluations=dev("accuracy", accuracy=0.890),
    recipe=Recipe(epochs=3, learning_rate=2e-5, batch_size=16, window=Window(max_length=256)),
)

CB = Task(
    name="cb",
    about="a text, a clause of it -> is the writer committed to it? entailment, contradiction, neutral "
    "(CommitmentBank, de Marneffe et al. 2019)",
    head=Classification(labels=("entailment", "contradiction", "neutral"), pair=True),
    source=superglue_source(
        config="cb",
        folder="CB",
        columns={"text": ("premise",), "text_pair": ("hypothesis",), **LABEL},
        labels={"0": "entailment", "1": "contradiction", "2": "neutral"},
        rows={"train": 250, "dev": 56, "test": 250},
    ),
    evaluations=dev("f1_macro", "accuracy", f1_macro=0.958, accuracy=0.989),
    recipe=Recipe(epochs=15, learning_rate=3e-5, batch_size=16, window=Window(max_length=256)),
)

MULTIRC = Task(
    name="multirc",
    about="a passage, a question, answers -> which of them are right (Khashabi et al. 2018)",
    head=AnswerSelection(),
    source=superglue_source(
        config="multirc",
        folder="MultiRC",
        columns={
            "id": ("passage.questions.idx", "idx.question"),
            "group": ("idx", "idx.paragraph"),
            "text": ("passage.text", "paragraph"),
            "question": ("passage.questions.question", "question"),
            "candidates": ("passage.questions.answers.text", "answer"),
            "answers": ("passage.questions.answers.label", "label"),
        },
        nested=Nested(each=("passage.questions",), joined=("idx.paragraph", "idx.question"), lists=("answer", "label")),
        rows={"train": 5_131, "dev": 953, "test": 1_820},
    ),
    evaluations=dev("f1a", "all_answers", f1a=0.818, all_answers=0.519),
    recipe=PASSAGES,
)

RECORD = Task(
    name="record",
    about="a news text, a sentence with a gap -> the name that fills it, of those in the text (Zhang et al. 2018)",
    head=AnswerSelection(one=True, placeholder="@placeholder"),
    source=superglue_source(
        config="record",
        folder="ReCoRD",
        columns={
            "id": ("qas.idx", "idx.query"),
            "group": ("idx", "idx.passage"),
            "text": ("passage.text", "passage"),
            "question": ("qas.query", "query"),
            "candidates": ("entities",),
            "answers": ("qas.answers.text", "answers"),
        },
        nested=Nested(
            each=("qas",), cut={"entities": ("passage.text", "passage.entities.start", "passage.entities.end")}
        ),
        rows={"train": 100_730, "dev": 10_000, "test": 10_000},
    ),
    evaluations=dev("squad_v1_f1", "squad_v1_em", squad_v1_f1=0.917, squad_v1_em=0.913),
    recipe=PASSAGES,
)

SUPERGLUE_RTE = Task(
    name="superglue_rte",
    about="text, hypothesis -> entailment, not_entailment: GLUE's rte in SuperGLUE's files (Dagan et al. 2006)",
    head=Classification(labels=("entailment", "not_entailment"), pair=True),
    source=superglue_source(
        config="rte",
        folder="RTE",
        columns={"text": ("premise", "sentence1"), "text_pair": ("hypothesis", "sentence2"), **LABEL},
        labels={"0": "entailment", "1": "not_entailment"},
        rows={"train": 2_490, "dev": 277, "test": 3_000},
    ),
    evaluations=dev("accuracy", accuracy=0.936),
    recipe=Recipe(epochs=6, learning_rate=3e-5),
)

WIC = Task(
    name="wic",
    about="two sentences, a word marked in both -> the same sense? false, true (Pilehvar and Camacho-Collados 2019)",
    head=Classification(labels=TRUTH, pair=True),
    source=superglue_source(
        config="wic",
        folder="WiC",
        columns={"text": ("sentence1",), "text_pair": ("sentence2",), **LABEL},
        labels=NUMBERED,
        # in quotation marks, as in GlossBERT's weak supervision (Huang et al. 2019)
        marks=tuple(
            Mark(text=f"sentence{k}", word="word", start=f"start{k}", end=f"end{k}", left='"', right='"') for k in "12"
        ),
        rows={"train": 5_428, "dev": 638, "test": 1_400},
    ),
    evaluations=dev("accuracy", accuracy=0.800),
    recipe=Recipe(epochs=4, learning_rate=2e-5),
)

NOUN_AND_PRONOUN = (
    Mark(text="text", word="span1_text", start="span1_index", left="_", right="_"),
    Mark(text="text", word="span2_text", start="span2_index", left="[", right="]"),
)
"""The words of a Winograd schema, marked as in RoBERTa's WSC (Liu et al. 2019; github.com/facebookresearch/fairseq,
examples/roberta/wsc) and in CLUE's own baseline (github.com/CLUEbenchmark/CLUE, processors/clue.py)."""

WSC = Task(
    name="wsc",
    about="a text, a noun phrase and a pronoun marked in it -> do they mean the same? false, true (Levesque et al. "
    "2012)",
    head=Classification(labels=TRUTH),
    source=superglue_source(
        config="wsc",
        folder="WSC",
        columns={"text": ("text",), **LABEL},
        labels=NUMBERED,
        nested=Nested(),
        marks=tuple(replace(mark, by_words=True) for mark in NOUN_AND_PRONOUN),
        rows={"train": 554, "dev": 104, "test": 146},
    ),
    evaluations=dev("accuracy", accuracy=1.0),
    recipe=Recipe(epochs=10, learning_rate=2e-5, batch_size=16),
)

SUPERGLUE_TASKS = (BOOLQ, CB, MULTIRC, RECORD, SUPERGLUE_RTE, WIC, WSC)
