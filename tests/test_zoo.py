"""`bertkit zoo`: every fact has a source, parameters are those that transformers counts, and runs stand beside them."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import reported
from door import Refused, refused, unfinished
from files import write

import bertkit
from bertkit import registry
from bertkit.cli import main
from bertkit.errors import RequestError
from bertkit.files import write_json
from bertkit.pretraining import PRETRAINING
from bertkit.published import Cited, PublishedModel, Reference, size_of
from bertkit.registry import Pack
from bertkit.result import Failure, Score
from bertkit.runs.folder import RESULT, SPEC, read_result, write_result

__all__ = ["refused"]

MODELS = registry.models()
REFERENCES = registry.references()
ASKED = "ELMo BERT-base BERT-large ERNIE GPT-2 RoBERTa XLNet ALBERT Megatron T5 BART Turing-NLG GPT-3 Switch DeBERTa"


def said(capfd: pytest.CaptureFixture[str], *typed: str) -> tuple[str, str]:
    """What `bertkit zoo` prints, and what it notes on stderr."""
    with pytest.raises(SystemExit) as left:
        main(["zoo", *typed])
    printed = capfd.readouterr()
    assert left.value.code == 0, printed.err
    return printed.out, printed.err


def named(name: str) -> PublishedModel:
    (one,) = [model for model in MODELS if model.name == name]
    return one


def run(below: Path, task: str = "sst2", **changes: Any) -> Path:
    """The folder of a finished run on the sample, with a score of .75 and 1,234,567 parameters."""
    return reported.run(below, replace(reported.sample(task), **changes), reported.one_wrong_in_four)


def with_result(folder: Path, **changes: Any) -> Path:
    result = read_result(folder)
    assert result
    write_result(folder, replace(result, **changes))
    return folder


@pytest.mark.parametrize("name", [*ASKED.split(), "ModernBERT"])
def test_every_model_of_the_lecture_is_there(name: str) -> None:
    assert any(model.name.startswith(name) for model in MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.name)
def test_every_fact_has_a_source_that_is_in_the_table_of_sources(model: PublishedModel) -> None:
    for name, cell in model.cells.items():
        if cell is not None:
            assert cell.source in REFERENCES, name
            assert cell.at, name


def test_every_source_has_a_title_and_an_address_and_is_cited() -> None:
    assert all(one.title and re.fullmatch(r"https://\S+", one.url) for one in REFERENCES.values())
    assert set(bertkit.zoo().cited) == set(REFERENCES)


def test_a_year_that_is_read_off_an_arxiv_number_agrees_with_it() -> None:
    dated = [(one, REFERENCES[one.year.source].url) for one in MODELS if "arXiv" in one.year.at]
    assert len(dated) > 12
    for one, url in dated:
        assert one.year.value == 2000 + int(url.rpartition("/")[2][:2]), one.name


@pytest.mark.parametrize("model", [one for one in MODELS if one.counted], ids=lambda one: one.name)
def test_counted_parameters_are_those_of_transformers_own_model_of_that_configuration(model: PublishedModel) -> None:
    import torch
    import transformers

    assert model.counted
    config = getattr(transformers, model.counted.config)(**model.counted.settings)
    with torch.device("meta"):
        network = transformers.AutoModel.from_config(config)
    assert sum(one.numel() for one in network.parameters()) == model.parameters.value
    assert model.parameters.source == "hub"


def test_parameters_that_are_not_counted_are_a_papers() -> None:
    paper = {one.name: one.parameters.source for one in MODELS if one.counted is None}
    assert set(paper) == {"ELMo", "Megatron-LM", "Megatron-BERT", "Turing-NLG", "GPT-3", "Switch-C"}
    assert "hub" not in paper.values()


def test_a_glue_score_that_was_computed_is_the_mean_of_the_published_scores_of_its_tasks() -> None:
    computed = [one.glue for one in MODELS if one.glue and one.glue.tasks]
    assert [round(glue.value, 4) for glue in computed] == [0.8816]
    # 89.9 + 94.9 + 92.5 + 87.0 + 96.6 + 90.4 + 62.8 + 91.2 = 705.3, an eighth of it 88.16
    assert [sum(glue.tasks.values()) for glue in computed] == [pytest.approx(7.053)]


def test_the_glue_score_of_bert_large_is_the_one_that_the_suite_shows() -> None:
    suite = registry.find_suite("glue")
    (published,) = [one for one in suite.published if one.name == "BERT-large"]
    glue = named("BERT-large").glue
    assert glue
    assert suite.averages[0].columns
    means = [
        sum(published.scores[c.task, *key] for key in c.metrics) / len(c.metrics) for c in suite.averages[0].columns
    ]
    assert sum(means) / len(means) == pytest.approx(glue.value, abs=0.0005)


def test_a_pack_whose_fact_has_no_source_is_refused() -> None:
    fact = Cited(value=2018, source="nowhere", at="page 1")
    model = PublishedModel(name="one", year=fact, parameters=fact, data=None, objective=None)
    with pytest.raises(ValueError, match="one: the source 'nowhere' of its year is no reference"):
        Pack(name="own", tasks=(), suites=(), samples=Path(), models=(model,))
    here = Reference(key="nowhere", title="A page", url="https://example.org")
    assert Pack(name="own", tasks=(), suites=(), samples=Path(), models=(model,), references=(here,)).models == (model,)


@pytest.mark.parametrize(
    ("count", "shown"),
    [(93_600_000, "93.6M"), (335_141_888, "335M"), (8_300_000_000, "8.3B"), (999_600_000, "1B"),
     (1_571_000_000_000, "1.57T"), (4_386_178, "4.39M"), (950, "950")],
)  # fmt: skip
def test_a_size_has_three_digits_at_most(count: int, shown: str) -> None:
    assert size_of(count) == shown


def test_the_table_fits_80_columns_and_says_what_is_blank(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out, err = said(capfd)
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80
    plain = out.replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"^BERT-large +2018 +335M +BooksCorpus.* 80\.5 *$", plain, re.M)
    assert re.search(r"^GPT-3 +2020 +175B p .* – *$", plain, re.M)
    assert re.search(r"^ALBERT-xxlarge .* 89\.4 e *$", plain, re.M)
    assert "– blank: not found" in plain
    names = [line.split("  ")[0] for line in plain.splitlines()[1:] if line[:1].isalpha()]
    assert names == [one.name for one in sorted(MODELS, key=lambda one: one.parameters.value)]


def test_json_has_every_fact_with_its_source_and_says_which_are_blank(capfd: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capfd, "--json")[0])
    assert set(found["sources"]) == set(REFERENCES)
    models = {one["name"]: one for one in found["models"]}
    assert models["GPT-2"]["glue"] == {"value": None, "note": "blank: not found"}
    assert models["BERT-large"]["glue"] == {"value": 0.805, "source": "bert", "at": "abstract", "kind": "test"}
    counted = models["BERT-large"]["parameters"]
    assert (counted["value"], counted["at"]) == (335_141_888, "google-bert/bert-large-uncased")
    assert counted["counted"]["config"] == "BertConfig"
    cells = [cell for one in models.values() for name, cell in one.items() if name != "name"]
    assert all(cell["source"] in found["sources"] for cell in cells if cell["value"] is not None)


def test_markdown_has_a_number_at_every_fact_that_the_table_of_sources_has(capfd: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capfd, "--markdown")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in out.splitlines() if line.startswith("| ")]
    models = [row for row in rows if len(row) == 6 and row[0] in {one.name for one in MODELS}]
    sources = {row[0] for row in rows if len(row) == 3 and row[0].startswith("[")}
    assert len(models) == len(MODELS)
    assert len(sources) == len(REFERENCES)
    for row in models:
        for cell in row[1:]:
            assert cell == "blank: not found" or cell[cell.rindex("[") :] in sources, row


def test_runs_stand_beside_the_models_by_size_with_the_mean_of_their_seeds(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = run(tmp_path), run(tmp_path, seed=43)
    result = read_result(second)
    assert result
    score = Score(value=0.85, low=0.8, high=0.9)
    with_result(second, evaluations=(replace(result.evaluations[0], metrics={"accuracy": score}),))
    out, err = said(capfd, "--runs", str(tmp_path))
    assert err == ""
    lines = out.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert re.match(r"sample +yours +1\.23M +sst2, 2 seeds +accuracy 80\.0", lines[1])  # (75 + 85) / 2, the smallest
    (own,) = bertkit.zoo(runs=tmp_path).runs
    assert (own.parameters, own.metric, own.score) == (1_234_567, "accuracy", pytest.approx(0.8))
    assert own.folders == (first, second)


def test_a_copy_of_a_run_is_no_further_seed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = run(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    out, err = said(capfd, "--runs", str(tmp_path / "one"), "--runs", str(tmp_path / "two"))
    assert "sst2 " in out and "sst2, " not in out
    assert err == "left out 1 with the options and the seed of another\n"
    (own,) = bertkit.zoo(runs=[tmp_path / "one", tmp_path / "two"]).runs
    assert own.folders == (first,)


def test_a_run_on_the_sample_and_a_failed_one_are_marked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = with_result(run(tmp_path), marks=("sample",), failures=(Failure(reason="constant", advice="less"),))
    assert "accuracy 75.0*" in said(capfd, "--runs", str(folder))[0]
    assert "| sample; failed |" in said(capfd, "--markdown", "--runs", str(folder))[0]
    assert json.loads(said(capfd, "--json", "--runs", str(folder))[0])["runs"][0]["marks"] == ["sample", "failed"]


def test_what_a_folder_holds_besides_finished_runs_is_counted_and_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path)
    unfinished(tmp_path / "begun")
    for name, text in {"cut": '{"schema_number": 1, "spec', "bytes": b"\xff\xfe\x00", "list": "[]"}.items():
        write(tmp_path / name / RESULT, text)
    write(tmp_path / "pretrained" / RESULT, "{}")
    write_json(tmp_path / "pretrained" / SPEC, {PRETRAINING: {}})
    write(tmp_path / "notes.txt", "no run")
    write(tmp_path / "cut.before" / RESULT, "backups are no runs")
    out, err = said(capfd, "--runs", str(tmp_path))
    assert "sst2" in out
    assert err.startswith(
        f"{tmp_path}: left out 1 not finished, 1 of pretraining, without a task, 3 that cannot be read ("
    )
    assert f"{tmp_path / 'cut' / RESULT} is damaged" in err
    assert err.count("\n") == 1


def test_a_score_that_is_not_finite_and_odd_parameters_are_no_traceback(tmp_path: Path) -> None:
    folder = run(tmp_path)
    result = json.loads((folder / RESULT).read_text("utf-8"))
    for odd in (None, [1], "many", -3, True):
        write(folder / RESULT, json.dumps({**result, "encoder": {"parameters": odd}}))
        assert bertkit.zoo(runs=folder).runs[0].parameters == (1 if odd is True else None)
    result["evaluations"][0]["metrics"]["accuracy"]["value"] = float("nan")
    write(folder / RESULT, json.dumps(result))
    with pytest.raises(RequestError, match="its score is not finite"):
        bertkit.zoo(runs=folder)


@pytest.mark.parametrize("kind", ["png", "svg", "SVG"])
def test_the_figure_has_every_model_and_the_runs(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "runs"), run(tmp_path / "runs", "mrpc")
    path = tmp_path / f"zoo.{kind}"
    _, err = said(capfd, "--runs", str(tmp_path / "runs"), "--plot", str(path))
    assert err == f"figure: {path}\n"
    if kind == "png":
        assert path.read_bytes().startswith(b"\x89PNG")
    else:
        text = path.read_text("utf-8")
        for words in ("Switch-C  1.57T", "sample, 2 runs  1.23M", "your runs", "100B", *(one.name for one in MODELS)):
            assert words in text
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == [path.name]


def test_the_figure_of_one_run_has_its_score_and_without_runs_it_has_none(tmp_path: Path) -> None:
    folder, path = run(tmp_path / "runs"), tmp_path / "zoo.svg"
    bertkit.zoo(runs=[folder], plot=path)
    assert "sample, sst2 75.0  1.23M" in path.read_text("utf-8")
    bertkit.zoo(plot=path)
    assert "your runs" not in path.read_text("utf-8")


def test_json_names_the_figure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "zoo.svg"
    assert json.loads(said(capfd, "--json", "--plot", str(path))[0])["figure"] == str(path)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("--markdown --json", "--markdown and --json: give one of them"),
        ("--runs nowhere", "--runs nowhere: there is no such folder"),
        ("--runs empty", "--runs empty: it holds no finished run: no run at all"),
        ("--runs begun", "--runs begun: it holds no finished run: 1 not finished"),
        ("--plot zoo.pdf", "--plot zoo.pdf: its name must end in .png or .svg"),
        ("--plot zoo", "--plot zoo: its name must end in .png or .svg"),
        ("--plot folder.png", "--plot folder.png: it is a folder; name the file to write"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, refused: Refused, typed: str, line: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.png").mkdir()
    unfinished(tmp_path / "begun")
    before = sorted(tmp_path.rglob("*"))
    assert refused("zoo", *typed.split()) == f"Error: {line}\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_figure_below_a_folder_that_is_not_there_is_refused(tmp_path: Path, refused: Refused) -> None:
    assert refused("zoo", "--plot", "no/zoo.png") == f"Error: --plot no/zoo.png: there is no folder {tmp_path / 'no'}\n"


@pytest.mark.parametrize("odd", [3, b"runs", [3], object(), None])
def test_from_python_runs_are_names_or_paths(odd: Any) -> None:
    with pytest.raises(RequestError, match=r"^runs="):
        bertkit.zoo(runs=odd)
