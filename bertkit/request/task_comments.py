"""The comments of a task file."""

from __future__ import annotations

HEADER = """\
A task for bertkit: how its files are read, how a model is trained on them and
how it is scored. Edit it, commit it, and name it in a task's place:

    bertkit check {name}
    bertkit finetune {name}
    bertkit eval {name} --model FOLDER

A key that is left out has its default. Options that are typed win.
"""

COMMENTS = {
    "name": "of the task; the names of its runs begin with it",
    "about": "what goes in, and what comes out",
    "folder": "of the files, from the folder in which this file is",
    "understood": "what the files were taken for, printed before training; decides nothing",
    "separator": "between the labels of a cell that has several",
    "head.kind": "classification, multi-label, regression, tagging, chunk-tagging or qa",
    "head.labels": "in the order of the model's outputs",
    "head.pair": "whether there is a second text",
    "head.scheme": "of chunk tags: BIO, IOB1, BIOES or BILOU",
    "head.scaled": "trained on numbers of mean 0 and standard deviation 1; answers are in the file's unit",
    "head.no_answer": "whether a question may have no answer",
    "head.threshold": "the probability from which a label is given",
    "hub.id": "the dataset's name",
    "hub.config": "its subset",
    "hub.revision": "its branch, tag or commit",
    "hub.splits": "what the Hub calls each split",
    "formats.*.kind": "csv, tsv, jsonl, json, parquet, conllu, conll or folders",
    "formats.*.delimiter": "between two columns",
    "formats.*.header": "whether the first line names the columns",
    "formats.*.columns": "their names, where no line has them",
    "formats.*.encoding": "as Python names it",
    "hold_out.share": "of the train rows; equal texts, and rows of one group, stay on one side",
    "hold_out.most": "rows at most; without it all of the share",
    "evaluations.*.split": "whose rows",
    "evaluations.*.metrics": "the first is the headline",
    "evaluations.*.scored": "false: its rows have no labels, and are only predicted",
    "evaluations.*.at_end": "scored once, after training",
    "recipe.epochs": "passes over the train rows",
    "recipe.max_steps": "optimizer steps, in place of epochs",
    "recipe.batch_size": "rows of a batch",
    "recipe.learning_rate": "its peak",
    "recipe.warmup": "share of the steps in which the learning rate rises",
    "recipe.weight_decay": "of AdamW",
    "recipe.max_length": "tokens of an input at most",
    "recipe.doc_stride": "tokens that two windows of a document share",
    "head": "what is predicted",
    "hub": "the rows: a dataset of the Hub",
    "files": "of each split; * stands for any characters",
    "formats.*": "how the files of this split are read",
    "columns": "of each role; several texts are joined, several labels are 0 or 1, several choices are a list",
    "written": "how the cells of a role are written, where they are texts",
    "spellings": "how the files spell a label -> the label",
    "hold_out": "rows for scoring, taken out of train: there is no dev file",
    "evaluations.*": "rows that are scored",
    "recipe": "how it is trained: see `bertkit finetune --help`",
}
"""By the place of a key or a table; `*` is a name that the task has given."""
