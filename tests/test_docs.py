"""The pages are true: commands parse, paths and links exist, examples run, tables and tree come from the files."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import tiny
import typer

from benchmarks import pages, results, summary, tree
from bertkit.cli import app, main
from bertkit.cli.options import ALIASES
from bertkit.heads import Head
from bertkit.heads.fitting import Fits
from bertkit.task import Task

ROOT = Path(__file__).parent.parent
PAGES = {name: (ROOT / name).read_text("utf-8") for name in pages.PAGES}
README, CONTRIBUTING = PAGES["README.md"], PAGES["CONTRIBUTING.md"]
OF_RUN_GLUE = {"--bf16", "--fp16"}
"""Options in the README that are another program's; those with underscores are too."""


def blocks(page: str, language: str = r"\w*") -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.S | re.M)


def commands() -> list[str]:
    """Every whole `bertkit ...` command in the pages' blocks and sentences."""
    lines = [line for page in PAGES.values() for block in blocks(page) for line in block.splitlines()]
    typed = [line.removeprefix("$ ").partition(" #")[0].strip() for line in lines]
    typed += [cell for page in PAGES.values() for cell in re.findall(r"`(bertkit [^`]*)`", page)]
    return list(dict.fromkeys(line for line in typed if line.startswith("bertkit ") and "..." not in line.split()))


def between(page: str, mark: str) -> list[str]:
    """The lines between a page's two marks."""
    return page.partition(f"<!-- {mark}: begin -->\n")[2].partition(f"\n<!-- {mark}: end -->")[0].splitlines()


@pytest.mark.parametrize("command", commands())
def test_every_command_exists_with_every_flag(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*shlex.split(command)[1:], "--help"])
    assert left.value.code == 0, capsys.readouterr().err


def test_an_unknown_flag_would_be_found(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["finetune", "sst2", "--no-such-flag", "--help"])
    assert left.value.code == 2


def test_every_option_in_the_readmes_sentences_exists() -> None:
    prose = re.sub(r"^```.*?^```", "", README, flags=re.S | re.M)
    options = set(re.findall(r"`(--[a-z0-9-]+)(?![\w-])", prose)) - OF_RUN_GLUE - {"--help"}
    found = typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
    commands = [inner for one in found for inner in (one, *getattr(one, "commands", {}).values())]
    there = {
        name for one in commands for parameter in one.params for name in (*parameter.opts, *parameter.secondary_opts)
    }
    assert len(options) > 12
    assert options - there - {f"--{alias}" for alias in ALIASES} == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_exists(name: str) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    named = {inline or typed for inline, typed in re.findall(r"`make (\w+)|^(?:\$ )?make (\w+)", PAGES[name], re.M)}
    assert named
    assert named <= targets


@pytest.mark.parametrize("name", PAGES)
def test_what_is_made_from_files_is_up_to_date(name: str) -> None:
    assert pages.made(name) == PAGES[name], "run `make pages`"


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 250
    assert len(between(README, "results")) <= 15
    assert len(between(README, "speed")) <= 8


def tasks_shown(page: str) -> set[str]:
    return {line.split("|")[1].strip() for line in between(PAGES[page], "results")[2:]}


def test_the_benchmarks_page_has_a_line_for_every_result_and_the_readme_for_its_own() -> None:
    assert tasks_shown("benchmarks/README.md") - {""} == {planned.task for planned in results.PLAN}
    assert tasks_shown("README.md") == set(results.README_TASKS)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_points_at_a_file_and_its_heading(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", PAGES[name])
    for target, heading in links:
        path = (ROOT / name).parent / target if target else ROOT / name
        assert path.is_file(), target
        titles = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.M) if heading else []
        assert not heading or heading in {title.lower().replace(" ", "-") for title in titles}


def test_every_path_in_contributing_exists() -> None:
    prose = CONTRIBUTING.partition("<!-- tree: begin -->")[0]
    paths = set(re.findall(r"`((?:bertkit|tasks|tests|benchmarks)/[\w./]*)`", prose))
    assert len(paths) > 40
    assert not {path for path in paths if not (ROOT / path).exists()}


def test_every_member_of_a_head_is_in_contributing_and_those_it_must_have_are_marked() -> None:
    part = CONTRIBUTING.partition("## Add a head")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:4] for line in part.splitlines() if line.startswith("| `")]
    shown = {name: "required" in end for names, _, end in rows for name in re.findall(r"`(\w+)`", names)}
    members = {name for one in (Head, Fits) for name in vars(one) if not name.startswith("_")}
    assert shown == {"kind": True, "labels": True} | {name: name in Head.__abstractmethods__ for name in members}


def test_each_function_of_the_call_chain_calls_the_next() -> None:
    chain = re.findall(r"^\| [\w ]+ \| `(\w+)` in `([\w/.]+)`", CONTRIBUTING, re.M)
    assert len(chain) == 4
    for (function, path), (called, _) in zip(chain, [*chain[1:], ("updater", "")], strict=True):
        source = (ROOT / path).read_text("utf-8")
        assert re.search(rf"^def {function}\(", source, re.M), (function, path)
        assert re.search(rf"(?<!def )\b{called}\(", source), (called, path)


def test_the_tree_has_a_line_for_every_file() -> None:
    shown, folder = set(), ""
    for line in between(CONTRIBUTING, "tree"):
        if line.endswith("/"):
            folder = line
        elif found := re.match(r"  (\S+\.py)\s+\S", line):
            shown.add(folder + found[1])
    roots = ("bertkit", "tasks", "tests", "benchmarks")
    files = {path.relative_to(ROOT).as_posix() for root in roots for path in (ROOT / root).rglob("*.py")}
    assert files
    assert shown == {path for path in files if not path.endswith("__init__.py")}


def test_the_tree_is_made_of_the_first_sentences_of_docstrings(tmp_path: Path) -> None:
    for path, text in {
        "bertkit/__init__.py": '"""Not shown: the tree has its own line for bertkit."""',
        "bertkit/data/__init__.py": '"""Rows and features. No torch."""',
        "bertkit/data/deep/reader.py": '"""Reads a file, after Efron et al. 1979.\n\nAnd more."""',
        "bertkit/data/rows.py": '"""Rows: what was\nlocated. Then read."""',
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    made = tree.tree(tmp_path).splitlines()
    assert "bertkit/data/        Rows and features" in made
    assert made[made.index("bertkit/data/") :] == [
        "bertkit/data/",
        "  rows.py  Rows: what was located",
        "",
        "bertkit/data/deep/",
        "  reader.py  Reads a file, after Efron et al. 1979",
        "```",
    ]


def test_speed_is_a_range_over_the_machines_that_measured_it(tmp_path: Path) -> None:
    def side(examples: int) -> dict[str, Any]:
        return {"turns": [{"examples": examples, "seconds": 2.0}] * 3, "batch_size": 8}

    tuned = {"part": "training", "peer": "tuned", "kind": "classification"}
    kept = {
        f"training/{task}/minilm/tuned": {**tuned, "task": task, "sides": {"default": side(30), "peer": side(20)}}
        for task in summary.TRAINED
    }
    sides = {"bertkit": side(40), "pipeline, best batch": side(20)}
    kept["prediction/mnli/minilm"] = {"part": "prediction", "task": "mnli", "sides": sides}
    kept["startup/first update"] = {"part": "startup", "seconds": {"bertkit": [2.0, 2.0], "run_glue": [5.0, 5.0]}}
    (tmp_path / "bench.json").write_text(json.dumps(kept), "utf-8")
    (tmp_path / "second.json").write_text(json.dumps({"ratios": {"mnli": {"times": [1.2, 1.1, 1.3]}}}), "utf-8")
    rows = summary.table(tmp_path / "bench.json", tmp_path / "second.json").splitlines()[2:]
    cells = [[cell.strip() for cell in row.split("|")[3:6]] for row in rows]
    assert cells == [
        ["1.50", "1.50 [1.50, 1.50]", "not measured"],
        ["1.20 to 1.50", "1.50 [1.50, 1.50]", "1.20 [1.10, 1.30]"],
        ["1.50", "1.50 [1.50, 1.50]", "not measured"],
        ["1.50", "1.50 [1.50, 1.50]", "not measured"],
        ["2.00", "2.00 [2.00, 2.00]", "not measured"],
        ["2.50", "2.50 [2.50, 2.50]", "not measured"],
    ]


def test_every_result_kept_is_in_the_plan_and_holds_no_machine_path() -> None:
    planned = {path for one in results.PLAN for _, path in one.files()}
    kept = set(results.RESULTS.glob("*.json"))
    assert kept <= planned
    for path in kept:
        text = path.read_text("utf-8")
        assert not re.search(r"\"/\w", text)


READ_ALONE = {
    "sst2": "pipeline('text-classification', model=MODEL)('a film to remember')",
    "mnli": "pipeline('text-classification', model=MODEL)({'text': 'a dog sleeps', 'text_pair': 'an animal rests'})",
    "stsb": "pipeline('text-classification', model=MODEL)({'text': 'a dog', 'text_pair': 'a cat'})",
    "ud_en_ewt": "pipeline('token-classification', model=MODEL)('the dog sleeps')",
    "squad": "AutoModelForQuestionAnswering.from_pretrained(MODEL)",
}


@pytest.mark.parametrize("task", READ_ALONE)
def test_transformers_reads_every_heads_model_as_the_readme_says(
    task: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import transformers

    encoder = tiny.make("bert", tmp_path / "encoder")
    brief = ["--limit", "4", "--max-steps", "1", "--quiet", "--json", "--out", str(tmp_path / "runs")]
    with pytest.raises(SystemExit) as left:
        main(["finetune", task, "--sample", "--model", str(encoder), *brief])
    output = capfd.readouterr()
    assert left.value.code == 0, output.err
    model = str(Path(json.loads(output.out)["folder"]) / "model")
    names = {name: getattr(transformers, name) for name in ("pipeline", "AutoModelForQuestionAnswering")}
    assert eval(READ_ALONE[task], {**names, "MODEL": model})


def test_the_readmes_script_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    encoder = tiny.make("bert", tmp_path / "encoder")
    (tmp_path / "new.csv").write_text("id,sentence\n1,A film to remember.\n2,Two hours that I want back.\n", "utf-8")
    (script,) = blocks(README, "python")
    names: dict[str, Any] = {}
    exec(script.replace('model="sample"', f"model={str(encoder)!r}"), names)
    assert len((tmp_path / "answered.csv").read_text("utf-8").splitlines()) == 3


def test_transformers_has_no_pipeline_for_question_answering() -> None:
    from transformers.pipelines import PIPELINE_REGISTRY

    tasks = PIPELINE_REGISTRY.get_supported_tasks()
    assert {"text-classification", "token-classification"} <= set(tasks)
    assert "question-answering" not in tasks


def test_the_example_of_a_task_is_a_task() -> None:
    (block,) = blocks(CONTRIBUTING, "python")
    names: dict[str, Any] = {}
    exec(block, names)
    (task,) = names["TASKS"]
    assert isinstance(task, Task)
    assert task.name == "topic"
