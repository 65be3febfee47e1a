"""Next sentence against sentence order: two models of the same text, shape and budget, on both kinds of pairs.

After Lan et al. 2020 (ALBERT), table 5; beside it a baseline that sees nothing but the words that two segments share.

S seeds, P pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.data.corpus import Part, corpus_text
from bertkit.data.corpus_features import CorpusFeatures
from bertkit.data.tokens import tokenised
from bertkit.evaluation import overlap
from bertkit.evaluation.intervals import wilson
from bertkit.evaluation.pairs import READINGS, Reading, classes_of, told
from bertkit.machine.devices import accelerator as make_accelerator
from bertkit.machine.sync import run_on_first
from bertkit.models.language import load_pretrained
from bertkit.models.language_model import LanguageModel
from bertkit.models.vocabularies import pieces_of
from bertkit.plots.curves import ArmCurves, Panel
from bertkit.pretraining import Budget, PretrainSpec
from bertkit.progress import Progress
from bertkit.result import Pretrained, Score
from bertkit.runs.folder import LOG, MODEL, read_log
from bertkit.runs.pretrain import pretrain
from bertkit.runs.pretrain_claim import resolved_pretrain
from bertkit.runs.pretrain_model import features_of, layout_of
from bertkit.runs.pretrain_tokenizer import tokenizer_for
from bertkit.spec import RunOptions, to_plain
from bertkit.studies.pair_findings import CLASSES, OVERLAP, Accuracy, Finding, findings, lines

MOST_PAIRS, MOST_TRAIN = 5_000, 5_000
"""Held-out pairs that are told apart, and train pairs that the baseline is fitted on, of each kind at most."""
CURVE = "pair accuracy"
"""The measure of a run's own pairs in its log."""


@dataclass(frozen=True, kw_only=True)
class PairArm:
    """The runs of one objective, a seed each."""

    spec: PretrainSpec
    runs: tuple[Pretrained, ...]

    @property
    def name(self) -> str:
        """Its objective."""
        return self.spec.objective.kind


@dataclass(frozen=True, kw_only=True)
class PairStudy:
    """Both arms, and how well their models and the baseline tell either kind of pairs.

    pairs       held-out pairs of either kind
    train       train pairs that the baseline is fitted on
    thresholds  of the baseline's score, by kind of pairs and reading
    """

    arms: tuple[PairArm, PairArm]
    accuracies: tuple[Accuracy, ...]
    pairs: int
    train: int
    thresholds: dict[str, float]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was expected, and whether it holds."""
        return findings(self.accuracies)

    @property
    def lines(self) -> tuple[str, ...]:
        """What the numbers say, in sentences."""
        return lines(self.accuracies)

    @property
    def panel(self) -> Panel:
        """Loss and accuracy of both arms while they trained, each on pairs of its own kind."""
        arms = tuple(_curves_of(arm) for arm in self.arms)
        return Panel(task="NSP and SOP", metric=CURVE, evaluation="held-out pairs of its own kind", arms=arms)

    def plain(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "pairs": self.pairs,
            "train pairs of the baseline": self.train,
            "baseline": {"score": overlap.NAME, "thresholds": self.thresholds},
            "accuracies": [to_plain(one) for one in self.accuracies],
            "findings": [to_plain(one) for one in self.findings],
            "sentences": list(self.lines),
            "arms": [_plain_arm(arm) for arm in self.arms],
        }


def compare_pairs(
    specs: tuple[PretrainSpec, PretrainSpec], seeds: int, options: RunOptions, progress: Callable[[str], Progress]
) -> PairStudy:
    """Pretrain both specs with so many seeds, counting up from their own, and score them; finished runs are reused.

    specs     the same but for their objectives, mlm+nsp and mlm+sop
    progress  makes the Progress of a part of the work, by its title

    A budget of time becomes a number of updates in the first run, which the others then get as well. Raises as a run.
    """
    done: list[tuple[Pretrained, ...]] = []
    budget: Budget | None = None
    for k in range(seeds):
        both = []
        for spec in specs:
            one = replace(spec, seed=spec.seed + k, budget=budget or spec.budget)
            both.append(pretrain(one, options, progress(f"{spec.objective.kind}, seed {one.seed}")))
            if spec.budget.unit == "seconds":
                budget = budget or Budget(unit="steps", amount=both[0].result.training.steps)
        done.append(tuple(both))
    first, second = (PairArm(spec=spec, runs=tuple(both[k] for both in done)) for k, spec in enumerate(specs))
    shown = progress("nsp-vs-sop")
    try:
        return run_on_first(lambda: _scored((first, second), shown))
    finally:
        shown.close()


def _scored(arms: tuple[PairArm, PairArm], progress: Progress) -> PairStudy:
    """The study of finished runs."""
    sources = {arm.name: sources_of(resolved_pretrain(arm.spec), progress) for arm in arms}
    held = {name: both["held-out"] for name, both in sources.items()}
    rows = overlap.spread_rows(len(next(iter(held.values()))), MOST_PAIRS)
    golds = {name: np.concatenate([classes_of(part) for part in source.batches(rows)]) for name, source in held.items()}
    found: list[Accuracy] = []
    for arm in arms:
        progress.phase(f"telling pairs by {arm.name}", len(arm.runs) * len(held) * len(READINGS) * len(rows))
        models = [_model(arm.spec, run) for run in arm.runs]
        for name, source in held.items():
            for reading in READINGS:
                given = np.stack([told(model, source, rows, reading, progress) for model in models])
                found.append(accuracy_of(arm.name, name, reading, given, golds[name]))
    thresholds: dict[str, float] = {}
    for name, both in sources.items():
        for reading in READINGS:
            given, threshold = _overlap(both, rows, reading, progress)
            found.append(accuracy_of(OVERLAP, name, reading, given[None], golds[name]))
            thresholds[f"{name}, {reading}"] = threshold
    train = len(overlap.spread_rows(len(next(iter(sources.values()))["train"]), MOST_TRAIN))
    return PairStudy(arms=arms, accuracies=tuple(found), pairs=len(rows), train=train, thresholds=thresholds)


def sources_of(spec: PretrainSpec, progress: Progress) -> dict[Part, CorpusFeatures]:
    """The rows of either part of a run's text, as its objective makes pairs of them."""
    text = corpus_text(spec.corpus, progress, spec.objective.held_out_documents)
    tokenizer = tokenizer_for(text, spec, progress)
    pieces = pieces_of(tokenizer)
    return {part: features_of(spec, tokenised(text, part, tokenizer, progress), pieces) for part in text.parts}


def _model(spec: PretrainSpec, run: Pretrained) -> LanguageModel:
    """A run's model, in fp32."""
    accelerator = make_accelerator(spec.device, "fp32")
    loaded = load_pretrained(run.folder / MODEL, spec.objective.auto_models[spec.architecture])
    loaded.model.to(accelerator.device)
    return LanguageModel(loaded=loaded, layout=layout_of(spec, loaded.model, accelerator), accelerator=accelerator)


def _overlap(
    both: dict[Part, CorpusFeatures], rows: NDArray[np.int64], reading: Reading, progress: Progress
) -> tuple[NDArray[np.int64], float]:
    """What the baseline says of these held-out pairs, and its threshold: both learnt from train pairs of that kind."""
    learnt = overlap.spread_rows(len(both["train"]), MOST_TRAIN)
    progress.phase("counting words", len(learnt) + len(rows))
    train = overlap.pairs_of(both["train"], learnt, reading, progress)
    scorer = overlap.Overlap(train)
    threshold = overlap.threshold_of(scorer.scores(train), train.classes)
    held = overlap.pairs_of(both["held-out"], rows, reading, progress)
    return overlap.answers(scorer.scores(held), threshold), threshold


def accuracy_of(
    reader: str, pairs: str, reading: Reading, given: NDArray[np.int64], golds: NDArray[np.int64]
) -> Accuracy:
    """The accuracy of (S, P) classes against those of the pairs (P,): means over seeds, with intervals over pairs."""
    right = (given == golds).astype(np.float64)
    classes = {name: right[:, golds == k] for k, name in enumerate(CLASSES[pairs])}
    return Accuracy(
        reader=reader, pairs=pairs, reading=reading, score=_score(right), seeds=tuple(right.mean(1).tolist()),
        classes={name: _score(part) for name, part in classes.items() if part.size},
    )  # fmt: skip


def _score(right: NDArray[np.float64]) -> Score:
    """The share of (S, P) that are right."""
    each = right.mean(0)[:, None]
    interval = wilson(each, lambda table: 0.0)
    return Score(value=float(each.mean()), low=interval.low, high=interval.high, interval=interval.name)


def _curves_of(arm: PairArm) -> ArmCurves:
    logs = [read_log(run.folder) for run in arm.runs]
    scored = [{line["step"]: line["held_out"][CURVE] for line in log if "held_out" in line} for log in logs]
    assert scored[0], arm.runs[0].folder / LOG
    return ArmCurves(
        label=arm.name,
        losses=np.array([[line["loss"] for line in log if "loss" in line] for log in logs], float),
        scored_at=np.array(sorted(scored[0])),
        scores=np.array([[one[step] for step in sorted(scored[0])] for one in scored]),
    )


def _plain_arm(arm: PairArm) -> dict[str, Any]:
    curves = _curves_of(arm)
    runs: Sequence[Pretrained] = arm.runs
    return {
        "objective": arm.name,
        "spec": to_plain(arm.spec),
        "runs": [
            {
                "folder": str(run.folder), "seed": run.result.spec.seed, "updates": run.result.training.steps,
                "tokens": run.result.training.tokens, "seconds": run.result.seconds, "device": run.result.device,
                "measures": {name: to_plain(score) for name, score in run.result.measures.items()},
                "scored at": curves.scored_at.tolist(), CURVE: curves.scores[k].tolist(),
            }
            for k, run in enumerate(runs)
        ],
    }  # fmt: skip
