"""bertkit's speed and memory against what a user would run instead, both sides in turns.

    python -m benchmarks.bench --data ../shared/data                          every part, with MiniLM-L6
    python -m benchmarks.bench --data ../shared/data --model bert-base --only sst2,mnli --parts training
    python -m benchmarks.bench --table                                        print the tables, run nothing

Each measurement is written to the file of --out as soon as it is done, in place of an older one of the same kind.
`make pages` writes the tables into benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmarks import checkpoints, memory, prediction, pretraining, startup, training
from benchmarks.report import KEPT, table
from benchmarks.setting import Setting, command
from benchmarks.sides import ask
from bertkit.encoders import sample_folder
from bertkit.request.flags import Flags

PARTS = ("training", "prediction", "startup", "checkpoints", "memory", "file", "growth", "pretraining")
TASKS = ("sst2", "mnli", "ud_en_ewt", "squad")
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "length": {"order": "length"},
    "fp32": {"precision": "fp32"},
    "torch-dropout": {"fast_dropout": False},
    "bucketed": {"layout": "bucketed"},
    "padded": {"layout": "padded"},
}
"""bertkit's flags, by the name that --variants and the table give them."""


def main() -> None:
    """Measure what was asked for, unless --table; then print every table."""
    options = _options()
    if not options.table:
        with tempfile.TemporaryDirectory(prefix="bertkit-bench-") as folder:
            measure(options, Path(folder))
    print(table(options.out))


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Measure every requested part, one after the other."""
    models = {"minilm": sample_folder(), "bert-base": folder / "bert-base"}
    setting = Setting(
        data=str(Path(options.data).resolve()),
        tasks=options.only,
        model=options.model,
        encoder=models[options.model],
        variants={name: VARIANTS[name] for name in options.variants},
        peers=options.peers,
        steps=options.steps,
        grouped=options.grouped_steps,
        warm_up=options.warm_up,
        rounds=options.rounds,
        shapes=options.shapes,
        threads=(None, 1),
        trial=options.trial,
        folder=folder,
        out=options.out,
        command=command(sys.argv[1:], options.data),
    )
    if options.model == "bert-base" or "growth" in options.parts:
        made = {"job": "encoder", "folder": str(models["bert-base"]), "vocabulary": str(models["minilm"])}
        ask(made, folder, setting.environment)
    if "training" in options.parts:
        training.measure(setting)
    if "prediction" in options.parts:
        prediction.measure(setting)
    if "startup" in options.parts:
        startup.measure(setting)
    if "checkpoints" in options.parts:
        checkpoints.measure(setting)
    asked = {"minilm": "sample", "bert-base": str(models["bert-base"])}
    if "memory" in options.parts:
        memory.memory(setting, asked)
    if "file" in options.parts:
        memory.file(setting, asked)
    if "growth" in options.parts:
        memory.growth(setting, asked)
    if "pretraining" in options.parts:
        pretraining.measure(setting)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data", help="the folder of the datasets")
    parser.add_argument("--parts", type=_names(PARTS), default=PARTS, help=",".join(PARTS))
    parser.add_argument("--only", type=_names(TASKS), default=TASKS, help=f"tasks: {','.join(TASKS)}")
    parser.add_argument("--model", choices=("minilm", "bert-base"), default="minilm", help="bert-base is random")
    parser.add_argument(
        "--peers", type=_names(training.PEERS), default=tuple(training.PEERS), help="what training is measured against"
    )
    parser.add_argument(
        "--variants", type=_names(VARIANTS), default=("default", "length"), help="bertkit's flags to measure"
    )
    parser.add_argument(
        "--shapes", type=_names(pretraining.SHAPES), default=tuple(pretraining.SHAPES), help="models to pretrain"
    )
    parser.add_argument("--steps", type=int, default=20, help="updates of a turn")
    parser.add_argument(
        "--grouped-steps", type=int, default=50, help="updates of a turn against a peer that sorts 50 batches by length"
    )
    parser.add_argument("--warm-up", type=int, default=5, help="updates before the first turn")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each side")
    parser.add_argument("--trial", type=int, help="rows and updates at most, to try the program: no measurement")
    parser.add_argument("--out", type=Path, default=KEPT, help="the file of measurements")
    parser.add_argument("--table", action="store_true", help="print the tables, run nothing")
    options = parser.parse_args()
    flags = {flag for name in options.variants for flag in VARIANTS[name]}
    unknown = flags - {field.name for field in fields(Flags)}
    if unknown and not options.table:
        parser.error(f"bertkit has no {', '.join(sorted(unknown))}: remove it from --variants")
    return options


def _names(known: Any) -> Any:
    """An argument type: names from `known`, separated by commas."""

    def names(text: str) -> tuple[str, ...]:
        unknown = [name for name in text.split(",") if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
        return tuple(text.split(","))

    return names


if __name__ == "__main__":
    main()
