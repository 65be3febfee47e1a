"""Coverage-guided fuzzing of the readers: `python tests/guided.py conllu -max_total_time=300` (needs `atheris`).

What it finds becomes a line in test_readers.py or test_readers_nested.py. Arguments behind the reader are libFuzzer's.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bertkit.data", "bertkit.heads"]):
    from bertkit.data import readers, validate

from bertkit import registry
from bertkit.errors import DataError

TASKS = {"conllu": "ud_en_ewt", "json": "squad_v2", "tsv": "mrpc"}
TSV = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\tIt rained.\tRain fell.\n0\t3\t4\tIt rained.\tNo.\n"
SAMPLES = Path(__file__).parent.parent / "tasks" / "samples"


def shortened(path: Path) -> bytes:
    """Some rows of a sample: of JSON, which is nothing unless whole, one document with three questions."""
    if path.suffix != ".json":
        return path.read_bytes()[:2_000]
    whole = json.loads(path.read_text("utf-8"))
    document = whole["data"][0]
    document["paragraphs"] = [{**document["paragraphs"][0], "qas": document["paragraphs"][0]["qas"][:3]}]
    return json.dumps({**whole, "data": [document]}).encode()


def main() -> None:
    """Read whatever libFuzzer makes, until something else than DataError comes of it."""
    suffix = sys.argv.pop(1)
    task = registry.find(TASKS[suffix])
    path = Path(tempfile.mkdtemp()) / f"rows.{suffix}"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        try:
            raw = ((f"line {number}", row) for number, row in readers.read_raw(path))
            for row in validate.validate_rows(raw, task.source, task.head, golds=True):
                assert row["row_id"]
        except DataError as error:
            assert "\n" not in str(error)

    corpus = Path(tempfile.mkdtemp())
    (corpus / "0").write_text(TSV, "utf-8")
    for k, whole in enumerate(sorted(SAMPLES.glob(f"{task.name}/*.{suffix}")), 1):
        (corpus / str(k)).write_bytes(shortened(whole))
    atheris.Setup([*sys.argv, str(corpus)], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
