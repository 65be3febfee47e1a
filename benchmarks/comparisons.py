"""The table of pretrained against scratch, made from the compare.json of each comparison."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import header_lines, row_line

HERE = Path(__file__).parent
TASKS = ("sst2", "mrpc")


def table() -> str:
    """Both arms of every comparison, then its picture and the command it was made by, in Markdown."""
    found = [_read(task) for task in TASKS]
    lines = header_lines(
        *("task", "arm", "final score", "best score", "loss area", "updates to the other's best"),
        "pretrained - scratch",
    )
    lines += [line for one in found for line in _arms(one)]
    for one in found:
        name = one["task"]
        picture = f"![Training loss and score of both arms on {name}](pretrain-vs-scratch-{name}.png)"
        rows = ", ".join(one["marks"])
        lines += ["", picture, "", f"{name}, {rows}: `{_command(one)}`"]
    return "\n".join(lines)


def _read(task: str) -> dict[str, Any]:
    text = (HERE / f"pretrain-vs-scratch-{task}.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)["tasks"][0]
    return found


def _arms(one: dict[str, Any]) -> list[str]:
    gap = one["difference"]
    ends = (f"{100 * gap['mean']:+.1f} (p = {gap['p']:.3f})", "")
    lines = []
    for arm, end in zip(one["arms"], ends, strict=True):
        scores = [_spread(arm["final"], 100, 1), _spread(arm["best on the way"], 100, 1)]
        area = _spread(arm["area under the training loss"], 1, 3)
        reached = _reached(arm["updates to the other's best"])
        lines.append(row_line(f"{one['task']} ({one['metric']})", arm["arm"], *scores, area, reached, end))
    return lines


def _spread(found: dict[str, float], factor: int, digits: int) -> str:
    return f"{factor * found['mean']:.{digits}f} ± {factor * found['sd']:.{digits}f}"


def _reached(updates: list[int | None]) -> str:
    """The median over the seeds that reached it, and how many did."""
    reached = [one for one in updates if one is not None]
    return f"{median(reached):g} ({len(reached)} of {len(updates)} seeds)" if reached else "never"


def _command(one: dict[str, Any]) -> str:
    """The command that makes the comparison again."""
    arm = one["arms"][0]
    spec = arm["spec"]
    return (
        f"bertkit compare pretrain-vs-scratch --data DATA --model {spec['model']} --tasks {one['task']} "
        f"--limit {spec['limit']} --epochs {spec['recipe']['epochs']:g} --eval-every {spec['eval_every']} "
        f"--lr {spec['recipe']['learning_rate']:g} --seeds {len(arm['runs'])}"
    )
