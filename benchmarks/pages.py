"""The parts of README.md, benchmarks/README.md and CONTRIBUTING.md that are made from files: `make pages`.

    python -m benchmarks.pages      write each part between its marks, `<!-- NAME: begin -->` and `<!-- NAME: end -->`

Nothing is measured. `tests/test_docs.py` checks that the pages hold what this writes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    comparisons,
    estimates,
    hour,
    kit,
    long_documents,
    own_table,
    pairs,
    precision,
    report,
    results,
    summary,
    tree,
    verdicts,
)

ROOT = Path(__file__).parent.parent
PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"results": results.short_table, "speed": summary.table},
    "benchmarks/README.md": {
        "results": results.table,
        "precision": precision.table,
        "compare": comparisons.table,
        "own files": own_table.table,
        "kit": kit.table,
        "estimates": estimates.table,
        "long": long_documents.table,
        "hour": hour.table,
        "pairs": pairs.table,
        "verdicts": verdicts.table,
        "second": summary.second_table,
        "bench": report.table,
    },
    "CONTRIBUTING.md": {"tree": tree.tree},
}
"""Each page's parts, by the name in their marks."""


def main() -> None:
    """Write every page that is not up to date."""
    for name in PAGES:
        path = ROOT / name
        text = made(name)
        if text != path.read_text("utf-8"):
            path.write_text(text, "utf-8")
            print(f"wrote {name}")


def made(name: str) -> str:
    """The page as it should be; ValueError where it lacks a mark."""
    text = (ROOT / name).read_text("utf-8")
    for mark, part in PAGES[name].items():
        text = replaced(text, mark, part())
    return text


def replaced(text: str, mark: str, part: str) -> str:
    """`text` with `part` between the two marks; ValueError where there is no such pair."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    start, stop = text.index(begin) + len(begin), text.index(end)
    return f"{text[:start]}\n{part}\n{text[stop:]}"


if __name__ == "__main__":
    main()
