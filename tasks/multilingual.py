"""One problem in many languages: XQuAD, XNLI, PAWS-X and TyDi QA by language, and Chinese reading comprehension.

Files are named as XTREME's script lays them out (Hu et al. 2020; github.com/google-research/xtreme). It removes the
labels of test files: such a file cannot be scored, and the error names its line.
"""

from dataclasses import replace

from bertkit.heads import Classification
from bertkit.sources import HubRows, Source
from bertkit.task import Evaluation, Recipe, Task

from .nli import MNLI, MNLI_COLUMNS, MNLI_LABELS
from .qa import COLUMNS, SQUAD

PLAIN = ("squad_v1_f1", "squad_v1_em")
BY_CHARACTERS = ("squad_chars_f1", "squad_chars_em", *PLAIN)
"""Of Chinese answers. XQuAD's authors score every language by the plain rule, and so do published rows."""


def _question_answering(language: str) -> tuple[str, ...]:
    """The metrics of answers in a language, the headline first."""
    return BY_CHARACTERS if language == "zh" else PLAIN


def xquad(language: str) -> Task:
    """1,190 questions of SQuAD 1.1's dev, translated by people with their documents: nothing to train on."""
    return replace(
        SQUAD,
        name=f"xquad.{language}",
        about=f"question, document -> the answer's span: XQuAD, {language} (Artetxe et al. 2020)",
        source=Source(
            hub=HubRows(id="google/xquad", config=f"xquad.{language}", splits={"test": "validation"}),
            folders=("xquad", "XQuAD"),
            files={"test": (f"xquad.{language}.json",)},
            stems={"test": (f"xquad.{language}",)},
            columns=COLUMNS,
            rows={"test": 1_190},
        ),
        evaluations=(Evaluation(name="test", split="test", metrics=_question_answering(language)),),
        trains_on="squad",
    )


def tydiqa(language: str) -> Task:
    """TyDi QA's gold passages: questions that were asked in the language, and not translated.

    Some copies have a dev file whose answers are all empty: it cannot be scored, and the error names a question.
    """
    return replace(
        SQUAD,
        name=f"tydiqa.{language}",
        about=f"question, passage -> the answer's span: TyDi QA GoldP, {language} (Clark et al. 2020)",
        source=Source(
            folders=("tydiqa_goldp", "tydiqa", "tydiqa-goldp-v1.1-train", "tydiqa-goldp-v1.1-dev"),
            files={split: (f"tydiqa.goldp.{language}.{split}.json",) for split in ("train", "dev")},
            stems={split: (f"tydiqa.{language}.{split}",) for split in ("train", "dev")},
            columns=COLUMNS,
        ),
        evaluations=(Evaluation(name="dev", split="dev", metrics=_question_answering(language)),),
        trains_on="squad",
    )


def xnli(language: str) -> Task:
    """XNLI: 2,490 dev and 5,010 test pairs, translated by people; English is trained on MNLI's rows."""
    rows = Source(
        hub=HubRows(id="facebook/xnli", config=language, splits={"dev": "validation", "test": "test"}),
        folders=("xnli", "XNLI"),
        files={split: (f"{split}-{language}.tsv",) for split in ("dev", "test")},
        stems={split: (f"{split}-{language}",) for split in ("dev", "test")},
        columns=MNLI_COLUMNS,
        header=dict.fromkeys(("dev", "test"), ("premise", "hypothesis", "label")),
        labels=MNLI_LABELS,
        rows={"dev": 2_490, "test": 5_010},
    )
    whole = MNLI.source
    trained = replace(whole, files={"train": whole.files["train"]}, rows={"train": whole.rows["train"]})
    scored = (Evaluation(name=split, split=split, metrics=("accuracy",), source=rows) for split in ("dev", "test"))
    return replace(
        MNLI,
        name=f"xnli.{language}",
        about=f"premise, hypothesis -> entailment, neutral, contradiction: XNLI, {language} (Conneau et al. 2018)",
        source=trained if language == "en" else rows,
        evaluations=tuple(replace(one, at_end=one.name == "test") for one in scored),
        trains_on=None if language == "en" else "mnli",
    )


def pawsx_source(language: str) -> Source:
    """PAWS-X's rows in a language; only English has train rows that were written, and not translated by a machine.

    The files keep 2,000 dev and test rows by having "NS" for a sentence that was not translated (68 German ones of dev,
    16 Chinese ones), always with label 0.
    """
    splits = ("train", "dev", "test") if language == "en" else ("dev", "test")
    hub_splits = {"train": "train", "dev": "validation", "test": "test"}
    return Source(
        hub=HubRows(
            id="google-research-datasets/paws-x", config=language, splits={one: hub_splits[one] for one in splits}
        ),
        folders=("pawsx", "paws-x", "PAWS-X", f"x-final/{language}"),
        files={split: (f"{split}-{language}.tsv",) for split in splits},
        stems={split: (f"{split}-{language}", f"{split}_2k") for split in splits},
        columns={"text": ("sentence1",), "text_pair": ("sentence2",), "label": ("label",)},
        header=dict.fromkeys(splits, ("sentence1", "sentence2", "label")),
        labels={"0": "not_paraphrase", "1": "paraphrase"},
        rows={"dev": 2_000, "test": 2_000},
    )


def pawsx(language: str) -> Task:
    """PAWS-X: pairs with nearly the same words, of which many mean something else."""
    return Task(
        name=f"pawsx.{language}",
        about=f"two sentences -> not_paraphrase, paraphrase: PAWS-X, {language} (Yang et al. 2019)",
        head=Classification(labels=("not_paraphrase", "paraphrase"), pair=True),
        source=pawsx_source(language),
        evaluations=(
            Evaluation(name="dev", split="dev", metrics=("accuracy", "f1")),
            Evaluation(name="test", split="test", metrics=("accuracy", "f1"), at_end=True),
        ),
        recipe=Recipe(epochs=3, learning_rate=3e-5),
        trains_on=None if language == "en" else "pawsx.en",
    )


def pawsx_half(language: str) -> Task:
    """PAWS-X's dev rows in two halves, one to train on and one that is scored, for where its train rows are not.

    The rows are divided by the English ones, which stand in the same order in every language: pairs that share a
    sentence, also by way of other pairs, are in one half. So no row of the scored half has an English sentence of the
    half that was trained on, in whichever language either is read. A few translations stand in both halves all the
    same, since different sentences were translated alike: 4 German and 22 Chinese ones, besides "NS".
    """
    whole, english = pawsx_source(language), pawsx_source("en")
    hub = whole.hub and replace(whole.hub, splits=dict.fromkeys(("train", "dev"), "validation"))
    return replace(
        pawsx(language),
        name=f"pawsx_half.{language}",
        about=f"two sentences -> not_paraphrase, paraphrase: halves of PAWS-X's dev, {language} (Yang et al. 2019)",
        source=replace(
            whole,
            hub=hub,
            files=dict.fromkeys(("train", "dev"), whole.files["dev"]),
            stems=dict.fromkeys(("train", "dev"), whole.stems["dev"]),
            header=dict.fromkeys(("train", "dev"), whole.header["dev"]),
            rows={},
            halved_by=english,
        ),
        evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy", "f1")),),
        trains_on=None,
    )


CMRC = replace(
    SQUAD,
    name="cmrc",
    about="question, document -> the answer's span, simplified Chinese (CMRC 2018, Cui et al. 2019)",
    source=Source(
        hub=HubRows(id="hfl/cmrc2018", splits={"train": "train", "dev": "validation"}),
        folders=("cmrc2018", "CMRC2018", "cmrc2018_public"),
        files={split: (f"cmrc2018_{split}.json",) for split in ("train", "dev")},
        stems={"train": ("train", "cmrc2018_train"), "dev": ("dev", "validation", "cmrc2018_dev")},
        columns=COLUMNS,
        rows={"train": 10_142, "dev": 3_219},
        # Of the 9,657 answers of dev, as published, 200 are not at their offset. 3 questions have no others, and are
        # skipped.
        skips=True,
    ),
    # the human score is CLUE's, on its test rows (github.com/didi/ChineseNLP, docs/question_answering.md)
    evaluations=(Evaluation(name="dev", split="dev", metrics=BY_CHARACTERS, human={"squad_chars_em": 0.924}),),
    trains_on="squad",
)

DRCD = replace(
    SQUAD,
    name="drcd",
    about="question, document -> the answer's span, traditional Chinese (DRCD, Shao et al. 2018)",
    source=Source(
        folders=("drcd", "DRCD"),
        files={"train": ("DRCD_training.json",), "dev": ("DRCD_dev.json",), "test": ("DRCD_test.json",)},
        stems={"train": ("train", "DRCD_train"), "dev": ("dev", "DRCD_dev"), "test": ("test", "DRCD_test")},
        columns=COLUMNS,
        rows={"train": 26_936, "dev": 3_524},
    ),
    evaluations=(
        Evaluation(name="dev", split="dev", metrics=BY_CHARACTERS),
        Evaluation(name="test", split="test", metrics=BY_CHARACTERS, at_end=True),
    ),
    trains_on="squad",
)

XQUAD = tuple(map(xquad, ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")))
XNLI_LANGUAGES = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
XNLI = tuple(map(xnli, XNLI_LANGUAGES))
PAWSX_LANGUAGES = ("de", "en", "es", "fr", "ja", "ko", "zh")
PAWSX = (*map(pawsx, PAWSX_LANGUAGES), *map(pawsx_half, PAWSX_LANGUAGES))
TYDIQA = tuple(map(tydiqa, ("ar", "bn", "en", "fi", "id", "ko", "ru", "sw", "te")))
MULTILINGUAL = (*XQUAD, *XNLI, *PAWSX, *TYDIQA, CMRC, DRCD)

LANGUAGES = {
    **{task.name: task.name.partition(".")[2] for task in MULTILINGUAL if "." in task.name},
    "cmrc": "zh",
    "drcd": "zh",
    "ud_en_ewt": "en",
    "ud_zh_gsd": "zh",
    "ud_de_gsd": "de",
    "ud_fr_sequoia": "fr",
    **dict.fromkeys(("squad", "squad_v2", "mnli"), "en"),
}
"""In which language a task's rows are, of those that are trained in one and scored in another."""
