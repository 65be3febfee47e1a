"""The structure: imports point one way, tasks import values only, files and functions stay small."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = (
    "errors progress",
    "heads",
    "objectives",
    "sources files findings published",
    "task",
    "spec registry",
    "pretraining",
    "encoders result",
    "hub machine kernels",
    "data",
    "models request",
    "training evaluation",
    "plots runs",
    "studies deploy analysis",
    "reports",
    "cli",
    "api",
)
"""From low to high, the rooms of one floor side by side: folders, and the files at the top of bertkit/.

A file imports from its own room or from a lower floor, at its top or inside a function.
"""

VALUES = ("errors", "heads", "objectives", "published", "sources", "spec", "task")
FOR_TASKS = {f"bertkit.{name}" for name in VALUES}
RANKS = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}
TOP = {"bertkit": -1, "bertkit.__main__": len(FLOORS)}
"""The package itself, which imports nothing, and its entry point."""

NO_TORCH = (
    *("errors", "files", "published", "sources", "task", "spec", "registry", "encoders", "result", "progress"),
    *("data", "request", "hub", "plots", "cli", "api"),
)
"""Rooms that load no torch, at the top of a file or inside a function."""


def named(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files_of(package: str) -> dict[str, Path]:
    return {named(path): path for path in sorted((ROOT / package).rglob("*.py"))}


ENGINE, CONTENT = files_of("bertkit"), files_of("tasks")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path, late: bool = True) -> Iterator[str]:
    """What a file imports; what only a type checker reads does not count, functions' own imports if `late`."""
    waiting: list[ast.AST] = [tree_of(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
        elif late or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _imported_from(path, node)


def _imported_from(path: Path, node: ast.ImportFrom) -> Iterator[str]:
    package = path.relative_to(ROOT).parent.parts[: None if node.level <= 1 else 1 - node.level]
    start = ".".join([*(package if node.level else ()), *([node.module] if node.module else [])])
    for alias in node.names:
        inner = f"{start}.{alias.name}"
        yield inner if inner in ENGINE or inner in CONTENT else start


def engine_imports(path: Path, late: bool = True) -> set[str]:
    return {name for name in imports(path, late) if name.split(".")[0] == "bertkit"}


def room_of(module: str) -> str:
    """`data` of bertkit.data.rows; `task` of bertkit.task."""
    return module.split(".")[1]


def rank_of(module: str) -> int:
    return TOP[module] if module in TOP else RANKS[room_of(module)]


def test_every_room_of_the_engine_has_its_floor() -> None:
    assert {room_of(module) for module in ENGINE if module not in TOP} <= set(RANKS)


@pytest.mark.parametrize("module", ENGINE)
def test_a_file_imports_from_its_own_room_or_from_a_lower_floor(module: str) -> None:
    others = {name for name in engine_imports(ENGINE[module]) if name in TOP or room_of(name) != room_of(module)}
    assert {name for name in others if rank_of(name) >= rank_of(module)} == set()


def test_no_files_import_each_other_in_a_circle() -> None:
    arrows = {module: engine_imports(path, late=False) - {module} for module, path in ENGINE.items()}
    TopologicalSorter(arrows).prepare()  # raises CycleError


def test_a_circle_would_be_found() -> None:
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()


@pytest.mark.parametrize("module", [module for module in ENGINE if module not in TOP and room_of(module) in NO_TORCH])
def test_a_file_that_answers_in_a_blink_never_loads_torch_itself(module: str) -> None:
    assert {
        name for name in imports(ENGINE[module]) if name.split(".")[0] in ("torch", "transformers", "accelerate")
    } == set()


def test_bertkit_never_imports_its_tasks() -> None:
    tops = {module: {name.split(".")[0] for name in imports(path)} for module, path in ENGINE.items()}
    assert {module for module, names in tops.items() if names & {"tasks", "bertkit_tasks"}} == set()


@pytest.mark.parametrize("module", CONTENT)
def test_a_task_imports_the_values_it_is_made_of_and_its_siblings(module: str) -> None:
    foreign = {name for name in imports(CONTENT[module]) if name.split(".")[0] in ("bertkit", "bertkit_tasks", "tasks")}
    assert foreign <= FOR_TASKS | set(CONTENT)


@pytest.mark.parametrize("module", CONTENT)
def test_a_task_reaches_its_siblings_by_relative_imports(module: str) -> None:
    nodes = list(ast.walk(tree_of(CONTENT[module])))
    absolute = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    absolute += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    assert {name.split(".")[0] for name in absolute} & {"tasks", "bertkit_tasks"} == set()


@pytest.mark.parametrize("module", [*ENGINE, *CONTENT])
def test_no_file_is_over_300_lines(module: str) -> None:
    assert len({**ENGINE, **CONTENT}[module].read_text("utf-8").splitlines()) <= 300


@pytest.mark.parametrize("module", [*ENGINE, *CONTENT])
def test_no_function_is_over_45_lines_its_signature_not_counted(module: str) -> None:
    functions = [
        node
        for node in ast.walk(tree_of({**ENGINE, **CONTENT}[module]))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = {node.name: (node.end_lineno or 0) - node.body[0].lineno + 1 for node in functions}
    assert {name: lines for name, lines in lengths.items() if lines > 45} == {}


def asks_what_a_head_is(tree: ast.AST) -> list[int]:
    """The lines that look at a head's class or at its `kind`, and not at what it says of itself."""
    names = {"Head", "Classification", "MultiLabel", "Tagging", "Span"}
    lines = []
    for node in ast.walk(tree):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id
        if called in ("isinstance", "issubclass") and names & {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}:
            lines.append(node.lineno)
        if called == "type" and "head" in ast.unparse(node):
            lines.append(node.lineno)
        if isinstance(node, ast.Compare) and re.search(r"head\.kind\b", ast.unparse(node)):
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("module", [m for m in (*ENGINE, *CONTENT) if not m.startswith("bertkit.heads")])
def test_no_code_outside_heads_asks_which_head_it_is(module: str) -> None:
    assert asks_what_a_head_is(tree_of({**ENGINE, **CONTENT}[module])) == []


@pytest.mark.parametrize(
    "code", ["isinstance(task.head, Span)", "task.head.kind == 'span'", "type(head)", "isinstance(x, Span | Tagging)"]
)
def test_the_question_which_head_it_is_would_be_found(code: str) -> None:
    assert asks_what_a_head_is(ast.parse(code)) == [1]


def parameters_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many a caller may give, positional or by keyword; `self` and `cls` are not given."""
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return len([one for one in given if one.arg not in ("self", "cls")])


@pytest.mark.parametrize("module", [*ENGINE, *CONTENT])
def test_no_function_has_more_than_seven_parameters(module: str) -> None:
    nodes = ast.walk(tree_of({**ENGINE, **CONTENT}[module]))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {one.name: parameters_of(one) for one in functions if parameters_of(one) > 7} == {}


@pytest.mark.parametrize(
    ("code", "count"), [("def f(self, a, b=1, *c, d, **e): ...", 3), ("def f(a, /, b): ...", 2), ("def f(): ...", 0)]
)
def test_parameters_are_counted_without_self(code: str, count: int) -> None:
    (function,) = ast.parse(code).body
    assert isinstance(function, ast.FunctionDef)
    assert parameters_of(function) == count
