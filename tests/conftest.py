"""Fixtures of every test: empty caches, a plain terminal, and the real data if it is there."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parent.parent
os.environ.update(NO_COLOR="1", TERM="dumb", COLUMNS="80", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")
CACHES = TemporaryDirectory(prefix="bertkit-tests-")  # before anything reads where they are
os.environ.update(BERTKIT_CACHE=f"{CACHES.name}/bertkit", HF_HOME=f"{CACHES.name}/huggingface", HF_HUB_OFFLINE="1")


FIRST = ("test_pretrain_learns", "test_unpadded", "test_resume_processes", "test_kit_resume", "test_pretrain_resume")
"""Files that take minutes: begun last, one of them would keep a single process busy at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first; tests marked slow are skipped, but for BERTKIT_SLOW=1, as .ci/run has it."""
    items.sort(key=lambda item: item.path.stem not in FIRST)
    if os.environ.get("BERTKIT_SLOW") == "1":
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: set BERTKIT_SLOW=1 to run it"))


def pytest_unconfigure() -> None:
    """Nothing is left behind."""
    CACHES.cleanup()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real datasets; a test that asks for it is skipped where there is none."""
    folder = (ROOT / os.environ.get("BERTKIT_TEST_DATA", "../shared/data")).resolve()
    if not (folder / "glue").is_dir():
        pytest.skip(f"no datasets in {folder}: set BERTKIT_TEST_DATA")
    return folder
