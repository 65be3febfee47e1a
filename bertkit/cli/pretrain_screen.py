"""What `bertkit pretrain` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bertkit.cli import screen
from bertkit.machine.processes import first

if TYPE_CHECKING:
    from bertkit.result import Pretrained, PretrainResult, Score

FRACTIONS = ("accuracy", "pair accuracy")
"""What measures that are fractions begin with."""


def print_pretrained(finished: Pretrained, as_json: bool) -> None:
    """Print a run's measures of held-out text, with their intervals, or JSON."""
    from bertkit.spec import to_plain

    if as_json:
        screen.print_json({"folder": str(finished.folder), **to_plain(finished.result)})
    elif first():
        _print_head(finished.result)
        _print_measures(finished.result)
        console = screen.console()
        console.print(f"{'finished before' if finished.before else 'run'}: {finished.folder}", soft_wrap=True)


def _print_head(result: PretrainResult) -> None:
    from rich.text import Text

    spec, training = result.spec, result.training
    model = f"{spec.architecture} {spec.shape.name}, {result.encoder['parameters']:,} parameters"
    line = f"{spec.objective.kind} · {model} · {training.steps:,} updates · {training.tokens:,} tokens"
    rate = training.tokens / max(training.seconds, 1e-9)
    console = screen.console()
    console.print(Text(line, style="bold"))
    console.print(Text(f"  {training.seconds:,.0f} s, {rate:,.0f} tokens/s · {result.device} · {result.precision}"))


def _print_measures(result: PretrainResult) -> None:
    from rich.table import Table

    console = screen.console()
    if not result.measures:
        console.print("  no text was held out, so nothing was measured")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("HELD-OUT TEXT", "[95 % over rows]"):
        table.add_column(name, no_wrap=True)
    for name, score in result.measures.items():
        table.add_row(name, shown(name, score))
    if result.unigram is not None:
        table.add_row("loss by word frequencies alone", f"{result.unigram:.3f}")
    console.print(table)


def shown(name: str, score: Score) -> str:
    """A measure with its interval: a fraction as a percentage."""
    if name.startswith(FRACTIONS):
        return screen.with_interval(score)
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"
