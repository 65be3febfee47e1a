"""Sequences of symbols that are no language: DNA, for `bertkit compare token-maps` (Kao and Lee 2021).

Their files have no dev split: rows for scoring are held out of them, stratified, the same for every seed; equal
sequences stay on one side. A file is sorted by label, so that its first rows are of one label.
"""

from bertkit.heads import Classification, Window
from bertkit.sources import FileFormat, HoldOut, Source
from bertkit.task import Evaluation, Recipe, Task

LAYOUT = FileFormat(kind="csv", header=False, columns=("label", "id", "sequence"))
"""Of the UCI repository: `EI,  ATRINS-DONOR-521,  CCAGCTG...`."""
COLUMNS = {"text": ("sequence",), "label": ("label",)}
RECIPE = Recipe(epochs=20, batch_size=16, learning_rate=1e-4, window=Window(max_length=64))
"""Batches and epochs of the paper (8 rows twice, 20 epochs); its rate is 1e-5, for larger models and more tokens."""

SPLICE = Task(
    name="splice",
    about="60 bases of primate DNA -> EI, IE, N: donor, acceptor or no splice site in the middle (Towell et al. 1991)",
    head=Classification(labels=("EI", "IE", "N")),
    source=Source(
        folders=("splice",),
        files={"train": ("*.data",)},
        formats={"train": LAYOUT},
        columns=COLUMNS,
        rows={"train": 3_190},
        hold_out=HoldOut(share=0.1),
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy",)),),
    recipe=RECIPE,
)
PROMOTERS = Task(
    name="promoters",
    about="57 bases of E. coli DNA -> promoter, other: does transcription start here? (Towell et al. 1990)",
    head=Classification(labels=("promoter", "other")),
    source=Source(
        folders=("promoters",),
        files={"train": ("*.data",)},
        formats={"train": LAYOUT},
        columns=COLUMNS,
        labels={"+": "promoter", "-": "other"},
        rows={"train": 106},
        hold_out=HoldOut(share=0.2),
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy",)),),
    recipe=RECIPE,
)
