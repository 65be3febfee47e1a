"""What every test starts from: empty caches of its own, a plain terminal, and the real data if it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
os.environ.update(NO_COLOR="1", TERM="dumb", COLUMNS="80", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing kept from before is read, and nothing is left behind."""
    folder = tmp_path_factory.mktemp("caches")
    os.environ["BERTKIT_CACHE"] = str(folder / "bertkit")
    os.environ["HF_HOME"] = str(folder / "huggingface")
    os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real datasets; a test that asks for it is skipped where there is none."""
    folder = (ROOT / os.environ.get("BERTKIT_TEST_DATA", "../shared/data")).resolve()
    if not (folder / "glue").is_dir():
        pytest.skip(f"no datasets in {folder}: set BERTKIT_TEST_DATA")
    return folder
