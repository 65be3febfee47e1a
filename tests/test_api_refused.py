"""Python functions given what they do not take: an exception of bertkit that says what it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import untrained
from files import write

import bertkit
from bertkit.errors import BertkitError, RequestError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of sst2 with random weights."""
    return untrained.runs(tmp_path_factory.mktemp("runs"), "sst2")["sst2"]


ODD = [3, 1.5, b"sst2", ["sst2"], {}, object(), "a\0b", "x" * 5_000]


@pytest.mark.parametrize("odd", ODD, ids=[type(odd).__name__ for odd in ODD])
def test_a_task_or_run_is_a_name_or_a_path(odd: Any) -> None:
    calls: list[tuple[str, Any]] = [
        ("task", lambda: bertkit.finetune(odd)),
        ("task", lambda: bertkit.check(odd)),
        ("target", lambda: bertkit.evaluate(odd)),
        ("what", lambda: bertkit.compare(odd)),
        ("tasks", lambda: bertkit.compare(tasks=[odd])),
        ("run", lambda: bertkit.load(odd)),
        ("run", lambda: bertkit.predict(odd, ["fine"])),
    ]
    for name, call in calls:
        with pytest.raises(RequestError, match=f"^{name}="):
            call()


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda run: bertkit.finetune("sst2", seeds="many"), "seeds='many': .*integer"),
        (lambda run: bertkit.finetune("sst2", seeds=None), "seeds=None: .*integer"),
        (lambda run: bertkit.finetune("sst2", model="x" * 5_000), "model='xxx.*too long"),
        (lambda run: bertkit.check("sst2", train_file="a\0b"), "train_file=.*null"),
        (lambda run: bertkit.compare(tasks=3), "tasks=3: name at least one task, or a list"),
        (lambda run: bertkit.compare(Path("that")), "no comparison is called 'that'"),
        (lambda run: bertkit.compare(seeds="many"), "seeds='many': .*integer"),
        (lambda run: bertkit.compare(scratch_lr="high"), "scratch_lr='high': .*number"),
        (lambda run: bertkit.load(run, device="gpu"), "device='gpu': .*'cuda'"),
        (lambda run: bertkit.load(run, precision="fp16"), "precision='fp16'"),
        (lambda run: bertkit.load(run).predict(3), "give a list of inputs"),
        (lambda run: bertkit.load(run).predict(None), "give a list of inputs"),
        (lambda run: bertkit.load(run).predict(b"fine"), "give a list of inputs"),
        (lambda run: bertkit.load(run).predict(np.array("fine")), "give a list of inputs"),
        (lambda run: bertkit.load(run).predict([b"fine"]), r"inputs\[0\]: a bytes, not a text"),
        (lambda run: bertkit.load(run).predict([{}]), r"^inputs\[0\]: no column 'sentence'"),
        (lambda run: bertkit.load(run).predict([{1: "fine"}]), r"^inputs\[0\]: no column 'sentence'"),
        (lambda run: bertkit.predict(run, ["fine"], top_k=1), "top_k: it is for file and out"),
        (lambda run: bertkit.predict(run, ["fine"], pair="dull"), "pair: an input has both, as a tuple"),
        (lambda run: bertkit.predict(run, file="-", out="a.csv"), "- is for the command line"),
        (lambda run: bertkit.predict(run, file="a.csv", out="-"), "- is for the command line"),
        (lambda run: bertkit.predict(run, file=3, out="a.csv"), "file=3: "),
    ],
)
def test_a_value_of_another_type_is_named(run: Path, call: Any, why: str) -> None:
    with pytest.raises(BertkitError, match=why):
        call(run)


def test_a_data_frame_is_not_its_columns_names(run: Path) -> None:
    frame = pytest.importorskip("pandas").DataFrame({"sentence": ["fine", "dull"]})
    model = bertkit.load(run)
    with pytest.raises(RequestError, match=r"give a column of the table \(table\['text'\]\)"):
        model.predict(frame)
    assert model.predict(frame["sentence"]) == model.predict(["fine", "dull"])
    assert model.predict(frame.to_dict("records")) == model.predict(np.array(["fine", "dull"]))
    assert model.predict(text for text in ("fine", "dull")) == model.predict({"fine": 1, "dull": 2}.keys())


def test_a_file_may_be_text_or_a_path(run: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "new.csv", "sentence\nfine\n")
    for k, kind in enumerate((str, Path, np.str_)):
        assert bertkit.predict(kind(run), file=kind(file), out=kind(tmp_path / f"{k}.csv")).rows == 1
