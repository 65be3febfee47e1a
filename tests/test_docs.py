"""The README says what is so: its commands parse, its tree is whole, its numbers come from the files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from benchmarks import precision, report, results
from bertkit.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def commands() -> list[str]:
    """Every `bertkit ...` line in the README's blocks and table."""
    blocks = re.findall(r"```\w*\n(.*?)```", README, re.S)
    lines = [line.removeprefix("$ ").partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    cells = re.findall(r"`(bertkit [^`]*)`", README)
    return list(dict.fromkeys(line for line in [*lines, *cells] if line.startswith("bertkit ")))


@pytest.mark.parametrize("command", commands())
def test_every_command_exists_with_every_flag(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*shlex.split(command)[1:], "--help"])
    assert left.value.code == 0, capsys.readouterr().err


def test_an_unknown_flag_would_be_found(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["finetune", "sst2", "--no-such-flag", "--help"])
    assert left.value.code == 2


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`?make (\w+)", README)) - {"it", "its", "sure"} <= targets


def test_the_tree_has_a_line_for_every_file() -> None:
    tree = README.partition("<!-- tree: begin -->")[2].partition("<!-- tree: end -->")[0]
    files = [path for folder in ("bertkit", "tasks", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    missing = [path.name for path in files if not re.search(rf"^\s*{re.escape(path.name)}\s+\S", tree, re.M)]
    assert files
    assert not missing


def test_the_table_of_results_is_made_from_the_files() -> None:
    assert results.with_table(README, results.table()) == README


def test_the_table_of_precisions_is_made_from_the_runs() -> None:
    assert results.with_table(README, precision.table(), precision.MARKS) == README


def test_the_tables_of_speed_are_those_of_the_last_measurement() -> None:
    shown = README.partition("<!-- bench: begin -->")[2].partition("<!-- bench: end -->")[0]
    assert shown.strip() == report.table()


def test_every_result_kept_is_in_the_plan_and_holds_no_machine_path() -> None:
    planned = {path for one in results.PLAN for _, path in one.files()}
    kept = set(results.RESULTS.glob("*.json"))
    assert kept <= planned
    for path in kept:
        text = path.read_text("utf-8")
        assert not re.search(r"\"/\w", text)
