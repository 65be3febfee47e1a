"""What `bertkit analyse word` and `bertkit analyse cbow` print of words in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bertkit.cli import screen
from bertkit.cli.analyse_screen import layer_name, print_heading, print_table

if TYPE_CHECKING:
    from bertkit.analysis.sense_sets import SetScores
    from bertkit.analysis.word_study import LayerSenses, WordStudy

FORMS = 5
"""Ways of tokenising a word that are shown."""
UNKNOWN = 0.05
"""The share of a word's pieces that are the unknown token, from which a line says so."""


def print_study(study: WordStudy, model: str) -> None:
    """Print the table by layer, and what it says."""
    from bertkit.analysis.sense_reports import verdict_lines

    senses = " and ".join(f"{count} {sense}" for sense, count in study.rows.counts.items())
    marks = []
    if study.unknown >= UNKNOWN:
        marks.append(f"{screen.percent(study.unknown)} % of the word's tokens are the unknown token of this tokenizer")
    twice = len(study.rows.sentences) - len(set(study.rows.sentences))
    if twice:
        marks.append(f"{twice:,} sentences are there more than once: they are nearest to each other at every layer")
    print_heading(f"'{study.rows.word}' in {len(study.rows.sentences):,} sentences · {model}", marks)
    if senses:
        screen.print_below(f"senses: {senses}")
    if len(study.forms) > 1:
        shown = [f"{form} {count}×" for form, count in list(study.forms.items())[:FORMS]]
        screen.print_below(f"it is tokenised in {len(study.forms)} ways: {', '.join(shown)}")
    _print_layers(study)
    for line in verdict_lines(study):
        screen.print_below(line)
    _print_draws(study)


def _print_layers(study: WordStudy) -> None:
    tested = study.rows.senses is not None
    names, rows = ["LAYER"] if tested else ["LAYER", "MEAN COSINE"], []
    if study.anisotropy is not None:
        names.append("RANDOM")
    if tested:
        names += ["WITHIN", "ACROSS", "P", "HOLM", "1-NN"]
        names += ["CENTRED", "P", "1-NN"] if study.centred is not None else []
    for layer, one in enumerate(study.raw):
        row = [str(layer) if len(study.raw) > 1 else "static", *([] if tested else [f"{one.mean:.3f}"])]
        row += [f"{study.anisotropy[layer]:.3f}"] if study.anisotropy is not None else []
        row += _of_senses(one, None if study.centred is None else study.centred[layer])
        rows.append(row)
    print_table(names, rows)
    if study.centred is not None:
        centred = "; CENTRED: within - across of vectors less their mean" if tested else ""
        screen.print_below(f"layer 0: the embeddings; RANDOM: mean cosine of random tokens{centred}")


def _of_senses(raw: LayerSenses, centred: LayerSenses | None) -> list[str]:
    if raw.p is None or raw.adjusted is None or raw.nearest is None:
        return []
    found = [f"{raw.within:.3f}", f"{raw.across:.3f}", f"{raw.p:.4f}", f"{raw.adjusted:.4f}", _percent(raw)]
    if centred is not None and centred.within is not None and centred.across is not None:
        found += [f"{centred.within - centred.across:+.3f}", f"{centred.p:.4f}", _percent(centred)]
    return found


def _percent(one: LayerSenses) -> str:
    return "" if one.nearest is None else screen.percent(one.nearest.value)


def _print_draws(study: WordStudy) -> None:
    from bertkit.analysis.sense_draws import SURE

    drawn = study.draws
    if drawn is None:
        return
    least = f"least possible p {drawn.least:.4f}"
    print_heading(f"{drawn.count} random samples of {drawn.each} sentences a sense, each tested by itself ({least})")
    names = ["LAYER"]
    for how in drawn.significant:
        names += [f"{'CENTRED: ' if how == 'centred' else ''}P ≤ {SURE:g}", "LEAST P", "1-NN"]
    rows = []
    for layer in range(len(study.raw)):
        row = [str(layer) if len(study.raw) > 1 else "static"]
        for how in drawn.significant:
            values = (drawn.significant[how], drawn.surest[how], drawn.nearest[how])
            row += [f"{screen.percent(one[layer])} %" for one in values]
        rows.append(row)
    print_table(names, rows)


def print_scores(scores: SetScores, model: str) -> None:
    """Print a set's accuracy by layer, and what it says."""
    from bertkit.analysis.sense_reports import score_lines
    from bertkit.analysis.sense_sets import TITLES

    how = "cosine above a threshold chosen on train" if scores.thresholds else "sense of the nearest train sentence"
    heading = f"{TITLES[scores.name]} {scores.split}, {scores.rows:,} rows, by {how} · {model}"
    print_heading(heading, scores.marks)
    names, rows = ["LAYER", "ACCURACY [95 % over rows]"], []
    names += ["THRESHOLD"] if scores.thresholds else []
    for layer, one in enumerate(scores.accuracy):
        row = [layer_name(layer) if len(scores.accuracy) > 1 else "static", screen.with_interval(one)]
        rows.append(row + ([f"{scores.thresholds[layer]:.3f}"] if scores.thresholds else []))
    rows.append(["commonest", screen.with_interval(scores.commonest)] + [""] * (scores.thresholds is not None))
    print_table(names, rows)
    for line in score_lines(scores):
        screen.print_below(line)
