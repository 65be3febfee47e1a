"""The flags that say what a user's own file is: its head, its columns, how it is read. Light."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Annotated, Literal, get_type_hints

from bertkit.errors import RequestError
from bertkit.request.option import Option

HeadName = Literal["classification", "multi-label", "regression", "tagging", "chunk-tagging", "qa", "multiple-choice"]
OWN = "Your own files"
"""The panel of --help."""
HERE = "finetune check eval compare"
TRAINS = "finetune check compare"
SEVERAL = " Several: repeat it, or separate them by commas."


@dataclass(frozen=True, kw_only=True)
class OwnFlags:
    """The flags for a file or folder in place of a task's name, as given; None is found out from the file."""

    head: Annotated[HeadName | None, Option("--head", OWN, "What is predicted.", only=HERE)] = None
    text_column: Annotated[
        list[str] | None, Option("--text-column", OWN, "Column of the text." + SEVERAL, only=HERE)
    ] = None
    text_pair_column: Annotated[
        str | None, Option("--text-pair-column", OWN, "Column of the second text of a pair.", only=HERE)
    ] = None
    label_column: Annotated[
        list[str] | None,
        Option("--label-column", OWN, "Column of the label; several are 0 or 1 for a label each." + SEVERAL, only=HERE),
    ] = None
    words_column: Annotated[str | None, Option("--words-column", OWN, "Column of the words.", only=HERE)] = None
    tags_column: Annotated[str | None, Option("--tags-column", OWN, "Column of the words' tags.", only=HERE)] = None
    vectors_column: Annotated[
        str | None, Option("--vectors-column", OWN, "Column of sequences of vectors.", only=HERE)
    ] = None
    choices_column: Annotated[
        list[str] | None,
        Option("--choices-column", OWN, "Multiple choice: lists, or a column for each." + SEVERAL, only=HERE),
    ] = None
    question_column: Annotated[str | None, Option("--question-column", OWN, "QA, choices: its column.", only=HERE)] = (
        None
    )
    context_column: Annotated[str | None, Option("--context-column", OWN, "QA: the document's.", only=HERE)] = None
    answers_column: Annotated[str | None, Option("--answers-column", OWN, "QA: the answers'.", only=HERE)] = None
    id_column: Annotated[str | None, Option("--id-column", OWN, "Column of a row's id.", only=HERE)] = None
    group_column: Annotated[
        str | None,
        Option("--group-column", OWN, "Rows with the same value are held out together.", only=TRAINS),
    ] = None
    encoding: Annotated[str | None, Option("--encoding", OWN, "Of text files. [default: utf-8]", only=HERE)] = None
    header: Annotated[
        bool | None, Option("--header/--no-header", OWN, "Whether the first line names the columns.", only=HERE)
    ] = None
    dev_share: Annotated[
        float | None,
        Option("--dev-share", OWN, "Share of train held out where no dev file is. [default: 0.2]", only=TRAINS),
    ] = None
    subset: Annotated[str | None, Option("--subset", OWN, "hub:OWNER/NAME: its subset.", only=HERE)] = None
    split_names: Annotated[
        str | None,
        Option("--split-names", OWN, "hub:OWNER/NAME: its splits, as train=NAME,dev=NAME.", only=HERE),
    ] = None
    train_file: Annotated[
        str | None, Option("--train-file", OWN, "Train rows, in place of a task's name.", only="finetune check")
    ] = None
    dev_file: Annotated[
        str | None, Option("--dev-file --validation-file", OWN, "Rows to score.", only="finetune check")
    ] = None
    test_file: Annotated[
        str | None, Option("--test-file", OWN, "Rows to score once, after training.", only="finetune check")
    ] = None

    def __post_init__(self) -> None:
        """Raise RequestError for values that are out of range or contradict each other."""
        if self.dev_share is not None and not 0 < self.dev_share < 1:
            raise RequestError(f"--dev-share {self.dev_share:g}: it is a share of the train rows, between 0 and 1")
        if self.dev_share is not None and self.dev_file is not None:
            raise RequestError("--dev-share and --dev-file: give one of them")

    @property
    def typed(self) -> tuple[str, ...]:
        """The options that were given."""
        hints = get_type_hints(type(self), include_extras=True)
        given = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        names = [hints[name].__metadata__[0].name for name in given]
        if "header" in given:
            names[given.index("header")] = "--header" if self.header else "--no-header"
        return tuple(names)

    @property
    def files(self) -> dict[str, str]:
        """The files given for train, dev and test."""
        given = {"train": self.train_file, "dev": self.dev_file, "test": self.test_file}
        return {split: file for split, file in given.items() if file is not None}


def several(typed: list[str] | None, present: Collection[str] = ()) -> tuple[str, ...]:
    """The columns of an option that takes several, repeated or separated by commas; () if it was not given.

    A name that is `present` as it is stays whole.
    """
    names = [name for part in typed or () for name in ([part] if part in present else part.split(","))]
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
