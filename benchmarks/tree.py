"""The tree in CONTRIBUTING.md: a line a folder, then a line a file, made from the modules' docstrings."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOTS = ("bertkit", "tasks", "tests", "benchmarks")
OTHER = {
    "pyproject.toml": "metadata, and the settings of every tool",
    "Makefile": "make demo, test, check, bench, results, pages, torture",
    ".ci/run": "what CI runs: make test with the slow tests and more kills, and with real data where it is there",
    "bertkit/": "the engine: knows heads by their contract, never a task by its name",
    "tasks/": "the tasks that come with bertkit, installed as bertkit_tasks",
    "tests/": "a file for each module, and the laws that every task obeys",
    "tasks/samples/": "hand-written rows for GLUE, two tasks of each other suite, treebanks and QA, a folder each",
    "benchmarks/results/": "a file for each finished result",
}
"""What has no docstring, or deserves a longer line than its docstring."""


def tree(root: Path = ROOT) -> str:
    """The tree as a Markdown block; AssertionError for a module without a docstring."""
    files = modules(root)
    folders = {name: summary(root / name / "__init__.py") for name in files if (root / name / "__init__.py").exists()}
    described = {**{f"{name}/": text for name, text in folders.items()}, **OTHER}
    names = sorted((name for name in described if name.endswith("/")), key=_as_walked)
    top = [name for name in described if not name.endswith("/")]
    lines = _aligned({name: described[name] for name in [*top, *names]})
    for folder, paths in files.items():
        lines += ["", f"{folder}/", *(f"  {line}" for line in _aligned({p.name: summary(p) for p in paths}))]
    return "\n".join(["```", *lines, "```"])


def modules(root: Path = ROOT) -> dict[str, list[Path]]:
    """The Python files of each folder, by the folder's path below `root`; a folder's own `__init__` is left out."""
    found: dict[str, list[Path]] = defaultdict(list)
    paths = [path for name in ROOTS for path in (root / name).rglob("*.py")]
    for path in sorted(paths, key=lambda path: _as_walked(path.relative_to(root).as_posix())):
        folder = found[path.parent.relative_to(root).as_posix()]
        if path.name != "__init__.py":
            folder.append(path)
    return dict(found)


def summary(path: Path) -> str:
    """The first sentence of a module's docstring, without its full stop."""
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring, f"{path} has no docstring"
    paragraph = " ".join(docstring.partition("\n\n")[0].split())
    return re.split(r"\.\s+(?=[A-Z`])", paragraph)[0].rstrip(".")


def _as_walked(path: str) -> tuple[int, list[str]]:
    """Sorts paths by root, in the order of ROOTS, then by name."""
    parts = path.rstrip("/").split("/")
    return ROOTS.index(parts[0]), parts


def _aligned(described: Mapping[str, str]) -> list[str]:
    width = max(map(len, described), default=0)
    return [f"{name:{width}}  {text}" for name, text in described.items()]
