"""A built wheel, away from the repository: it lists the tasks, carries the samples, and nothing more."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LINES = (ROOT / ".gitignore").read_text("utf-8").split() if (ROOT / ".gitignore").is_file() else []
IGNORED = [".git", *(line.rstrip("/") for line in LINES)]
PRELUDE = f"""
import sys
sys.path.insert(0, sys.argv.pop(1))
sys.path.append({sysconfig.get_paths()["purelib"]!r})
"""
FINDINGS = """
import json
from importlib.metadata import distribution, entry_points
import bertkit
from bertkit import registry
import bertkit_tasks  # noqa

task = registry.find("sst2")
(point,) = entry_points(group=registry.GROUP, name="builtin")
print(json.dumps({
    "bertkit": bertkit.__file__,
    "bertkit_tasks": bertkit_tasks.__file__,
    "metadata": str(point.dist.locate_file("")),
    "tasks": [task.name for task in registry.tasks()],
    "samples": {task.name: str(registry.samples(task)) for task in registry.tasks() if registry.samples(task)},
    "heavy": sorted({"torch", "transformers", "datasets"} & set(sys.modules)),
}))
"""
COMMAND = "from bertkit.cli import main; sys.argv[0] = 'bertkit'; main()"


def run(*command: str, cwd: Path) -> str:
    """What a command says on stdout; where it fails, the test does, with what it says on stderr."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the repository, built with the tools at hand."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "copy", ignore=shutil.ignore_patterns(*IGNORED))
    builder = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), ".")
    run(*builder, cwd=folder / "copy")
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    """A folder with what the wheel holds, and nothing else."""
    folder = wheel.parent.parent / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def isolated(folder: Path, code: str, *arguments: str) -> str:
    """What `code` prints where the wheel comes first, the other packages after it, and no .pth file is read."""
    return run(sys.executable, "-I", "-S", "-c", PRELUDE + code, str(folder), *arguments, cwd=folder)


@pytest.fixture(scope="module")
def findings(unpacked: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(isolated(unpacked, FINDINGS))
    return found


@pytest.mark.parametrize("package", ["bertkit", "bertkit_tasks"])
def test_the_wheel_s_own_code_is_what_is_imported(package: str, findings: dict[str, Any], unpacked: Path) -> None:
    assert Path(findings[package]) == unpacked / package / "__init__.py"


def test_the_tasks_come_in_by_the_wheel_s_own_entry_point(findings: dict[str, Any], unpacked: Path) -> None:
    assert Path(findings["metadata"]) == unpacked


def test_the_wheel_has_every_task_of_the_repository(findings: dict[str, Any]) -> None:
    from bertkit import registry

    here = [task.name for pack in registry.packs() if pack.name == "builtin" for task in pack.tasks]
    assert findings["tasks"] == here


def test_the_wheel_carries_the_samples(findings: dict[str, Any], unpacked: Path) -> None:
    assert Path(findings["samples"]["sst2"]) == unpacked / "bertkit_tasks" / "samples"


def test_the_wheel_carries_every_file_of_the_samples(unpacked: Path) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert files(unpacked / "bertkit_tasks" / "samples") == files(ROOT / "tasks" / "samples")


def test_the_wheel_carries_every_module(unpacked: Path) -> None:
    for package, folder in (("bertkit", "bertkit"), ("bertkit_tasks", "tasks")):
        there = {str(path.relative_to(unpacked / package)) for path in (unpacked / package).rglob("*.py")}
        assert there == {str(path.relative_to(ROOT / folder)) for path in (ROOT / folder).rglob("*.py")}


def test_the_wheel_carries_the_report_s_templates(unpacked: Path) -> None:
    folder = Path("bertkit") / "reports" / "templates"
    there, here = ({path.name for path in (root / folder).iterdir()} for root in (unpacked, ROOT))
    assert there == here


def test_the_wheel_says_that_it_has_types(unpacked: Path) -> None:
    assert (unpacked / "bertkit" / "py.typed").is_file()


def test_nothing_else_stands_at_the_top_of_the_wheel(unpacked: Path) -> None:
    (metadata,) = unpacked.glob("bertkit-*.dist-info")
    assert {path.name for path in unpacked.iterdir()} == {"bertkit", "bertkit_tasks", metadata.name}


def test_bertkit_tasks_of_the_wheel_lists_its_tasks(findings: dict[str, Any], unpacked: Path) -> None:
    listed = json.loads(isolated(unpacked, COMMAND, "tasks", "--json"))
    assert sorted(task["name"] for task in listed) == sorted(findings["tasks"])


def test_listing_the_wheel_s_tasks_needs_nothing_heavy(findings: dict[str, Any]) -> None:
    assert findings["heavy"] == []


def test_the_wheel_puts_bertkit_on_the_path(unpacked: Path) -> None:
    (metadata,) = unpacked.glob("bertkit-*.dist-info")
    assert "bertkit = bertkit.cli:main" in (metadata / "entry_points.txt").read_text("utf-8")
