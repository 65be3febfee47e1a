"""The baseline for user files: a plain transformers Trainer script that reads, tokenises, trains, scores and saves.

    python -m benchmarks.own_script chunk-tagging train.conll dev.conll --model FOLDER --out FOLDER

It takes nothing from bertkit. Rows are read with the standard library; F1 and accuracy are scikit-learn's, the F1 of
entities is seqeval's. Words that --max-length cuts, or that have no token, are not scored, as in run_ner.py.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
import transformers
from transformers import Trainer, TrainingArguments

Row = dict[str, Any]

AUTO = {
    "classification": transformers.AutoModelForSequenceClassification,
    "multi-label": transformers.AutoModelForSequenceClassification,
    "chunk-tagging": transformers.AutoModelForTokenClassification,
}
UNLABELLED = -100


def main() -> None:
    """Train, score and save; the scores and times go to `scores.json` in the folder of --out."""
    asked = _arguments()
    transformers.set_seed(asked.seed)
    train, dev = read(asked.head, asked.train), read(asked.head, asked.dev)
    names = labels_of(asked.head, train)
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.model)
    features = [encoded(asked.head, rows, names, tokenizer, asked.max_length) for rows in (train, dev)]
    trainer = _trainer(asked, names, tokenizer, features[0])
    if asked.biases == "shares":
        start_at_shares(trainer.model, np.array(features[0]["labels"]))
    trained = trainer.train()
    scores = trainer.evaluate(features[1])
    trainer.save_model(str(asked.out / "model"))
    told = {
        "score": scores["eval_score"], "training seconds": trained.metrics["train_runtime"],
        "updates": trained.global_step, "rows": {"train": len(train), "dev": len(dev)},
    }  # fmt: skip
    (asked.out / "scores.json").write_text(json.dumps(told), "utf-8")


def read(head: str, path: Path) -> list[Row]:
    """The rows of a file: words with a tag each, a text with a label, or a text with labels."""
    text = path.read_text("utf-8")
    if head == "chunk-tagging":
        blocks = [block.split("\n") for block in re.split(r"\n\s*\n", text) if block.strip()]
        pairs = [[line.split("\t") for line in block if line.strip()] for block in blocks]
        return [{"words": [word for word, _ in block], "labels": [tag for _, tag in block]} for block in pairs]
    if head == "classification":
        with path.open(encoding="utf-8", newline="") as opened:
            return [{"text": row["text"], "labels": [row["category"]]} for row in csv.DictReader(opened)]
    cells = [line.split("\t") for line in text.split("\n") if line]
    return [{"text": first, "labels": second.split(",")} for first, second, *_ in cells]


def labels_of(head: str, rows: list[Row]) -> list[str]:
    """The labels of these rows, sorted."""
    return sorted({name for row in rows for name in row["labels"]})


def encoded(head: str, rows: list[Row], names: list[str], tokenizer: Any, max_length: int) -> datasets.Dataset:
    """The rows as a model takes them, with `labels` as its loss takes them."""
    number = {name: k for k, name in enumerate(names)}
    one = partial(_tagged if head == "chunk-tagging" else _text, head, number, tokenizer, max_length)
    found = datasets.Dataset.from_list(rows)
    return found.map(one, remove_columns=found.column_names)


def _text(head: str, number: dict[str, int], tokenizer: Any, max_length: int, row: Row) -> Row:
    found = tokenizer(row["text"], truncation=True, max_length=max_length)
    if head == "multi-label":
        hot = [0.0] * len(number)
        for name in row["labels"]:
            hot[number[name]] = 1.0
        return {**found, "labels": hot}
    return {**found, "labels": number[row["labels"][0]]}


def _tagged(head: str, number: dict[str, int], tokenizer: Any, max_length: int, row: Row) -> Row:
    """A word's tag stands at its first sub-word."""
    found = tokenizer(row["words"], is_split_into_words=True, truncation=True, max_length=max_length)
    places, before, labels = found.word_ids(), None, []
    for place in places:
        first = place is not None and place != before
        labels.append(number[row["labels"][place]] if first else UNLABELLED)
        before = place
    return {**found, "labels": labels}


def _trainer(asked: argparse.Namespace, names: list[str], tokenizer: Any, train: datasets.Dataset) -> Trainer:
    kind = {"problem_type": "multi_label_classification"} if asked.head == "multi-label" else {}
    model = AUTO[asked.head].from_pretrained(
        asked.model, id2label=dict(enumerate(names)), label2id={name: k for k, name in enumerate(names)}, **kind
    )
    tagging = asked.head == "chunk-tagging"
    collator = transformers.DataCollatorForTokenClassification if tagging else transformers.DataCollatorWithPadding
    arguments = TrainingArguments(
        output_dir=str(asked.out),
        seed=asked.seed,
        num_train_epochs=asked.epochs,
        max_steps=asked.max_steps,
        per_device_train_batch_size=asked.batch_size,
        per_device_eval_batch_size=asked.batch_size,
        learning_rate=asked.lr,
        warmup_steps=asked.warmup,
        weight_decay=asked.weight_decay,
        bf16=asked.bf16,
        train_sampling_strategy="group_by_length",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
    )
    return Trainer(
        model=model,
        args=arguments,
        train_dataset=train,
        processing_class=tokenizer,
        data_collator=collator(tokenizer),
        compute_metrics=partial(score, asked.head, names),
    )


@torch.no_grad()
def start_at_shares(model: Any, hot: Any) -> None:
    """Give each label of (R, C) targets the log-odds of its share as its output's bias."""
    shares = (hot.sum(0) + 0.5) / (len(hot) + 1)
    model.classifier.bias.copy_(torch.tensor(np.log(shares / (1 - shares))))


def score(head: str, names: list[str], predicted: Any) -> dict[str, float]:
    """Accuracy, micro-F1 of labels from a probability of 0.5, or the F1 of entities."""
    from seqeval.metrics import f1_score as entity_f1
    from sklearn.metrics import accuracy_score, f1_score

    logits, labels = predicted
    if head == "multi-label":
        return {"score": float(f1_score(labels, logits > 0, average="micro", zero_division=0))}
    best = np.argmax(logits, axis=-1)
    if head == "classification":
        return {"score": float(accuracy_score(labels, best))}
    kept = labels != UNLABELLED
    tags = [
        [[names[tag] for tag in row[there]] for row, there in zip(found, kept, strict=True)] for found in (labels, best)
    ]
    return {"score": float(entity_f1(*tags, zero_division=0))}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("head", choices=tuple(AUTO))
    parser.add_argument("train", type=Path)
    parser.add_argument("dev", type=Path)
    parser.add_argument("--model", required=True, help="the encoder's folder")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the model and scores.json")
    for name, default in (("epochs", 3.0), ("lr", 5e-5), ("warmup", 0.1), ("weight-decay", 0.01)):
        parser.add_argument(f"--{name}", type=float, default=default)
    for name, number in (("batch-size", 32), ("max-length", 128), ("max-steps", -1), ("seed", 42)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--biases", choices=("0", "shares"), default="0", help="of a multi-label output at the start")
    parser.add_argument("--bf16", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
