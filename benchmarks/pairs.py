"""The table of next sentences against sentence order, made from the compare.json of `bertkit compare nsp-vs-sop`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.report import header_lines, row_line
from bertkit.studies.pair_findings import NSP, PUBLISHED, SOP, SOURCE

FILE = Path(__file__).parent / "nsp-vs-sop.json"


def table(file: Path = FILE) -> str:
    """Every reader on both kinds of pairs, what the numbers say, and the command they were made by, in Markdown."""
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    lines = header_lines("told by", "text", "NSP pairs", "SOP pairs")
    cells = {(one["reader"], one["reading"], one["pairs"]): _cell(one) for one in found["accuracies"]}
    for reader, reading in dict.fromkeys((reader, reading) for reader, reading, _ in cells):
        lines.append(row_line(reader, reading, cells[reader, reading, NSP], cells[reader, reading, SOP]))
    for reader in (NSP, SOP):
        values = (f"{100 * PUBLISHED[reader, kind]:.1f}" for kind in (NSP, SOP))
        lines.append(row_line(f"{reader}, ALBERT-base", SOURCE, *values))
    lines += ["", *(f"- {sentence}." for sentence in found["sentences"]), ""]
    arms = "; ".join(_arm(arm) for arm in found["arms"])
    lines.append(f"{found['pairs']:,} held-out pairs of either kind. {arms}. `{_command(found)}`")
    return "\n".join(lines)


def _cell(one: dict[str, Any]) -> str:
    score = one["score"]
    return f"{100 * score['value']:.1f} [{100 * score['low']:.1f}, {100 * score['high']:.1f}]"


def _arm(arm: dict[str, Any]) -> str:
    run = arm["runs"][0]
    measures = run["measures"]
    return (
        f"{arm['objective']}: {run['updates']:,} updates, {run['tokens']:,} tokens, masked loss "
        f"{measures['loss']['value']:.3f}, accuracy of blanks {100 * measures['accuracy']['value']:.1f}"
    )


def _command(found: dict[str, Any]) -> str:
    """The command that makes the study again."""
    arm = found["arms"][0]
    spec, seeds = arm["spec"], len(arm["runs"])
    units = {"tokens": ("Mtok", 10**6), "steps": ("step", 1), "seconds": ("s", 1)}
    unit, scale = units[spec["budget"]["unit"]]
    return (
        f"bertkit compare nsp-vs-sop DATA/lm2/en --held-out {100 * spec['corpus']['held_out']:g}% "
        f"--budget {spec['budget']['amount'] / scale:g}{unit} --seeds {seeds}"
    )
