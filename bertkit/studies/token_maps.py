"""Sequences that are no language, read as words of an encoder by arbitrary maps: what of pretraining is left?

After Kao and Lee 2021 ("Is BERT a Cross-Disciplinary Knowledge Learner?", Findings of EMNLP): DNA, proteins and music
through a map from their symbols to words. Every arm reads the same rows by the same maps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bertkit.data.splits import Splits, read_splits
from bertkit.encoders import locate_encoder
from bertkit.evaluation.stats import spread
from bertkit.machine.sync import run_on_first
from bertkit.models.forward import fit_window
from bertkit.models.load import fetch, load_tokenizer, read_config
from bertkit.models.redraw import check_fast_start
from bertkit.models.token_map import ids_of
from bertkit.plots.bands import BandPanel
from bertkit.progress import Progress
from bertkit.result import Finished
from bertkit.runs.folder import read_log
from bertkit.spec import MapKind, RunOptions, Spec, TokenMap, to_plain
from bertkit.studies.comparison_json import made_of, plain_verdict
from bertkit.studies.group import marks_of_runs, run_group
from bertkit.studies.map_panels import Learning, panels_of
from bertkit.studies.named_parts import arm_of_each, scored_evaluation
from bertkit.studies.sequences import sequences_of, steps_within
from bertkit.studies.verdict import Scores, Verdict, scores_of, together, verdicts
from bertkit.studies.verdict_lines import sentence
from bertkit.task import Task

STARTS: dict[str, dict[str, Any]] = {
    "pretrained": {},
    "re-embedded": {"redraw": "words"},
    "scratch": {"scratch": True},
    "untrained-start": {"scratch": True, "fast_start": True},
}
"""The arms: what differs in their specs."""
SCORINGS = 10
"""Evaluations in training, where --eval-every is not given."""


@dataclass(frozen=True, kw_only=True)
class TokenMaps:
    """What is asked for.

    spec        of the pretrained arm with the first seed, without a map
    kind, by    of the maps
    maps        M, counting up from the spec's seed
    seeds       runs of an arm for each map; one where there are several maps
    most        tokens that a run is trained on at most
    """

    spec: Spec
    arms: tuple[str, ...]
    kind: MapKind
    by: int
    maps: int
    seeds: int
    most: int


@dataclass(frozen=True, kw_only=True)
class MapStudy:
    """Scores by arm over maps, or seeds of one, and verdicts on the first arm against each other one, paired by them.

    maps      by the map's seed, the token of each symbol
    tokens    that runs were trained on, the most of all
    """

    task: Task
    metric: str
    evaluation: str
    rows: int
    kind: MapKind
    by: int
    maps: Mapping[int, Mapping[str, str]]
    seeds: int
    steps: int
    tokens: int
    arms: tuple[Scores, ...]
    verdicts: tuple[Verdict, ...]
    curves: tuple[Learning, ...]
    marks: tuple[str, ...]
    made: tuple[dict[str, Any], ...]
    failures: tuple[dict[str, Any], ...]

    @property
    def lines(self) -> list[str]:
        """The verdicts in sentences."""
        return [sentence(one, "maps" if len(self.maps) > 1 else "seeds") for one in self.verdicts]

    @property
    def map_name(self) -> str:
        """How --map has it."""
        return f"{self.kind}:{self.by}" if self.kind == "shift" else self.kind

    @property
    def panels(self) -> tuple[BandPanel, BandPanel]:
        """The figure: loss and score over the tokens seen."""
        return panels_of(self.curves, self.task.name, f"{self.metric} on {self.evaluation}")

    def plain(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "task": self.task.name, "metric": self.metric, "evaluation": self.evaluation, "rows": self.rows,
            "map": self.map_name, "maps": {str(seed): dict(found) for seed, found in self.maps.items()},
            "seeds of a map": self.seeds, "updates": self.steps, "tokens": self.tokens, "marks": list(self.marks),
            "sentences": self.lines,
            "arms": [
                {"arm": one.name, "seeds": list(one.seeds), "scores": list(one.scores), "mean": to_plain(one.mean),
                 "spread": to_plain(spread(one.scores)), "curves": to_plain(curve)}
                for one, curve in zip(self.arms, self.curves, strict=True)
            ],
            "verdicts": [plain_verdict(one) for one in self.verdicts],
            "failures": list(self.failures), "made": list(self.made),
        }  # fmt: skip


def compare_maps(asked: TokenMaps, options: RunOptions, progress: Callable[[str], Progress]) -> MapStudy:
    """Train every arm with every map and seed, and score them; finished runs are reused.

    progress  makes the Progress of a part of the work, by its title

    Raises RequestError, before anything is trained, for a map onto fewer words than symbols, a symbol that has no token
    of its own where the map needs one, and fewer tokens than an update has.
    """
    splits = run_on_first(lambda: read_splits(asked.spec))
    specs = run_on_first(lambda: specs_of(asked, splits))
    titles = {one.digest: f"{asked.spec.task.name}, {arm}, map {one.token_map.seed}, seed {one.seed}"
              for arm, group in specs.items() for one in group if one.token_map}  # fmt: skip
    ordered = [one for several in zip(*specs.values(), strict=True) for one in several]  # a map after the other
    done = run_group(ordered, options, lambda one: progress(titles[one.digest]))
    runs = {arm: done[k :: len(specs)] for k, arm in enumerate(specs)}
    return run_on_first(lambda: _scored(asked, splits, runs))


def specs_of(asked: TokenMaps, splits: Splits) -> dict[str, list[Spec]]:
    """By arm, the spec of each run: map after map, seed after seed, all of as many updates. Raises as `compare_maps`.

    The k-th run has the spec's seed + k, from which its map is drawn too if there are several.
    """
    spec, found = asked.spec, sequences_of(splits)
    with_weights = any(not STARTS[arm].get("scratch") for arm in asked.arms)
    folder, _ = fetch(locate_encoder(spec.model, spec.revision, weights=with_weights), weights=with_weights)
    config = read_config(folder)
    if "untrained-start" in asked.arms:
        check_fast_start(config)
    tokenizer = load_tokenizer(folder, splits.head, config)
    maps = [
        TokenMap(kind=asked.kind, by=asked.by, symbols=found.symbols, spaced=found.spaced,
                 seed=spec.seed + k if asked.kind == "random" else 0)
        for k in range(asked.maps)
    ]  # fmt: skip
    for one in maps:
        ids_of(tokenizer, one)
    window = fit_window(spec.recipe.window, config, typed=False)
    lengths = np.minimum(found.lengths + tokenizer.num_special_tokens_to_add(), window.max_length)
    seeds = [spec.seed + k for k in range(asked.maps * asked.seeds)]
    by_length = spec.layout == "bucketed" or spec.recipe.order == "length"
    recipe = replace(spec.recipe, order="length" if by_length else "random")  # no "auto": tokens follow from the order
    steps = steps_within(asked.most, lengths, recipe, seeds)
    trained = replace(
        spec,
        recipe=replace(recipe, max_steps=steps),
        eval_every=spec.eval_every or max(1, steps // SCORINGS),
    )
    return {
        arm: [replace(trained, seed=seed, token_map=maps[k // asked.seeds], **STARTS[arm])
              for k, seed in enumerate(seeds)]
        for arm in asked.arms
    }  # fmt: skip


def _scored(asked: TokenMaps, splits: Splits, runs: Mapping[str, list[Finished]]) -> MapStudy:
    every = [one for group in runs.values() for one in group]
    evaluation = scored_evaluation(asked.spec.task, every)
    name, metric = evaluation.name, evaluation.metrics[0]
    arms = [arm_of_each(arm, group, name) for arm, group in runs.items()]
    found = together([one for other in arms[1:] for one in verdicts([arms[0], other], evaluation=name)])
    task = asked.spec.task.name
    first = next(iter(runs.values()))
    return MapStudy(
        task=asked.spec.task, metric=metric, evaluation=name, rows=len(splits.train or ()), kind=asked.kind,
        by=asked.by, seeds=asked.seeds, steps=first[0].result.training.steps,
        maps={one.result.spec.token_map.seed: one.result.encoder["token map"]
              for one in first if one.result.spec.token_map},
        tokens=max(one.result.training.tokens for one in every), arms=tuple(scores_of(arm, name) for arm in arms),
        verdicts=tuple(found), curves=tuple(learning_of(arm, group, name, metric) for arm, group in runs.items()),
        marks=(*dict.fromkeys(mark for one in every for mark in one.result.marks), *marks_of_runs(every)),
        made=tuple(made_of(arm, task, [one.folder]) for arm, group in runs.items() for one in group),
        failures=tuple({"arm": arm, "seed": one.result.spec.seed, **to_plain(failure)}
                       for arm, group in runs.items() for one in group for failure in one.result.failures),
    )  # fmt: skip


def learning_of(arm: str, runs: Sequence[Finished], evaluation: str, metric: str) -> Learning:
    """The curves of these runs, from their logs; of the tokens, which may differ a little by run, the means."""
    logs = [read_log(one.folder) for one in runs]
    trained = [[line for line in log if "loss" in line] for log in logs]
    tokens = np.array([[line["tokens"] for line in log] for log in trained], float).mean(axis=0)
    scored = [{line["step"]: line["score"][evaluation][metric]
               for line in log if evaluation in line.get("score", {})} for log in logs]  # fmt: skip
    steps = sorted(scored[0])
    return Learning(
        arm=arm,
        loss_tokens=tuple(tokens.tolist()),
        losses=tuple(tuple(line["loss"] for line in log) for log in trained),
        score_tokens=tuple(tokens[np.array(steps) - 1].tolist()),
        scores=tuple(tuple(one[step] for step in steps) for one in scored),
    )
