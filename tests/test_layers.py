"""The house: imports point one way, the content knows the engine's values alone, and every room is small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = (
    "bertkit",
    "errors heads.base",
    "sources heads.classification heads.span heads.tagging",
    "heads",
    "task",
    "spec registry",
    "encoders peers result watch",
    "cache dropout features hub hub_rows linear lookup order squad table tidy",
    "fetch readers metrics packing",
    "unpadded",
    "rows stats modules batches loss devices stored",
    "best checkpoint encoding splits model memory stop",
    "folder layouts same",
    "request evaluate loop",
    "keeper",
    "train",
    "run",
    "suite alike score",
    "compare",
    "predict curves",
    "cli.launch cli.progress",
    "cli.options cli.screen",
    "cli.tasks cli.finetune cli.eval_ cli.compare cli.predict cli.resume",
    "cli",
    "__main__",
)
"""From low to high: a module imports what lies below it, at the top of its file or inside a function."""

FOR_TASKS = {"bertkit.errors", "bertkit.heads", "bertkit.sources", "bertkit.spec", "bertkit.task"}
LATE = {("bertkit.heads.classification", "bertkit.features")}
LATE |= {("bertkit.heads.span", "bertkit.features"), ("bertkit.heads.tagging", "bertkit.features")}
"""The arrows that point up: a head's methods make features, and import them when they are called."""


def named(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files_of(package: str) -> dict[str, Path]:
    return {named(path): path for path in sorted((ROOT / package).rglob("*.py"))}


ENGINE, CONTENT = files_of("bertkit"), files_of("tasks")
RANKS = {
    name if name == "bertkit" else f"bertkit.{name}": rank
    for rank, layer in enumerate(LAYERS)
    for name in layer.split()
}


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


def test_every_module_has_its_layer() -> None:
    assert set(RANKS) == set(ENGINE)


@pytest.mark.parametrize("module", ENGINE)
def test_a_module_imports_only_what_lies_below_it(module: str) -> None:
    arrows = {(module, name) for name in engine_imports(ENGINE[module])} - LATE
    assert {name for _, name in arrows if RANKS[name] >= RANKS[module]} == set()


@pytest.mark.parametrize(("module", "name"), sorted(LATE))
def test_an_arrow_that_points_up_is_there_only_once_a_function_is_called(module: str, name: str) -> None:
    assert name in engine_imports(ENGINE[module])
    assert name not in engine_imports(ENGINE[module], late=False)


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
