"""Part-of-speech tagging: Universal Dependencies (de Marneffe et al. 2021), from raw CoNLL-U."""

from dataclasses import replace

from bertkit.heads import FROM_TRAIN, Tagging, Window
from bertkit.sources import HubRows, Source
from bertkit.task import Evaluation, Recipe, Task

UPOS = (
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
)
ANY = Task(
    name="ud",
    about="words -> the UPOS tag of each: any treebank, its folder given by --data",
    head=Tagging(labels=UPOS),
    source=Source(
        files={"train": ("*-ud-train.conllu",), "dev": ("*-ud-dev.conllu",), "test": ("*-ud-test.conllu",)},
        stems={"train": ("train",), "dev": ("dev", "validation"), "test": ("test",)},
        columns={"words": ("words", "tokens"), "tags": ("upos",)},
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("tag_accuracy",)),),
    recipe=Recipe(epochs=3, learning_rate=5e-5, window=Window(max_length=256)),
    sample_recipe=Recipe(epochs=20, batch_size=16, learning_rate=3e-4, window=Window(max_length=256)),
)


def treebank(code: str, repository: str, rows: dict[str, int]) -> Task:
    """The task of one treebank; `code` is UD's, such as `en_ewt`.

    The Hub has the parquet conversion of a script that can no longer run; its columns are read off that
    script (tokens, upos, xpos), not off the Hub itself.
    """
    hub = HubRows(
        id="universal-dependencies/universal_dependencies",
        config=code,
        revision="refs/convert/parquet",
        splits={"train": "train", "dev": "validation", "test": "test"},
    )
    return replace(
        ANY,
        name=f"ud_{code}",
        about=f"words -> the UPOS tag of each: UD {repository.removeprefix('UD_')}",
        source=replace(ANY.source, hub=hub, folders=(code, repository, f"ud_{code}"), rows=rows),
    )


def xpos(task: Task) -> Task:
    """The same treebank with the language's own tags, taken from its train rows."""
    columns = {**task.source.columns, "tags": ("xpos",)}
    return replace(
        task,
        name=f"{task.name}_xpos",
        about=task.about.replace("UPOS", "XPOS"),
        head=Tagging(labels=FROM_TRAIN),
        source=replace(task.source, columns=columns, folders=task.source.folders),
    )


UD = (
    treebank("en_ewt", "UD_English-EWT", {"train": 12_544, "dev": 2_001, "test": 2_077}),
    treebank("zh_gsd", "UD_Chinese-GSD", {"train": 3_997, "dev": 500, "test": 500}),
    treebank("de_gsd", "UD_German-GSD", {"train": 13_813, "dev": 799, "test": 977}),
    treebank("fr_sequoia", "UD_French-Sequoia", {"train": 2_231, "dev": 412, "test": 456}),
    ANY,
)
TREEBANKS = (*UD, *(xpos(task) for task in UD if task.name != "ud_fr_sequoia"))
