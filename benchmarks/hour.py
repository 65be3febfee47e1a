"""An hour of pretraining on all English text: held-out loss, embryology, and fine-tuning against untrained models.

    python -m benchmarks.hour --data ../shared/data --out runs      pretrain, look, fine-tune, and write hour.json
    python -m benchmarks.hour --table                               print the table, run nothing

What is finished is not run again. `make pages` writes the table into benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import bertkit
from benchmarks.report import header_lines, row_line
from benchmarks.setting import Entry, machine, versions
from bertkit.plots.figure import plain_axes, pyplot, short
from bertkit.reports.embryology import Embryology, figures
from bertkit.result import Pretrained
from bertkit.runs.folder import read_log

HERE = Path(__file__).parent
FILE = HERE / "hour.json"
SHAPE, BUDGET, SEEDS = "mini", "1h", 3
CORPORA = ("lm/gutenberg-en", "lm/wikitext-2", "lm2/en")
LIMITED, PROBED = 2_000, 500
TASKS: tuple[tuple[str, int | None, float | None], ...] = (
    ("ud_en_ewt", None, None), ("sst2", LIMITED, None), ("sst2", None, 1.0), ("rte", None, None)
)  # fmt: skip
"""Tasks to fine-tune on, the first train rows that are taken of each, and epochs; None is all, and the default."""
RATE = 3e-4
"""The learning rate of all fine-tuning: the greatest of those that Turc et al. (2019) tried for small BERTs."""
PAPER = {
    "DET": "1k", "CCONJ": "2k", "ADP": "2k", "PRON": "9k", "ADV": "10k", "VERB": "11k", "ADJ": "13k", "NOUN": "14k",
    "PROPN": "15k",
}  # fmt: skip
"""Updates of ALBERT-base until half of its final accuracy of giving words back, read off the figure of Chiang, Huang
and Lee (2020); its parts of speech are OntoNotes'."""
ARMS = ("same start, untrained", "bert start, untrained")


def main() -> None:
    """Run the study, unless --table; then print what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the folder of the datasets")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="the folder of the runs")
    parser.add_argument("--table", action="store_true", help="print the table, run nothing")
    options = parser.parse_args()
    if not options.table:
        study(options.data, options.out)
    print(table())


def study(data: Path, out: Path) -> None:
    """Pretrain for an hour, and write what the model and the models on its way are worth."""
    corpora = [data / name for name in CORPORA]
    run = bertkit.pretrain(corpora, shape=SHAPE, budget=BUDGET, keep="log", out=out, progress=True)
    tasks: list[dict[str, Any]] = []
    found = None
    for name, limit, epochs in TASKS:
        found = bertkit.embryology(
            run.folder, data=data, probe_sentences=PROBED, downstream=name, points=1, limit=limit, epochs=epochs,
            seeds=SEEDS, learning_rate=RATE, progress=True,
        )  # fmt: skip
        tasks += [{"limit": limit, "epochs": epochs, **one.plain()} for one in found.downstream]
    assert found is not None
    kept = _plain(run, found, tasks)
    FILE.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    shutil.copy(figures(found)[0][0], HERE / "hour-words.png")
    draw_curve(kept, HERE / "hour-loss.png")


def _plain(run: Pretrained, found: Embryology, tasks: list[dict[str, Any]]) -> Entry:
    """What is kept: the numbers and the curve, without this machine's paths."""
    result, seen = run.result, found.plain()
    lines = read_log(run.folder)
    tokens = {line["step"]: line["tokens"] for line in lines if "tokens" in line}
    for one in tasks:
        for point in (*one["pretrained"], *one["untrained"].values()):
            del point["folders"]
    del seen["run"], seen["downstream"], seen["treebank"]["rows"]
    return {
        "command": f"bertkit pretrain {' '.join(f'DATA/{name}' for name in CORPORA)} --shape {SHAPE} --budget {BUDGET}"
        " --keep log",
        "corpus": {"documents": result.corpus["documents"], "characters": result.corpus["characters"]},
        "updates": result.training.steps,
        "tokens": result.training.tokens,
        "seconds": result.training.seconds,
        "measures": {name: {"value": s.value, "low": s.low, "high": s.high} for name, s in result.measures.items()},
        "unigram": result.unigram,
        "curve": [{"tokens": tokens.get(line["step"], 0), **line["held_out"]} for line in lines if "held_out" in line],
        "tasks": tasks,
        "embryology": seen,
        "machine": machine(),
        "versions": versions(),
    }


def draw_curve(kept: Entry, path: Path) -> None:
    """Write a PNG of the held-out loss over the tokens seen, beside that of word frequencies alone."""
    plots = pyplot()
    figure, axes = plots.subplots(figsize=(6.4, 3.6), layout="constrained")
    tokens = [point["tokens"] for point in kept["curve"]]
    axes.plot(
        tokens, [point["loss"] for point in kept["curve"]], color="#0b6e99", linewidth=1.6, marker="o", markersize=3
    )
    axes.axhline(kept["unigram"], color="#888888", linewidth=0.9, linestyle=(0, (4, 2)))
    label = {"fontsize": 8, "color": "#888888", "ha": "right", "va": "top"}
    axes.annotate("word frequencies alone", (tokens[-1], kept["unigram"]), **label)
    plain_axes(axes, f"{SHAPE}, {BUDGET}: loss of masked tokens of held-out text")
    axes.set_ylabel("nats", fontsize=9)
    axes.set_xlim(0, None)
    axes.xaxis.set_major_formatter(lambda count, position: short(count))
    axes.set_xlabel("tokens seen", fontsize=9)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plots.close(figure)


def table(file: Path = FILE) -> str:
    """What was found, in Markdown."""
    kept: Entry = json.loads(file.read_text("utf-8"))
    loss, accuracy = kept["measures"]["loss"], kept["measures"]["accuracy"]
    head = (
        f"`{kept['command']}`: {kept['corpus']['documents']:,} documents, {kept['updates']:,} updates, "
        f"{kept['tokens']:,} tokens in {kept['seconds']:,.0f} s on {kept['machine']['cores']} cores of "
        f"{kept['machine']['cpu']}. Held out: loss {loss['value']:.3f} [{loss['low']:.3f}, {loss['high']:.3f}] (word "
        f"frequencies alone: {kept['unigram']:.3f}), {_percent(accuracy['value'])} % of the masked tokens right."
    )
    seeds = len(kept["tasks"][0]["untrained"][ARMS[0]]["scores"])
    tuned = (
        f"`bertkit embryology RUN --data DATA --probe-sentences {PROBED} --downstream TASK --points 1 --lr {RATE:g}`, "
        f"with `--epochs 1` where it says so, and `--limit {LIMITED}` where the rows are {LIMITED:,}; mean ± standard "
        f"deviation over {seeds} seeds, p of a permutation test over them."
    )
    images = [
        "![Loss of held-out text over the tokens seen](hour-loss.png)",
        "![Accuracy by part of speech over the tokens seen](hour-words.png)",
    ]
    return "\n".join([head, "", images[0], "", *_tasks(kept), "", tuned, "", images[1], "", *_words(kept)])


def _tasks(kept: Entry) -> list[str]:
    lines = header_lines(
        "task", "rows", "metric", "pretrained", *ARMS, "gain over the same start", "over the bert start"
    )
    for one in kept["tasks"]:
        arms = [one["pretrained"][-1], *(one["untrained"][arm] for arm in ARMS)]
        gains = [one["gain"][f"over the {arm}"] for arm in ARMS]
        rows = (f"{one['limit']:,}" if one["limit"] else "all") + (
            f", {one['epochs']:g} epoch" if one["epochs"] else ""
        )
        lines.append(
            row_line(
                *(one["task"], rows, f"{one['metric']} on {one['evaluation']}"),
                *(f"{_percent(arm['mean'])} ± {_percent(arm['sd'])}" for arm in arms),
                *(f"{100 * gain['mean']:+.1f} (p = {gain['p']:.2f})" for gain in gains),
            )
        )
    return lines


def _words(kept: Entry) -> list[str]:
    """Each part of speech, filled in and given back: what a constant gets, the start, the end, and half of it."""
    seen = kept["embryology"]
    whole = {one["name"]: one for one in seen["whole"]["parts of speech"] + seen["whole"]["groups"]}
    lines = header_lines(
        *("words", "how many", "filled, always its commonest token", "filled, untrained", "filled, final [95 %]"),
        *("half of it at, tokens [95 %]", "given back unmasked, final", "half of it at, tokens [95 %]"),
        "ALBERT-base, updates",
    )
    for one in seen["fill"]["parts of speech"] + seen["fill"]["groups"]:
        first, *_, last = one["accuracy"]
        own = seen["own constant"].get(one["name"])
        again = whole[one["name"]]
        lines.append(
            row_line(
                *(one["name"], f"{one['words']:,}", f"{_percent(own['accuracy'])} ({own['token']})" if own else ""),
                *(_percent(first["value"]), _interval(last), _half(one)),
                *(_percent(again["accuracy"][-1]["value"]), _half(again), PAPER.get(one["name"], "")),
            )
        )
    return lines


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _interval(score: Entry) -> str:
    return f"{_percent(score['value'])} [{_percent(score['low'])}, {_percent(score['high'])}]"


def _half(curve: Entry) -> str:
    half = curve["tokens until half"]
    return "not learnt" if half is None else f"{short(half['value'])} [{short(half['low'])}, {short(half['high'])}]"


if __name__ == "__main__":
    main()
