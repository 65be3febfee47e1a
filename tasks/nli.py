"""Natural language inference: entailment, contradiction, stance."""

from bertkit.heads import Classification
from bertkit.sources import HubRows, Source
from bertkit.task import Evaluation, Recipe, Task

from .glue import glue_source

MNLI_COLUMNS = {
    "text": ("premise", "sentence1"),
    "text_pair": ("hypothesis", "sentence2"),
    "label": ("label", "gold_label"),
}
MNLI_LABELS = {"0": "entailment", "1": "neutral", "2": "contradiction", "contradictory": "contradiction"}
TWO_WAY = {"0": "entailment", "1": "not_entailment"}

AX = Source(
    hub=HubRows(id="nyu-mll/glue", config="ax", splits={"ax": "test"}),
    folders=("diagnostic", "AX", "MNLI", "mnli"),
    files={"ax": ("diagnostic.tsv",)},
    stems={"ax": ("ax", "diagnostic")},
    columns={"text": ("premise", "sentence1"), "text_pair": ("hypothesis", "sentence2")},
    rows={"ax": 1_104},
)

NO_CONSENSUS = dict.fromkeys(("-", "-1"), "no consensus label")
"""Bowman et al. 2015, section 2.2; Williams et al. 2018, section 2.2. -1 is SNLI's on the Hub (its dataset card)."""

MNLI = Task(
    name="mnli",
    about="premise, hypothesis -> entailment, neutral, contradiction (Williams et al. 2018)",
    head=Classification(labels=("entailment", "neutral", "contradiction"), pair=True),
    source=Source(
        hub=HubRows(
            id="nyu-mll/glue",
            config="mnli",
            splits={
                "train": "train",
                "dev_matched": "validation_matched",
                "dev_mismatched": "validation_mismatched",
            },
        ),
        folders=("MNLI", "mnli"),
        files={
            "train": ("train.tsv",),
            "dev_matched": ("dev_matched.tsv",),
            "dev_mismatched": ("dev_mismatched.tsv",),
        },
        stems={
            "train": ("train",),
            "dev_matched": ("dev_matched", "validation_matched"),
            "dev_mismatched": ("dev_mismatched", "validation_mismatched"),
        },
        columns=MNLI_COLUMNS,
        labels=MNLI_LABELS,
        dropped=NO_CONSENSUS,
        rows={"train": 392_702, "dev_matched": 9_815, "dev_mismatched": 9_832},
    ),
    evaluations=(
        Evaluation(name="matched", split="dev_matched", metrics=("accuracy",), human={"accuracy": 0.920}),
        Evaluation(name="mismatched", split="dev_mismatched", metrics=("accuracy",), human={"accuracy": 0.928}),
        Evaluation(name="ax", split="ax", source=AX, scored=False),
    ),
    recipe=Recipe(epochs=3, learning_rate=3e-5),
)

QNLI = Task(
    name="qnli",
    about="question, sentence -> entailment (it holds the answer), not_entailment (Wang et al. 2019)",
    head=Classification(labels=("entailment", "not_entailment"), pair=True),
    source=glue_source(
        config="qnli",
        folder="QNLI",
        columns={"text": ("question",), "text_pair": ("sentence",), "label": ("label",)},
        labels=TWO_WAY,
        rows={"train": 104_743, "dev": 5_463, "test": 5_463},
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy",), human={"accuracy": 0.912}),),
    recipe=Recipe(epochs=3, learning_rate=3e-5),
)

PAIR_COLUMNS = {"text": ("sentence1",), "text_pair": ("sentence2",), "label": ("label",)}

RTE = Task(
    name="rte",
    about="text, hypothesis -> entailment, not_entailment (Dagan et al. 2006 and later rounds)",
    head=Classification(labels=("entailment", "not_entailment"), pair=True),
    source=glue_source(
        config="rte",
        folder="RTE",
        columns=PAIR_COLUMNS,
        labels=TWO_WAY,
        rows={"train": 2_490, "dev": 277, "test": 3_000},
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy",), human={"accuracy": 0.936}),),
    recipe=Recipe(epochs=6, learning_rate=3e-5),
)

WNLI = Task(
    name="wnli",
    about="a sentence with a pronoun, a reading of it -> not_entailment, entailment (Levesque et al. 2012)",
    head=Classification(labels=("not_entailment", "entailment"), pair=True),
    source=glue_source(
        config="wnli",
        folder="WNLI",
        columns=PAIR_COLUMNS,
        labels={"0": "not_entailment", "1": "entailment"},
        rows={"train": 635, "dev": 71, "test": 146},
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy",), human={"accuracy": 0.959}),),
    recipe=Recipe(epochs=4, learning_rate=2e-5),
)

STANCE = Task(
    name="stance",
    about="claim, perspective -> SUPPORT, UNDERMINE (Perspectrum, Chen et al. 2019)",
    head=Classification(labels=("SUPPORT", "UNDERMINE"), pair=True),
    source=Source(
        folders=("perspectrum", "stance"),
        files={"train": ("train.tsv",), "dev": ("dev.tsv",)},
        stems={"train": ("train",), "dev": ("dev", "validation")},
        columns={"text": ("claim",), "text_pair": ("perspective",), "label": ("stance", "label")},
        rows={"train": 6_978, "dev": 2_071},
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("f1_macro", "accuracy")),),
    recipe=Recipe(epochs=4, learning_rate=3e-5),
)
