"""Run the command line as a user does: refused requests, and the folders they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from files import json_lines, write

from bertkit import registry
from bertkit.cli import main
from bertkit.files import write_json
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.runs.folder import SPEC
from bertkit.spec import to_plain

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Ask for what cannot be, in an empty folder; the line that says why."""
    monkeypatch.chdir(tmp_path)

    def ask(*arguments: str) -> str:
        out = tmp_path / "runs"
        place = ["--out", str(out)] if arguments[0] in ("finetune", "eval", "compare") else []
        with pytest.raises(SystemExit) as leaving:
            main([*arguments, *place])
        printed = capfd.readouterr()
        assert printed.err.startswith("Error: "), printed.err
        assert printed.err.endswith("\n")
        assert printed.err.count("\n") == 1, printed.err
        assert (printed.out, leaving.value.code) == ("", 2)
        assert not out.exists() or out.is_file()
        return printed.err

    return ask


GOOD = json_lines({"sentence": "Fine.", "label": 1}, {"sentence": "Dull.", "label": 0})


def reviews(folder: Path) -> str:
    """Rows that sst2 reads."""
    for split in ("train", "dev"):
        write(folder / f"{split}.jsonl", GOOD)
    return str(folder)


def shape(folder: Path) -> str:
    """A model's folder without weights, small enough to be built at random in no time."""
    sizes = '"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8'
    write(folder / "config.json", f'{{"model_type": "bert", "vocab_size": 8, {sizes}}}')
    write(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfine\ndull\n.\n")
    return str(folder)


def unfinished(folder: Path, task: str = "sst2") -> str:
    """A run on the sample that was started."""
    folder.mkdir()
    write_json(folder / SPEC, to_plain(spec_of(registry.find(task), Flags(sample=True))))
    return str(folder)
