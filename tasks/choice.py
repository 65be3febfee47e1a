"""Multiple choice: COPA of SuperGLUE, C3 and ChID of CLUE."""

from bertkit.heads import MultipleChoice, Window
from bertkit.sources import Blanks, Carve, FileFormat, HubRows, Source
from bertkit.task import Evaluation, Recipe, Task

ACCURACY = ("accuracy",)

COPA = Task(
    name="copa",
    about="premise, two alternatives -> which is its cause, or its effect (Roemmele et al. 2011)",
    head=MultipleChoice(),
    source=Source(
        hub=HubRows(id="aps/super_glue", config="copa", splits={"train": "train", "dev": "validation", "test": "test"}),
        folders=("COPA", "copa"),
        files={"train": ("train.jsonl",), "dev": ("val.jsonl",), "test": ("test.jsonl",)},
        stems={"train": ("train",), "dev": ("dev", "val", "validation"), "test": ("test",)},
        columns={"id": ("idx",), "text": ("premise",), "choices": ("choice1",), "label": ("label",)},
        joined={"text": ("premise", "question")},
        listed={"choices": ("choice1", "choice2")},
        # the wording of jiant (Phang et al. 2020, tasks/lib/copa.py), the authors' of SuperGLUE
        phrases={"question": {"cause": "What was the cause of this?", "effect": "What happened as a result?"}},
        rows={"train": 400, "dev": 100, "test": 500},
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=ACCURACY, human={"accuracy": 1.0}),),
    recipe=Recipe(epochs=20, batch_size=16, learning_rate=3e-5, window=Window(max_length=64)),
    sample_recipe=Recipe(epochs=10, batch_size=8, learning_rate=1e-4, window=Window(max_length=64)),
)

C3_FILES = FileFormat(kind="json")
C3_WINDOW = Window(max_length=256, long="windows", doc_stride=64)
C3 = Task(
    name="c3",
    about="passage or dialogue in Chinese, question, 2 to 4 choices -> the answer (Sun et al. 2020)",
    head=MultipleChoice(question=True, by_text=True),
    source=Source(
        hub=HubRows(id="clue/clue", config="c3", splits={"train": "train", "dev": "validation", "test": "test"}),
        folders=("c3",),
        files={split: (f"*[dm]-{split}.json",) for split in ("train", "dev", "test")},
        formats=dict.fromkeys(("train", "dev", "test"), C3_FILES),
        columns={
            "id": ("id",),
            "group": ("group",),
            "text": ("context",),
            "question": ("question",),
            "choices": ("choice",),
            "label": ("answer",),
        },
        joined={"text": ("context",)},
        rows={"train": 11_869, "dev": 3_816},
        carve=Carve(dev="dev", train=4, of=5),
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=ACCURACY, human={"accuracy": 0.96}),),
    recipe=Recipe(epochs=8, batch_size=16, learning_rate=2e-5, window=C3_WINDOW),
    sample_recipe=Recipe(epochs=10, batch_size=8, learning_rate=1e-4, window=C3_WINDOW),
)

CHID = Task(
    name="chid",
    about="passage in Chinese with a blank, 7 or 10 idioms -> the one that fits (Zheng et al. 2019)",
    head=MultipleChoice(),
    source=Source(
        hub=HubRows(id="clue/clue", config="chid", splits={"train": "train", "dev": "validation", "test": "test"}),
        folders=("chid",),
        files={
            "train": ("train.json", "train_few_all.json"),
            "dev": ("dev.json", "dev_few_all.json"),
            "test": ("test.json", "test_public.json"),
        },
        stems={"train": ("train",), "dev": ("dev", "validation"), "test": ("test",)},
        columns={"id": ("id",), "text": ("content",), "choices": ("candidates",), "label": ("answer",)},
        # as CLUE's baseline has it (CHID_preprocess.py; Xu et al. 2020): each idiom beside the passage, 128 tokens
        # around its blank, which is marked, and four masks in place of the others
        blanks=Blanks(
            text="content",
            mark=r"#idiom\d*#",
            own="#idiom#",
            other="____",
            around=55,
            answer="answer",
            answers="answers",
        ),
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=ACCURACY),),
    recipe=Recipe(epochs=3, batch_size=16, learning_rate=2e-5, window=Window(max_length=128)),
    sample_recipe=Recipe(epochs=10, batch_size=8, learning_rate=1e-4, window=Window(max_length=128)),
)

CHOICE = (COPA, C3, CHID)
