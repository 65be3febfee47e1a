"""Do what run_glue.py does up to its first update (tokenise and pad every row), and print the time."""

import os
import sys
import time
from typing import Any

import torch
from datasets import load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)

train, dev, encoder, batch_size, out = sys.argv[1:]


class FirstUpdate(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Exits after the first update."""

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Exit at the first update."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        print(time.monotonic(), flush=True)
        os._exit(0)


def tokenise(rows: dict[str, list[Any]]) -> Any:
    """The rows' tokens, padded to 128."""
    return {
        **tokenizer(rows["sentence"], padding="max_length", max_length=128, truncation=True),
        "label": rows["label"],
    }


rows = load_dataset("csv", data_files={"train": train, "validation": dev}, delimiter="\t", quoting=3)
tokenizer = AutoTokenizer.from_pretrained(encoder)
model = AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=2)
features = rows.map(tokenise, batched=True)
arguments = TrainingArguments(
    output_dir=out,
    per_device_train_batch_size=int(batch_size),
    learning_rate=5e-5,
    max_steps=1,
    report_to="none",
    use_cpu=not torch.cuda.is_available(),
)
Trainer(
    model=model,
    args=arguments,
    train_dataset=features["train"],
    eval_dataset=features["validation"],
    processing_class=tokenizer,
    data_collator=default_data_collator,
    callbacks=[FirstUpdate()],
).train()
