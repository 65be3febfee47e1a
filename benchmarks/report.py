"""The tables of speed and memory, from bench.json. Ratios are of bertkit to the other side, within a round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.setting import Entry, read

KEPT = Path(__file__).parent / "bench.json"
MODELS = {"minilm": "MiniLM-L6", "bert-base": "BERT-base, random"}
SAMPLES = 10_000

TRAINING = """\
**Training**, bertkit / the other side: the same rows, tokens and batches (32 rows; 12 windows for QA, as in run_qa.py's
README), each side in a process of its own, in turns. "Times as fast" and "of the peak" are medians over rounds with
their 90 % interval; everything else is over all rounds together. The peak is the fastest matrix product measured before
and after, in the side's own precision. The loss is the mean of the last turn; on QA, Trainer's also counts padding as a
possible answer position."""
PREDICTION = """\
**Prediction**, bertkit / the other side: from texts to answers, in fp32, models already loaded."""
STARTUP = """\
**Start-up**, medians over rounds, files in the page cache; "times as long" with its 90 % interval."""
CHECKPOINTS = """\
**Checkpoints**: how much longer the updates take while one is written, in total, than as many updates in between: the
median with its 90 % interval, and its share of the time from one checkpoint to the next."""
PRETRAINING = """\
**Pretraining** by masked words, bertkit / the other side: the same rows of 128 tokens, 16 of them a batch, the same
model and vocabulary of 8,192 pieces, each side in a process of its own, in turns; run_mlm.py with its defaults (fp32,
dropout 0.1), tuned without dropout and in bf16, as bertkit is. "Times as fast" and "of the peak" as above; the peak is
that of the encoder's matrix products for a batch of this size, on as many threads."""
MEMORY = """\
**Memory against rows**: `RssAnon` of one command, sampled every 50 ms from its start to its end."""
FILE = """\
**Memory of `finetune FILE`**: as above, of a CSV file with ids, of which 20 %, at most 10,000 rows, are held out and
scored at the end."""
GROWTH = """\
**Growth**: rows, length and encoder, changed one at a time; `RssAnon` of one command from its start to its end.
On two million rows the first updates share the cores with the encoding of the remaining rows."""


def table(path: Path = KEPT) -> str:
    """All tables, in Markdown; empty if nothing was measured."""
    kept = read(path)
    parts = {
        "training": _training,
        "pretraining": _pretraining,
        "prediction": _prediction,
        "startup": _startup,
        "checkpoints": _checkpoints,
        "memory": _memory,
        "file": _memory,
        "growth": _memory,
    }
    blocks = []
    for part, lines in parts.items():
        entries = {key: entry for key, entry in kept.items() if entry["part"] == part}
        if entries:
            blocks += [*lines(entries), "", *_sources(list(entries.values())), ""]
    return "\n".join(blocks).rstrip()


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """The median over rounds of ours / theirs, and the bounds of its 90 % interval."""
    return middle(np.asarray(ours, np.float64) / np.asarray(theirs, np.float64))


def middle(each: NDArray[np.float64]) -> tuple[float, float, float]:
    """The median over rounds, and the bounds of its 90 % interval over 10,000 bootstrap samples of the rounds."""
    draws = np.random.default_rng(0).integers(0, len(each), (SAMPLES, len(each)))
    low, high = np.percentile(np.median(each[draws], axis=1), [5, 95])
    return float(np.median(each)), float(low), float(high)


def rates(side: Entry) -> list[float]:
    """Examples a second of each turn."""
    return [turn["examples"] / turn["seconds"] for turn in side["turns"]]


def total(side: Entry, what: str) -> float:
    """`what` per second, over all turns together."""
    return float(sum(turn[what] for turn in side["turns"]) / sum(turn["seconds"] for turn in side["turns"]))


def share(entry: Entry, side: Entry) -> str:
    """The share of the peak, in the side's own precision, that real tokens use; the better peak of before and after."""
    peak = max(entry["peak_gflops"][side["precision"]].values())
    tokens = np.array([turn["tokens"] / turn["seconds"] for turn in side["turns"]])
    median, low, high = middle(100 * tokens * entry["flop_per_token"] / (peak * 1e9))
    return f"{median:.0f} [{low:.0f}, {high:.0f}] %"


def opponent(peer: str, kind: str) -> str:
    """A peer's description: the transformers example that trains so by default, or its flags."""
    example = {"tagging": "run_ner.py", "span": "run_qa.py"}.get(kind, "run_glue.py")
    pads = kind != "tagging"  # run_ner.py alone pads each batch to its longest by default
    return {
        "padded": example if pads else f"{example}, padded to the maximum",
        "dynamic": f"{example}, dynamic padding" if pads else example,
        "tuned": "Trainer, group_by_length, bf16",
    }[peer]


def _flags(changed: dict[str, Any]) -> str:
    """bertkit's flags as typed."""
    if not changed:
        return "none"
    typed = {"fast_dropout": "--torch-dropout"}
    return " ".join(typed.get(name) or f"--{name.replace('_', '-')} {value}" for name, value in changed.items())


def _training(entries: dict[str, Entry]) -> list[str]:
    lines = header_lines(
        *("task", "encoder", "against", "bertkit's flags", "times as fast [90 %]", "examples/s", "real tokens/s"),
        *("of the peak", "peak memory, MiB", "loss", "precision"),
    )
    for entry in entries.values():
        peer = entry["sides"]["peer"]
        for name, side in entry["sides"].items():
            if name == "peer":
                continue
            both = (side, peer)
            lines.append(
                row_line(
                    *(entry["task"], MODELS[entry["model"]], opponent(entry["peer"], entry["kind"])),
                    _flags(entry["variants"][name]),
                    _bounds(ratio(rates(side), rates(peer))),
                    _pair(both, lambda one: f"{total(one, 'examples'):,.0f}"),
                    _pair(both, lambda one: f"{total(one, 'tokens'):,.0f}"),
                    _pair(both, lambda one, entry=entry: share(entry, one)),  # type: ignore[misc]  # mypy can't infer a lambda's default
                    _pair(both, lambda one: f"{one['vm_hwm_mib']:,.0f}"),
                    _pair(both, lambda one: f"{one['loss']:.3f}"),
                    _pair(both, lambda one: one["precision"]),
                )
            )
    return [TRAINING, "", *lines]


def _pretraining(entries: dict[str, Entry]) -> list[str]:
    lines = header_lines(
        *("shape", "threads", "against", "times as fast [90 %]", "tokens/s", "of the peak", "GFLOP/s of the peak"),
        *("peak memory, MiB", "precision"),
    )
    for entry in entries.values():
        ours = entry["sides"]["bertkit"]
        for name, peer in entry["sides"].items():
            if name == "bertkit":
                continue
            both = (ours, peer)
            lines.append(
                row_line(
                    *(f"{entry['shape']} (L{entry['layers']} H{entry['hidden']})", str(entry["threads"] or "all")),
                    name if name == "run_mlm.py" else f"Trainer, {name}",
                    _bounds(ratio(rates(ours), rates(peer))),
                    _pair(both, lambda one: f"{total(one, 'tokens'):,.0f}"),
                    _pair(both, lambda one, entry=entry: share(entry, one)),  # type: ignore[misc]  # mypy can't infer a lambda's default
                    f"{max(entry['peak_gflops'][ours['precision']].values()):,.0f}",
                    _pair(both, lambda one: f"{one['vm_hwm_mib']:,.0f}"),
                    _pair(both, lambda one: one["precision"]),
                )
            )
    return [PRETRAINING, "", *lines]


def _prediction(entries: dict[str, Entry]) -> list[str]:
    lines = header_lines("task", "encoder", "against", "times as fast [90 %]", "rows/s", "answers that differ")
    for entry in entries.values():
        ours = entry["sides"]["bertkit"]
        for name, side in entry["sides"].items():
            if name != "bertkit":
                against = f"pipeline, batches of {side['batch_size']}{' (its best)' if 'best' in name else ''}"
                speed = _bounds(ratio(rates(ours), rates(side)))
                rows = _pair((ours, side), lambda one: f"{total(one, 'examples'):,.0f}")
                differ = f"{entry['differing'][name]} of {entry['rows']:,}"
                lines.append(row_line(entry["task"], MODELS[entry["model"]], against, speed, rows, differ))
    return [PREDICTION, "", *lines]


AGAINST = {
    "shortest script": "bertkit",
    "run_glue": "bertkit",
    "run_glue, rows never read before": "bertkit, rows never read before",
    "import typer, rich": "bertkit --help",
}
"""Each start-up is compared with the bertkit command that does as much."""


def _startup(entries: dict[str, Entry]) -> list[str]:
    lines = header_lines("from the start of the process to", "bertkit, s", "the other, s", "times as long [90 %]")
    for key, entry in entries.items():
        seconds = entry["seconds"]
        for theirs, ours in AGAINST.items():
            if theirs in seconds:
                medians = [f"{ours}: {np.median(seconds[ours]):.2f}", f"{theirs}: {np.median(seconds[theirs]):.2f}"]
                times = _bounds(ratio(seconds[ours], seconds[theirs]))
                lines.append(row_line(key.partition("/")[2], *medians, times))
    return [STARTUP, "", *lines]


def _checkpoints(entries: dict[str, Entry]) -> list[str]:
    lines = header_lines("encoder", "MiB", "costs, s [90 %]", "of the time between two")
    for entry in entries.values():
        excess = entry["excess"]
        cost = ratio(excess, [1.0] * len(excess))
        share = f"{100 * cost[0] / entry['interval']:.2f} % of {entry['interval']:.0f} s"
        lines.append(row_line(MODELS[entry["model"]], f"{entry['mib']:,.0f}", _bounds(cost), share))
    return [CHECKPOINTS, "", *lines]


def _memory(entries: dict[str, Entry]) -> list[str]:
    (entry,) = entries.values()
    lines = header_lines(
        *("rows", "tokens of a row", "encoder", "updates", "s/update", "s to the first"),
        *("peak RssAnon before training, MiB", "from then on, MiB"),
    )
    points = entry["points"]
    for point in points:
        low, high = point["tokens"]
        lines.append(
            row_line(
                *(f"{point['rows']:,}", str(low) if low == high else f"{low} to {high}", MODELS[point["model"]]),
                *(str(point["updates"]), f"{point['seconds_per_update']:.3f}", f"{point['seconds_to_training']:.1f}"),
                *(f"{point['peak_before_training_anon_mib']:,.0f}", f"{point['peak_training_anon_mib']:,.0f}"),
            )
        )
    if entry["part"] == "growth":
        return [GROWTH, "", *lines]
    grown = points[-1]["peak_anon_mib"] - points[0]["peak_anon_mib"]
    rows = f"{points[0]['rows']:,} to {points[-1]['rows']:,} rows"
    return [
        FILE if entry["part"] == "file" else MEMORY,
        "",
        *lines,
        "",
        f"From {rows} the peak grows by {grown:,.0f} MiB.",
    ]


def _sources(entries: list[Entry]) -> list[str]:
    """Commands, dates, machines and versions, each different line once."""
    lines = []
    for entry in entries:
        machine, versions = entry["machine"], entry["versions"]
        flags = f" ({', '.join(machine['flags'])})" if machine["flags"] else ""
        libraries = ", ".join(f"{name} {versions[name]}" for name in ("torch", "transformers"))
        place = f"{machine['cores']} cores of {machine['cpu']}{flags}"
        lines.append(f"`{entry['command']}`, {entry['date']}, {place}, {libraries}.")
    return list(dict.fromkeys(lines))


def _bounds(found: tuple[float, float, float]) -> str:
    middle, low, high = found
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]"


def _pair(sides: tuple[Entry, Entry], show: Callable[[Any], str]) -> str:
    ours, theirs = (show(side) for side in sides)
    return f"{ours} / {theirs}"


def header_lines(*names: str) -> list[str]:
    return [row_line(*names), row_line(*("---" for _ in names))]


def row_line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
