"""What `bertkit embryology` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bertkit.cli import screen
from bertkit.machine.processes import first

if TYPE_CHECKING:
    from bertkit.analysis.emergence import Curve, Order
    from bertkit.reports.embryology import Embryology
    from bertkit.result import Score
    from bertkit.studies.downstream import Downstream


def print_embryology(found: Embryology, as_json: bool) -> None:
    """Print tables and where the files are, or JSON."""
    from bertkit.reports.embryology import RESULT, TITLES, figures

    paths = figures(found)
    if as_json:
        screen.print_json({**found.plain(), "figures": [str(path) for pair in paths for path in pair]})
    elif first():
        _print_head(found)
        for kind, title in TITLES.items():
            _print_words(found, kind, title)
        _print_probes(found)
        for one in found.downstream:
            _print_downstream(one)
        for pair in paths:
            screen.console().print(f"figure: {pair[0]}\n        {pair[1]}", soft_wrap=True)
        screen.console().print(f"numbers: {found.folder / RESULT}", soft_wrap=True)


def _print_head(found: Embryology) -> None:
    words, models = found.measured.words, found.run.models
    line = f"{found.measured.treebank.name} · {len(models)} models, up to {_tokens(models[-1].tokens)} tokens"
    counted = f"{len(words.sampled):,} of {sum(words.sampled.there.values()):,} words"
    _bold(f"{line} · {counted} of {found.measured.treebank.scored.origin}")
    for mark in found.run.marks:
        _print(f"  {mark}")
    for reason, count in words.tokens.lost.items():
        _print(f"  {count:,} words {reason} count as wrong")
    token, share = words.said[0]
    _print(f"  the untrained model gives '{words.named(token)}' for {screen.percent(share)} % of the masks")
    for constant in dict.fromkeys((token, words.best)):
        name, right = max(words.constant(constant).items(), key=lambda one: one[1])
        why = ", the commonest answer," if constant == words.best else ""
        _print(f"  always giving '{words.named(constant)}'{why} is right for {screen.percent(right)} % of {name}")


def _print_words(found: Embryology, kind: str, title: str) -> None:
    words = found.measured.words
    constant = words.constant(words.best)
    rows = []
    for name, curve in found.curves[kind].items():
        token, own = words.own[name]
        rows.append(
            [name, f"{curve.words:,}", screen.percent(constant[name]), f"{screen.percent(own)} {_cut(token)}",
             screen.percent(curve.scores[0].value), screen.with_interval(curve.scores[-1]), _half(curve)]
        )  # fmt: skip
    order = found.orders[kind]
    for group in (order.first, order.later) if order else ():
        name = group.name.removesuffix(" words")
        start, end = screen.percent(group.scores[0].value), screen.with_interval(group.scores[-1])
        rows.append([name, f"{group.words:,}", "", "", start, end, _half(group)])
    _bold(f"\n{title[0].upper()}{title[1:]}, % of words right")
    _table(("UPOS", "WORDS", "CONST", "OWN CONST", "START", "FINAL [95 %]", "HALF AT, TOKENS"), rows, left=(0, 3))
    if order:
        _print(f"  {order_line(order)}")
    of_rise = found.orders_of_rise[kind]
    if order and of_rise and of_rise.holds != order.holds:
        _print(f"  by half of the rise from the start instead: {order_line(of_rise, rise=True)}")


def order_line(order: Order, rise: bool = False) -> str:
    """Which group of words is learnt first, in a sentence."""
    halves = [curve.half_of_rise if rise else curve.half for curve in (order.first, order.later)]
    if halves[0] is None or halves[1] is None or order.difference is None:
        none = order.first.name if halves[0] is None else order.later.name
        return f"{none} are not learnt, so there is no order"
    first, later = (
        f"{curve.name} {_tokens(half.value)}"
        for curve, half in zip((order.first, order.later), halves, strict=True)
        if half
    )
    gap = order.difference
    said = {
        True: f"{order.first.name} come first",
        False: f"{order.later.name} come first",
        None: "which come first is not certain",
    }[order.holds]
    return f"{said}: {first}, {later}, difference {_tokens(gap.value)} [{_tokens(gap.low)}, {_tokens(gap.high)}]"


def _print_probes(found: Embryology) -> None:
    if not found.probes or found.measured.probes is None:
        return
    rows = []
    for curve in found.probes:
        best = max(range(len(curve.scores)), key=lambda k: curve.scores[k].value)
        name = "embeddings" if curve.name == "0" else curve.name
        at = _tokens(found.run.models[best].tokens)
        rows.append([name, screen.with_interval(curve.scores[0]), screen.with_interval(curve.scores[-1]),
                     f"{screen.percent(curve.scores[best].value)} at {at}"])  # fmt: skip
    _bold("\nPart of speech by a linear probe of each layer, % of words right")
    _table(("LAYER", "UNTRAINED [95 %]", "FINAL [95 %]", "BEST"), rows)
    _print(f"  the commonest part of speech alone is right for {screen.percent(found.measured.probes.majority)} %")


def _print_downstream(one: Downstream) -> None:
    title = screen.METRIC_TITLES.get(one.metric, one.metric)
    n = len(one.bert.scores)
    _bold(f"\n{one.task.name} after fine-tuning, {title} on {one.evaluation}, {n} seed{'s' * (n > 1)}")
    for mark in one.marks:
        _print(f"  {mark}")
    names = {point.step: f"pretrained, {_tokens(point.tokens)} tokens" for point in one.points}
    names[one.points[0].step] = "same start, untrained"
    rows = [["bert start, untrained", _spread(one.bert)]]
    rows += [[names[point.step], _spread(point)] for point in one.points]
    _table(("MODEL", "MEAN ± SD"), rows)
    for name, arm in (("same start", one.points[0]), ("bert start", one.bert)):
        gap, p = one.gain(arm)
        sure = f"p = {p:.3f}, permutation test over seeds" if n > 1 else "one seed: no significance test"
        _print(f"  pretrained - {name}, untrained: {100 * gap:+.1f} ({sure})")


def _spread(point: Any) -> str:
    over = point.spread
    return screen.percent(over.mean) + (f" ± {screen.percent(over.sd)}" if over.n > 1 else "")


def _half(curve: Curve) -> str:
    half: Score | None = curve.half
    return "not learnt" if half is None else f"{_tokens(half.value)} [{_tokens(half.low)}, {_tokens(half.high)}]"


def _tokens(count: float) -> str:
    """A number of tokens: 950, 12k, 1.4M."""
    from bertkit.plots.figure import short

    return f"-{short(-count)}" if count < 0 else short(count)


def _cut(token: str, most: int = 7) -> str:
    return token if len(token) <= most else f"{token[: most - 1]}…"


def _bold(line: str) -> None:
    from rich.text import Text

    screen.console().print(Text(line, style="bold"))


def _print(line: str) -> None:
    screen.console().print(line)


def _table(names: tuple[str, ...], rows: list[list[str]], left: tuple[int, ...] = (0,)) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for k, name in enumerate(names):
        table.add_column(name, no_wrap=True, justify="left" if k in left or "[" in name or "HALF" in name else "right")
    for row in rows:
        table.add_row(*row)
    screen.console().print(table)
