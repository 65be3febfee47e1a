"""bertkit from Python: the same answers as the command line, its flags as keywords, errors as exceptions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from threading import Thread
from typing import Any, get_args, get_type_hints

import pytest
import tiny
import untrained
from files import write

import bertkit
from bertkit import api
from bertkit.cli import main
from bertkit.cli.predict import PredictFlags
from bertkit.errors import BertkitError, DataError, RequestError, UnknownNameError
from bertkit.request.flags import RunFlags
from bertkit.request.keywords import GROUPS, Options, Target
from bertkit.request.pretrain_flags import PairFlags, PretrainFlags
from bertkit.request.pretrain_keywords import PairOptions
from bertkit.request.search_flags import NOT_SEARCHED, SearchFlags, SearchOptions
from bertkit.result import Finished
from bertkit.runs.rescore import Scores

LOADED = """
import json, sys
import bertkit
{more}
print(json.dumps(sorted(name for name in {heavy} if name in sys.modules)))
"""
HEAVY = ("numpy", "torch", "transformers", "datasets", "pyarrow", "pydantic", "tokenizers", "scipy", "sklearn", "typer")
TEXTS = ["A film to remember.", "Dull.", "Nobody dared to leave before the end of it."]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs with random weights."""
    return untrained.runs(tmp_path_factory.mktemp("runs"), "sst2", "rte", "squad", "ud_en_ewt")


def said(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """What `bertkit predict --json` prints."""
    with pytest.raises(SystemExit):
        main(["predict", str(folder), "--json", *arguments])
    return [json.loads(line) for line in capsys.readouterr().out.split("\n")[:-1]]


def loaded(more: str, *heavy: str) -> list[str]:
    """Which of these modules `import bertkit`, and more lines, load."""
    code = LOADED.format(more=more, heavy=list(heavy or HEAVY))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def test_importing_bertkit_loads_nothing_heavy_and_no_command_line() -> None:
    assert loaded("") == []
    assert loaded("assert bertkit.errors.RequestError and 'finetune' in dir(bertkit)") == []
    assert loaded("bertkit.finetune", *(set(HEAVY) - {"typer"})) == []
    assert loaded("import numpy") == ["numpy"]


def test_the_answers_are_those_of_the_command(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    of_command = said(folders["sst2"], capsys, *TEXTS)
    for found in (bertkit.predict(folders["sst2"], TEXTS), bertkit.load(folders["sst2"]).predict(TEXTS)):
        assert [(one.value, one.scores) for one in found] == [(one["answer"], one["scores"]) for one in of_command]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("task", "given", "typed"),
    [
        ("rte", ("One came.", "Two came."), ("One came.", "--pair", "Two came.")),
        ("rte", {"text": "One came.", "text_pair": "Two came."}, ("One came.", "--pair", "Two came.")),
        ("rte", {"sentence1": "One came.", "sentence2": "Two came."}, ("One came.", "--pair", "Two came.")),
        ("squad", ("Who came?", "Anna came."), ("--question", "Who came?", "--context", "Anna came.")),
        (
            *("squad", {"question": "Who came?", "context": "Anna came.", "id": 7}),
            ("--question", "Who came?", "--context", "Anna came."),
        ),
        ("ud_en_ewt", "Go, now", ("Go, now",)),
        ("ud_en_ewt", ["Go", ",", "now"], ("Go, now",)),
        ("ud_en_ewt", {"words": ["Go", ",", "now"]}, ("Go, now",)),
    ],
)
def test_pairs_questions_and_words_are_tuples_dicts_and_lists(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str], task: str, given: Any, typed: tuple[str, ...]
) -> None:
    (answer,) = bertkit.load(folders[task]).predict([given])
    (expected,) = said(folders[task], capsys, *typed)
    assert (answer.value, answer.scores) == (expected["answer"], expected["scores"])


@pytest.mark.parametrize(
    ("task", "given", "why"),
    [
        ("sst2", ["fine", " "], r"inputs\[1\]: the text is empty"),
        ("sst2", [None], r"inputs\[0\]: a NoneType, not a text"),
        ("sst2", [{"text": ""}], r"inputs\[0\]: the text is empty"),
        ("rte", ["One."], r"inputs\[0\]: a text alone; this run reads text and text_pair: give a tuple"),
        ("rte", [("One.",)], r"inputs\[0\]: 1 texts; this run reads text and text_pair"),
        ("ud_en_ewt", [[]], r"inputs\[0\]: a sentence without words"),
        ("sst2", "fine", r"give a list of inputs"),
    ],
)
def test_an_input_that_cannot_be_read_is_named_by_its_index(
    folders: dict[str, Path], task: str, given: Any, why: str
) -> None:
    with pytest.raises(BertkitError, match=why):
        bertkit.load(folders[task]).predict(given)


def test_a_dict_without_the_run_s_columns_names_them(folders: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r"no column 'sentence' or 'text'"):
        bertkit.load(folders["sst2"]).predict([{"review": "fine"}])


def test_a_loaded_run_answers_again_and_from_several_threads(folders: dict[str, Path]) -> None:
    run = bertkit.load(folders["sst2"])
    assert run.labels == ("negative", "positive")
    assert run.predict([]) == []
    expected = run.predict(TEXTS)
    found: list[Any] = []
    threads = [Thread(target=lambda: found.append(run.predict(TEXTS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_a_file_is_answered_as_by_the_command(folders: dict[str, Path], tmp_path: Path) -> None:
    file = write(tmp_path / "new.csv", "sentence,n\nfine,1\n,2\n")
    done = bertkit.predict(folders["sst2"], file=file, out=tmp_path / "a.csv", top_k=1)
    assert (done.out, done.rows, done.unanswered) == (tmp_path / "a.csv", 2, 1)
    with pytest.raises(SystemExit):
        main(["predict", str(folders["sst2"]), "--file", str(file), "--out", str(tmp_path / "b.csv"), "--top-k", "1"])
    assert done.out.read_bytes() == (tmp_path / "b.csv").read_bytes()
    with pytest.raises(RequestError, match="exists: --force overwrites it"):
        bertkit.predict(folders["sst2"], file=file, out=tmp_path / "a.csv")


def test_a_run_is_trained_scored_and_asked_from_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body, rows = tiny.make("bert", tmp_path / "body"), tiny.write_reviews(tmp_path / "rows", tiny.REVIEWS, tiny.REVIEWS)
    asked: Options = {
        "model": body,
        "data": rows,
        "epochs": 1,
        "batch_size": 4,
        "device": "cpu",
        "out": tmp_path / "runs",
    }
    done = bertkit.finetune("sst2", **asked)
    assert isinstance(done, Finished)  # and for a type checker too
    assert (done.before, done.result.spec.recipe.batch_size, done.folder.parent) == (False, 4, tmp_path / "runs")
    scores = bertkit.evaluate(done.folder)
    assert isinstance(scores, Scores)
    assert scores.evaluations[0].metrics == done.result.evaluations[0].metrics
    model = done.folder / "model"
    again = bertkit.evaluate("sst2", model=model, data=rows, device="cpu")
    assert isinstance(again, Scores)
    assert again.evaluations[0].metrics == scores.evaluations[0].metrics
    several = bertkit.finetune("sst2", seeds=2, **asked)
    assert isinstance(several, list)
    assert [(one.before, one.result.spec.seed) for one in several] == [(True, 42), (False, 43)]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("call", "kind", "why"),
    [
        (lambda: bertkit.finetune("sst3"), UnknownNameError, "did you mean sst2"),
        (lambda: bertkit.finetune("sst2", lr=1e-4), RequestError, "'lr' from Python: it is learning_rate"),
        (lambda: bertkit.analyse("word"), RequestError, "analyse word: missing a required argument: 'model'"),
        (lambda: bertkit.finetune("sst2", epoch=1), UnknownNameError, "no option of finetune is called 'epoch'"),
        (lambda: bertkit.finetune("sst2", sample=True, epochs="many"), RequestError, "epochs='many': .*number"),
        (lambda: bertkit.finetune("sst2", sample=True, device="gpu"), RequestError, "device='gpu': .*'cuda'"),
        (lambda: bertkit.finetune("sst2", sample=True, epochs=0), RequestError, "--epochs 0"),
        (lambda: bertkit.finetune("sst2", sample=True, seeds=0), RequestError, "--seeds 0"),
        (lambda: bertkit.finetune("sst2", sample=True, processes=2), RequestError, "one process"),
        (lambda: bertkit.compare(tasks=["sst2"], warmup=0.5), RequestError, "compare has no such option"),
        (lambda: bertkit.compare("this"), UnknownNameError, "comparison"),
        (lambda: bertkit.compare("prompting", task="sst2"), RequestError, "name a causal language model"),
        (lambda: bertkit.compare("prompting", task="sst2", model="a", shots="x"), RequestError, "--shots x"),
        (lambda: bertkit.compare("nsp-vs-sop", corpus="nowhere.txt"), BertkitError, r"nowhere\.txt"),
        (lambda: bertkit.compare("nsp-vs-sop", corpus=3), RequestError, "corpus=3: name files or folders"),
        (lambda: bertkit.compare("nsp-vs-sop", corpus="a", objective="mlm"), RequestError, "no option of compare nsp"),
        (lambda: bertkit.compare("nsp-vs-sop", corpus="a", keep_best=True), RequestError, "has no such option"),
        (lambda: bertkit.evaluate("sst2"), RequestError, "model="),
        (lambda: bertkit.evaluate("glue", sample=True, text_column="x"), RequestError, "--text-column: these are for"),
        (lambda: bertkit.load("nowhere"), RequestError, "nowhere"),
        (lambda: bertkit.predict("nowhere", ["a"]), RequestError, "nowhere"),
    ],
)
def test_a_mistake_is_an_exception_of_bertkit(call: Any, kind: type[BertkitError], why: str) -> None:
    with pytest.raises(kind, match=why):
        call()


def test_there_is_no_other_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'finetun'"):
        _ = bertkit.finetun


def plain_types(groups: tuple[type[Any], ...]) -> dict[str, Any]:
    """The type of each flag of these groups, without its option."""
    hints = {name: hint for group in groups for name, hint in get_type_hints(group, include_extras=True).items()}
    return {name: get_args(hints[name])[0] for group in groups for name in [field.name for field in fields(group)]}


def test_the_keywords_are_the_flags_with_their_types() -> None:
    listed, flags = get_type_hints(Options), plain_types(GROUPS)
    assert {name: flags[name] for name in flags if name not in listed} == {}, "add these to Options"
    assert {name: listed[name] for name in listed if name not in flags} == {}, "remove these from Options"
    assert {
        name: kind
        for name, kind in listed.items()
        if kind not in (flags[name], flags[name] | Target, flags[name] | str, flags[name] | str | int)
    } == {}


def test_the_keywords_of_search_are_its_flags_beside_those_of_finetune() -> None:
    flags: Mapping[str, Any] = plain_types((SearchFlags,))
    assert set(get_type_hints(SearchOptions)) - set(get_type_hints(Options)) == set(flags)
    assert set(NOT_SEARCHED) <= set(get_type_hints(Options))


def test_the_keywords_of_predict_are_flags_of_predict() -> None:
    flags: Mapping[str, Any] = plain_types((PredictFlags,))
    assert set(get_type_hints(api.PredictOptions)) == set(flags) - {"pair", "question", "context"}


@pytest.mark.parametrize(
    ("keywords", "group"), [(api.PretrainOptions, PretrainFlags), (PairOptions, PairFlags)], ids=["one", "both"]
)
def test_the_keywords_of_pretrain_and_of_nsp_vs_sop_are_their_flags(keywords: Any, group: type[Any]) -> None:
    listed, flags = get_type_hints(keywords), plain_types((group, RunFlags))
    options = {name: get_args(hint)[1] for name, hint in get_type_hints(RunFlags, include_extras=True).items()}
    others = {name for name, option in options.items() if option.only and "pretrain" not in option.only}
    assert set(listed) == set(flags) - others
    assert {name for name, kind in listed.items() if kind not in (flags[name], flags[name] | Target)} == set()


def test_check_looks_at_a_file_and_saves_its_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"Film {i} to see.,good\nDull for {i} hours.,bad\nDull.,bad\n" for i in range(10)]
    reviews = write(tmp_path / "reviews.csv", "review,sentiment\n" + "".join(rows))
    found = bertkit.check(reviews, dev_share=0.5, save=tmp_path / "reviews.toml")
    assert {split.name: split.found.labels for split in found.splits}.keys() == {"train", "dev"}
    assert found.labels == ("bad", "good") and found.wrong
    assert capsys.readouterr() == ("", "")
    assert bertkit.check(tmp_path / "reviews.toml").plain()["splits"] == found.plain()["splits"]
    with pytest.raises(RequestError, match="the file exists"):
        bertkit.check(reviews, save=tmp_path / "reviews.toml")
    with pytest.raises(UnknownNameError, match="out"):
        bertkit.check(reviews, out="runs")


def test_a_file_is_scored_by_the_checkpoints_label_names(folders: dict[str, Path], tmp_path: Path) -> None:
    rows = write(tmp_path / "new.csv", "text,label\nA film to remember.,Positive\nDull.,positive\n")
    scores = bertkit.evaluate(rows, model=folders["sst2"] / "model")
    assert scores.evaluations[0].rows == 2
