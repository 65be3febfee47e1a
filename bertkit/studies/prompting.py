"""In-context answers of a causal language model, beside the same model fine-tuned: GPT as the contrast to BERT.

R rows, C labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.data.prompts import CONTENT_FREE
from bertkit.encoders import Encoder
from bertkit.evaluation import two_way
from bertkit.evaluation.metrics import METRICS
from bertkit.evaluation.stats import Spread, spread
from bertkit.machine.devices import accelerator as make_accelerator
from bertkit.machine.sync import run_on_first
from bertkit.plots.prompting import PromptDots, PromptPanel
from bertkit.progress import Progress
from bertkit.request.prompting_flags import Prompting
from bertkit.result import Finished, Floor
from bertkit.spec import RunOptions, Spec, to_plain
from bertkit.studies.arms import Answers, Arm, Part, arm_of, measured
from bertkit.studies.comparison_json import made_of, plain_verdict
from bertkit.studies.group import marks_of_runs, run_group
from bertkit.studies.prompt_answers import Answered, answered
from bertkit.studies.verdict import Verdict, verdicts
from bertkit.task import Task

FINE_TUNED = "fine-tuned"
GUESSES, SEED = 1_000, 20_210
"""Rounds of guessing whose mean score is chance."""


@dataclass(frozen=True, kw_only=True)
class Prompted:
    """The answers by prompts of one number of shots, calibrated or not.

    mean      over the draws, with its 95 % interval over draws and rows (of one draw: over rows)
    scores    of each draw
    examples  of each draw: their places among the train rows, in their order
    answers   the share of each label among the answers of all draws
    """

    shots: int
    calibrated: bool
    mean: two_way.Mean
    scores: tuple[float, ...]
    examples: tuple[tuple[int, ...], ...]
    answers: Mapping[str, float]

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.shots} shot{'s' * (self.shots != 1)}{', calibrated' * self.calibrated}"

    @property
    def spread(self) -> Spread:
        """Over the draws."""
        return spread(self.scores)


@dataclass(frozen=True, kw_only=True)
class PromptStudy:
    """What a model answers in context, and after fine-tuning, on the same rows.

    prompted  by shots, first as they are, then calibrated
    tuned     the mean over seeds with its 95 % interval over seeds and rows; `seeds` the score of each
    chance    the mean score of guesses that take each label equally often
    verdict   on the best prompts, chosen by these rows, against fine-tuning
    """

    task: Task
    model: str
    metric: str
    evaluation: str
    rows: int
    words: Mapping[str, str]
    template: str
    prompted: tuple[Prompted, ...]
    tuned: two_way.Mean
    seeds: tuple[float, ...]
    floors: tuple[Floor, ...]
    chance: float
    verdict: Verdict
    longest: Mapping[int, int]
    window: int | None
    runs: tuple[Finished, ...]
    marks: tuple[str, ...]

    @property
    def model_name(self) -> str:
        """The last part of the model's name or path."""
        return Path(self.model).name

    @property
    def over_seeds(self) -> Spread:
        """The scores of fine-tuning."""
        return spread(self.seeds)

    @property
    def best(self) -> Prompted:
        """The prompts with the greatest mean score."""
        return max(self.prompted, key=lambda one: one.mean.value)

    @property
    def panel(self) -> PromptPanel:
        """What the figure shows."""
        dots = tuple(
            PromptDots(shots=one.shots, calibrated=one.calibrated, scores=one.scores, mean=one.mean.value)
            for one in self.prompted
        )
        lines = {FINE_TUNED: self.tuned.value, **{one.name: one.metrics[self.metric] for one in self.floors}}
        return PromptPanel(metric=self.metric, dots=dots, lines={**lines, "chance": self.chance})

    def plain(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "task": self.task.name, "model": self.model, "metric": self.metric, "evaluation": self.evaluation,
            "rows": self.rows, "marks": list(self.marks), "template": self.template, "words": dict(self.words),
            "answer": "greatest mean log-likelihood per token", "content-free texts": list(CONTENT_FREE),
            "window": self.window, "longest prompt": {str(shots): most for shots, most in self.longest.items()},
            "prompted": [{**to_plain(one), "sd": one.spread.sd} for one in self.prompted],
            "fine-tuned": {"mean": to_plain(self.tuned), "sd": self.over_seeds.sd, "scores": list(self.seeds)},
            "floors": [to_plain(one) for one in self.floors], "chance": self.chance,
            "best prompts": self.best.name, "verdict": plain_verdict(self.verdict),
            "made": made_of(FINE_TUNED, self.task.name, [one.folder for one in self.runs]),
            "runs": [str(one.folder) for one in self.runs],
        }  # fmt: skip


def compare_prompting(
    spec: Spec,
    encoder: Encoder,
    asked: Prompting,
    seeds: int,
    options: RunOptions,
    progress: Callable[[str], Progress],
) -> PromptStudy:
    """Answer the task's rows by prompts of every number of shots, and fine-tune the same model with so many seeds.

    encoder   the spec's, a causal language model
    progress  makes the Progress of a part of the work, by its title

    What was computed before is read from the cache, and finished runs are reused. Raises RequestError before anything
    is computed if a prompt does not fit the model's window, and what a run raises.
    """
    shown, device = progress(f"{spec.task.name}, in context"), make_accelerator(spec.device, "fp32").device
    try:
        found = run_on_first(lambda: answered(spec, encoder, asked, device, shown))
    finally:
        shown.close()
    specs = [replace(spec, seed=spec.seed + k) for k in range(seeds)]
    runs = run_group(specs, options, lambda one: progress(f"{one.task.name}, seed {one.seed}"))
    return run_on_first(lambda: _study(spec, asked, found, runs))


def _study(spec: Spec, asked: Prompting, found: Answered, runs: Sequence[Finished]) -> PromptStudy:
    tuned = arm_of(FINE_TUNED, [(one.folder, one.result) for one in runs])
    part = tuned.parts[spec.task.name, found.evaluation]
    golds = part.runs[0].golds
    metric, name = part.metric(part.metrics[0]), part.metrics[0]
    parts, prompted = {}, []
    for calibrated in (False, True):
        for shots in asked.shots:
            one = _as_part(part, found, shots, calibrated)
            (tables,) = measured([one], name, golds)
            draws = [draw for draw in found.draws if draw.shots == shots]
            counts = Counter(value for run in one.runs for value in run.values.values())
            prompted.append(
                Prompted(
                    shots=shots, calibrated=calibrated, mean=two_way.mean(metric, tables),
                    scores=tuple(metric.score(table) for table in tables),
                    examples=tuple(draw.examples for draw in draws),
                    answers={label: count / counts.total() for label, count in counts.most_common()},
                )
            )  # fmt: skip
            parts[prompted[-1].name] = one
    (tables,) = measured([part], name, golds)
    best = max(prompted, key=lambda one: one.mean.value)
    arm = Arm(name=best.name, parts={(spec.task.name, found.evaluation): parts[best.name]}, specs={})
    (verdict,) = verdicts([tuned, arm], evaluation=found.evaluation)
    scored = next(one for one in runs[0].result.evaluations if one.name == found.evaluation)
    return PromptStudy(
        task=spec.task, model=spec.model, metric=name, evaluation=found.evaluation, rows=len(golds),
        words=found.words, template=asked.template.text, prompted=tuple(prompted),
        tuned=two_way.mean(metric, tables), seeds=tuple(metric.score(table) for table in tables),
        floors=scored.floors, chance=chance_of(name, list(golds.values()), part.labels), verdict=verdict,
        longest=found.longest, window=found.window, runs=tuple(runs),
        marks=(*runs[0].result.marks, *marks_of_runs(runs)),
    )  # fmt: skip


def _as_part(tuned: Part, found: Answered, shots: int, calibrated: bool) -> Part:
    """The answers of the draws of so many shots, on the rows of the fine-tuned model.

    No draw of examples goes together with a training seed, whatever their numbers.
    """
    ids, names = list(tuned.runs[0].golds), list(found.words)
    runs = []
    for draw in found.draws:
        if draw.shots == shots:
            values = [names[k] for k in draw.answers(found.tokens, calibrated)]
            answers = dict(zip(ids, values, strict=True))
            runs.append(Answers(source=Path(f"draw {draw.draw}"), seed=None, values=answers, golds={}))
    name = f"{shots} shot{'s' * (shots != 1)}{', calibrated' * calibrated}"
    return replace(tuned, arm=name, runs=tuple(runs))


def chance_of(metric: str, golds: Sequence[str], labels: Sequence[str]) -> float:
    """The mean score of answers that are drawn evenly from the labels: of accuracy 1 / C, else over GUESSES rounds.

    >>> chance_of("accuracy", ["a", "b", "b"], ["a", "b"])
    0.5
    """
    if metric == "accuracy":
        return 1 / len(labels)
    generator = np.random.default_rng(SEED)
    rounds = generator.integers(0, len(labels), (GUESSES, len(golds)))
    guesses = [[labels[k] for k in one] for one in rounds]
    return float(np.mean([METRICS[metric].of(golds, one, labels) for one in guesses]))
