"""A task file: what `check FILE --save` writes is the same task, can be edited, and says what is wrong with it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import tomlkit
from door import Refused, refused
from files import write
from own_layouts import Layout, checked, pick, sentence, table
from own_tasks import said
from test_own_texts import LAYOUTS as TEXTS
from test_own_words import LAYOUTS as WORDS

from bertkit.cli import check, main
from bertkit.evaluation.metrics import METRICS
from bertkit.request.own_recipe import ALLOWED
from bertkit.runs.folder import read_spec
from bertkit.spec import Spec

__all__ = ["refused"]


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Spec]:
    """The specs that `check` is about to look at, from a working folder that is empty."""
    monkeypatch.chdir(tmp_path)
    seen: list[Spec] = []
    monkeypatch.setattr(check, "check_rows", seen.append)
    return seen


@pytest.mark.parametrize("layout", (*TEXTS, *WORDS), ids=lambda layout: layout.name)
def test_a_saved_task_is_the_task_that_was_understood(
    layout: Layout, specs: list[Spec], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout.write(tmp_path)
    (tmp_path / "below").mkdir()
    for place in ("task.toml", "below/task.toml"):
        typed = checked(capsys, f"{layout.typed} --save {place}")
        assert checked(capsys, place) == {**typed, "notes": []}
        assert specs[-1] == specs[-2]
        assert specs[-1].digest == specs[-2].digest


def reviews(folder: Path) -> None:
    write(folder / "mine/reviews.csv", table("review,stars,id", lambda k: (sentence(k), pick("bad good", k), k)))


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A task file beside its reviews."""
    monkeypatch.chdir(tmp_path)
    reviews(tmp_path)
    with pytest.raises(SystemExit):
        main(["check", "mine/reviews.csv", "--save", "mine/task.toml", "--json"])
    return tmp_path / "mine/task.toml"


def edit(path: Path, change: Callable[[tomlkit.TOMLDocument], object]) -> None:
    document = tomlkit.parse(path.read_text("utf-8"))
    change(document)
    path.write_text(tomlkit.dumps(document), "utf-8")


def test_every_key_of_a_task_file_has_a_comment(saved: Path) -> None:
    lines = saved.read_text("utf-8").splitlines()
    keys = [line for line in lines if re.match(r"\[|\w+ = ", line) and not line.endswith("= [")]
    names = {"text", "label", "id", "train"}  # of columns and files: their table says what they are
    assert [line for line in keys if " # " not in line and line.split()[0] not in names] == []
    assert lines[0].startswith("# A task for bertkit") and max(map(len, lines[:9])) <= 80


def test_an_edited_task_file_is_followed(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(document: tomlkit.TOMLDocument) -> None:
        document["name"] = "stars"
        document["head"].update({"labels": ["good", "bad"]})  # type: ignore[union-attr]
        document["recipe"].update({"max_length": 99})  # type: ignore[union-attr]
        document["hold_out"].update({"share": 0.5})  # type: ignore[union-attr]

    edit(saved, change)
    found = checked(capsys, "mine/task.toml")
    assert (found["task"], found["labels"], found["max_length"]) == ("stars", ["good", "bad"], 99)
    assert [one["rows"] for one in found["splits"]] == [12, 12]


def test_a_task_file_by_hand_needs_a_head_files_and_columns_only(
    tmp_path: Path, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "mine/dev.csv", table("review,stars", lambda k: (sentence(k + 50), pick("bad good", k)), 8))
    by_hand = '[head]\nkind = "classification"\n[files]\ntrain = "reviews.csv"\ndev = "dev.csv"\n'
    write(tmp_path / "mine/short.toml", by_hand + '[columns]\ntext = "review"\nlabel = "stars"\n')
    found = checked(capsys, "mine/short.toml")
    assert (found["task"], found["labels"]) == ("short", ["bad", "good"])
    assert [(one["split"], one["rows"]) for one in found["splits"]] == [("train", 24), ("dev", 8)]
    write(tmp_path / "mine/more.csv", table("review,stars", lambda k: (sentence(k + 90), pick("bad good", k)), 6))
    several = by_hand.replace('"reviews.csv"', '["reviews.csv", "more.csv"]')
    write(tmp_path / "mine/several.toml", several + '[columns]\ntext = "review"\nlabel = "stars"\n')
    assert [one["rows"] for one in checked(capsys, "mine/several.toml")["splits"]] == [30, 8]


def test_a_share_that_is_typed_is_held_out_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"film {k} is {pick('bad good', k)},{pick('bad good', k)}\n" for k in range(12_000))
    write(tmp_path / "big.csv", f"review,stars\n{rows}")
    saved = tmp_path / "big.toml"
    for typed, held in (("", 2_400), (f"--dev-share 0.9 --save {saved}", 10_800)):
        found = checked(capsys, f"{tmp_path / 'big.csv'} {typed}")
        assert [one["rows"] for one in found["splits"]] == [12_000 - held, held]
    assert [one["rows"] for one in checked(capsys, str(saved))["splits"]] == [1_200, 10_800]


WRONG = {
    "[recipe]\nepoch = 2": "mine/task.toml: recipe: no key is called 'epoch'; did you mean epochs?",
    "[recipe]\nlearning-rat = 1e-4": "recipe: no key is called 'learning_rat'; did you mean learning_rate?",
    '[recipe]\nepochs = "two"': "mine/task.toml: recipe.epochs: input should be a valid number, not 'two'",
    "[recipe]\nepochs = 0": "mine/task.toml: recipe: epochs 0: it must be a number above 0",
    '[recipe]\nloss = "hinge"': "recipe.loss: input should be 'cross-entropy' or 'focal', not 'hinge'",
    "colums = 1": "mine/task.toml: no key is called 'colums'; did you mean columns?",
    "[hold_out]\nshare = 2": "mine/task.toml: hold_out: dev-share 2: it is a share",
    "[hold_out]\nshares = 2": "mine/task.toml: hold_out: no key is called 'shares'; did you mean share?",
    "understood = 3": "mine/task.toml: understood: input should be a valid array, not 3",
    'name = "../x"': "mine/task.toml: name '../x': letters, digits, - and _ only",
    '[evaluations.dev]\nmetrics = ["acuracy"]': "evaluations.dev: no metric is called 'acuracy'; did you mean acc",
    "[evaluations.dev]\nmetrics = []": "mine/task.toml: evaluations.dev: it has no metrics",
    '[evaluations.dve]\nmetrics = ["f1"]': "evaluations.dve: no split is called 'dve'; did you mean dev?",
    "hub = 1": "mine/task.toml: it must have either [files] or [hub]",
    "[formats.dev]\nkind = 1": "mine/task.toml: formats: no key is called 'dev'; there is train",
    '[formats.train]\nkind = "exel"': "mine/task.toml: formats.train.kind: input should be 'csv', 'tsv'",
    "[formats]\ntrain = 3": "mine/task.toml: formats.train: it must be a table, not 3",
    '[columns]\ntext = []\nlabel = "stars"': "mine/task.toml: columns.text: it names nothing",
    "[columns]\ntext = 3": "mine/task.toml: columns.text: input should be a valid array, not 3",
    '[head]\nkind = "clasification"': "head: no head is called 'clasification'; did you mean classification?",
    "[head]\npair = false": "mine/task.toml: head: it has no kind; it is one of classification, multi-label",
    '[head]\nkind = "classification"\nscheme = "BIO"': "mine/task.toml: head: no key is called 'scheme'",
    '[head]\nkind = "classification"\npair = 2': "mine/task.toml: head.pair: input should be a valid boolean, not 2",
    '[head]\nkind = "chunk-tagging"\nscheme = "BOI"': "mine/task.toml: head: ",
    '[files]\ntrian = "reviews.csv"': "mine/task.toml: files: no key is called 'trian'; did you mean train?",
    '[files]\ntrain = "review.csv"': "no train split in mine",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_in_a_task_file_is_one_line_that_names_the_key(saved: Path, refused: Refused, wrong: str) -> None:
    plain = tomllib.loads(saved.read_text("utf-8"))
    write(saved, tomlkit.dumps({**plain, **tomllib.loads(wrong)}))
    for command in ("check", "finetune"):
        assert WRONG[wrong] in refused(command, "mine/task.toml")


@pytest.mark.parametrize("key", ["head", "columns", "files"])
def test_a_task_file_lacks_no_table_that_is_needed(saved: Path, refused: Refused, key: str) -> None:
    edit(saved, lambda document: document.remove(key))
    line = refused("check", "mine/task.toml")
    assert f"[{key}]" in line


def test_a_file_that_is_no_toml_or_not_there_is_named(tmp_path: Path, refused: Refused) -> None:
    assert refused("finetune", "no.toml") == "Error: no.toml: there is no such file\n"
    write(tmp_path / "a.toml", "name = \n")
    assert refused("finetune", "a.toml").startswith("Error: a.toml is not TOML: ")
    write(tmp_path / "a.toml", b'name = "\xe9"\n')
    assert refused("finetune", "a.toml").startswith("Error: a.toml is not TOML: ")


def test_options_for_a_files_columns_are_refused_with_a_task_file(saved: Path, refused: Refused) -> None:
    line = refused("finetune", "mine/task.toml", "--label-column", "stars", "--no-header")
    assert line.startswith("Error: --label-column, --no-header: mine/task.toml says how its files are read")


def test_where_a_task_file_is_saved_nothing_is_lost(saved: Path, refused: Refused) -> None:
    before = saved.read_bytes()
    assert "the file exists; --force replaces it" in refused("check", "mine/reviews.csv", "--save", "mine/task.toml")
    assert saved.read_bytes() == before
    assert "ends in .toml" in refused("check", "mine/reviews.csv", "--save", "mine/reviews.csv")
    assert "it is a folder" in refused("check", "mine/reviews.csv", "--save", "mine")
    assert "there is no folder no" in refused("check", "mine/reviews.csv", "--save", "no/a.toml")
    assert "sst2 is a task that has a name" in refused("check", "sst2", "--sample", "--save", "a.toml")
    saved.write_text("")
    with pytest.raises(SystemExit):
        main(["check", "mine/reviews.csv", "--save", "mine/task.toml", "--force"])
    assert saved.read_bytes() == before


def test_a_task_file_trains_into_the_folder_of_its_csv_and_scores_a_model(
    saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    flags = f"--model {tiny.make('bert', tmp_path / 'tiny')} --device cpu --max-steps 1 --json --quiet".split()
    first = said(capsys, "finetune", "mine/reviews.csv", *flags)
    again = said(capsys, "finetune", "mine/task.toml", *flags)
    assert again["folder"] == first["folder"]
    assert read_spec(Path(first["folder"])).data == "mine"
    model = str(Path(first["folder"]) / "model")
    scored = said(capsys, "eval", "mine/task.toml", "--model", model, "--device", "cpu", "--json", "--quiet")
    assert (
        scored["evaluations"][0]["metrics"]
        == json.loads((Path(first["folder"]) / "result.json").read_text())["evaluations"][0]["metrics"]
    )


def test_the_metrics_that_fit_a_head_are_all_there_are_of_its_kind() -> None:
    kinds = {"classification": "label", "multi-label": "labels", "regression": "number", "chunk-tagging": "tags"}
    kinds["qa"] = "text"
    for head, kind in kinds.items():
        assert set(ALLOWED[head]) == {name for name, metric in METRICS.items() if metric.kind == kind}
