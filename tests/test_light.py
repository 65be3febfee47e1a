"""Help, listing and wrong requests load nothing heavy: asserted by modules, not by time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from files import json_lines, write

from bertkit.cli.commands import LISTED

HEAVY = ("numpy", "torch", "transformers", "datasets", "evaluate", "accelerate", "sklearn", "scipy", "matplotlib")
HEAVY += ("pandas", "pyarrow", "huggingface_hub", "safetensors", "tokenizers")
WRAPPER = """
import atexit, json, sys
from pathlib import Path
heavy = sys.argv[2].split(",")
loaded = lambda: sorted(name for name in heavy if name in sys.modules)
atexit.register(lambda: Path(sys.argv[1]).write_text(json.dumps(loaded()), "utf-8"))
from bertkit.cli import main
main(sys.argv[3:])
"""


def answer(folder: Path, *arguments: str, watched: Iterable[str] = HEAVY) -> tuple[int, list[str], str]:
    """The exit code, those of the `watched` modules that were loaded, and everything that was printed."""
    report = folder / "loaded.json"
    command = [sys.executable, "-c", WRAPPER, str(report), ",".join(watched), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(report.read_text("utf-8")), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("--help", 0, "finetune"),
        ("finetune --help", 0, "--learning-rate"),
        ("eval --help", 0, "--null-threshold"),
        ("compare --help", 0, "nsp-vs-sop"),
        ("compare --help", 0, "bertkit compare A B ..."),
        ("compare pretrain-vs-scratch --help", 0, "--scratch-lr"),
        ("compare nsp-vs-sop --help", 0, "--masking"),
        ("compare prompting --help", 0, "--verbalise"),
        ("compare prompting sst2 --sample --model gpt2 --shots 1,x", 2, "--shots 1,x"),
        ("compare label-share --help", 0, "--least-steps"),
        ("compare token-maps --help", 0, "--max-tokens"),
        ("predict --help", 0, "--question"),
        ("fill --help", 0, "--top-k"),
        ("generate --help", 0, "--max-new-tokens"),
        ("--version", 0, "bertkit"),
        ("tasks", 0, "ud_en_ewt"),
        ("tasks sst2", 0, "negative, positive"),
        ("tasks sst3", 2, "did you mean sst2?"),
        ("finetune sst3", 2, "did you mean sst2?"),
        ("finetune sst2 --epochs x", 2, "--epochs"),
        ("finetune sst2 --sample --epochs 0", 2, "--epochs 0"),
        ("finetune sst2 --sample --data .", 2, "--data"),
        ("finetune sst2 --data ./nowhere", 2, "nowhere"),
        ("finetune sst2 --sample --model ./nowhere", 2, "nowhere"),
        ("finetune sst2", 2, "--sample"),
        ("search --help", 0, "--lr-range"),
        ("search sst2 --sample --trials 0", 2, "--trials 0"),
        ("search sst2 --sample --lr-range 1,0", 2, "--lr-range 1,0"),
        ("search sst3", 2, "did you mean sst2?"),
        ("eval glu", 2, "did you mean glue?"),
        ("eval ./nowhere", 2, "nowhere"),
        ("eval sst2 --model ./nowhere", 2, "nowhere"),
        ("eval glue --sample --model ./nowhere", 2, "nowhere"),
        ("compare pretrain-vs-scrath", 2, "did you mean pretrain-vs-scratch?"),
        ("compare label-share sst2 --sample --shares 0", 2, "--shares 0"),
        ("compare token-maps splice --data . --map shift", 2, "--map shift"),
        ("compare nsp-vs-sop ./nowhere --held-out 0", 2, "--held-out 0"),
        ("compare nsp-vs-sop ./nowhere --architecture gpt2", 2, "--architecture gpt2"),
        ("compare nsp-vs-sop ./nowhere --seeds 0", 2, "--seeds 0"),
        ("compare nsp-vs-sop ./nowhere --objective mlm", 2, "--objective"),
        ("compare pretrain-vs-scratch --tasks sst3", 2, "did you mean sst2?"),
        ("compare transfer --help", 0, "--test-limit"),
        ("compare transfer --train squad --test xquad.xx --models sample", 2, "xquad has no language 'xx'"),
        ("compare pretrain-vs-scratch --sample --seeds 0", 2, "--seeds 0"),
        ("predict ./nowhere text", 2, "nowhere"),
        ("corrupt --help", 0, "--noise-ratio"),
        ("corrupt text --noise infil", 2, "did you mean infill?"),
        ("corrupt text --ratio 2", 2, "--noise-ratio 2"),
        ("corrupt text --masking span", 2, "--noise mlm"),
        ("fill ./nowhere ___", 2, "nowhere"),
        ("fill sample ___", 2, "MiniLM"),
        ("generate ./nowhere text", 2, "nowhere"),
        ("analyse --help", 0, "cbow"),
        ("analyse word --help", 0, "--sentences"),
        ("analyse", 2, "name what to look at"),
        ("analyse wrod x", 2, "did you mean word?"),
        ("analyse word sample", 2, "--sentences FILE"),
        ("analyse word ./nowhere bank --sentences ./nowhere.csv", 2, "nowhere"),
        ("analyse word sample bank --sentences ./nowhere.csv", 2, "nowhere.csv"),
        ("analyse cbow --help", 0, "--neighbours"),
        ("analyse alignment --help", 0, "--dictionary"),
        ("analyse alignment sample", 2, "--parallel"),
        ("analyse alignment sample --parallel ./nowhere.tsv", 2, "nowhere.tsv"),
        ("analyse language-vector --help", 0, "--strengths"),
        ("analyse language-vector sample", 2, "--from"),
        ("analyse probes --help", 0, "--train-rows"),
        ("analyse probes sample", 2, "--task"),
        ("analyse probes sample --task sst3", 2, "did you mean sst2?"),
        ("analyse landscape --help", 0, "--fraction"),
        ("analyse landscape ./nowhere", 2, "nowhere"),
        ("analyse landscape ./nowhere --rows 0", 2, "--rows 0"),
        ("zoo", 0, "ModernBERT-large"),
        ("zoo --json", 0, "1571000000000"),
        ("zoo --markdown", 0, "blank: not found"),
        ("zoo --plot zoo.pdf", 2, "zoo.pdf"),
        ("report --help", 0, "--worst"),
        ("report ./nowhere", 2, "nowhere"),
    ],
)
def test_an_answer_that_needs_no_model_loads_nothing_heavy(
    tmp_path: Path, arguments: str, code: int, said: str
) -> None:
    exit_code, loaded, printed = answer(tmp_path, *arguments.split())
    assert said in printed
    assert (exit_code, loaded) == (code, [])


@pytest.mark.parametrize("command", ["zoo", "tasks", "analyse word"])
def test_a_command_loads_no_other_one(tmp_path: Path, command: str) -> None:
    modules = {name: f"bertkit.cli.{listed.function.partition(':')[0]}" for name, listed in LISTED.items()}
    code, loaded, _ = answer(tmp_path, *command.split(), "--help", watched=modules.values())
    own = {modules[command], modules[command.split()[0]]}  # and the group that it is in
    assert (code, set(loaded)) == (0, own)


def test_a_folder_without_a_vocabulary_is_refused_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    write(tmp_path / "model" / "config.json", "{}")
    write(tmp_path / "rows" / "train.jsonl", json_lines({"sentence": "a", "label": 1}))
    write(tmp_path / "rows" / "dev.jsonl", json_lines({"sentence": "a", "label": 1}))
    folders = ("--data", str(tmp_path / "rows"), "--model", str(tmp_path / "model"))
    exit_code, loaded, printed = answer(tmp_path, "finetune", "sst2", *folders)
    assert "vocabulary" in printed
    assert (exit_code, loaded) == (2, [])


def test_the_watcher_sees_what_is_heavy(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRAPPER.replace("main(", "import numpy; main("), str(tmp_path / "loaded.json")]
    subprocess.run([*command, ",".join(HEAVY), "--version"], capture_output=True, check=True)
    assert json.loads((tmp_path / "loaded.json").read_text("utf-8")) == ["numpy"]
