"""`bertkit.compare`: runs, files of answers, or two ways of training, from Python."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from bertkit.cli import screen
from bertkit.cli.compare import (
    LABEL_SHARE,
    NSP_VS_SOP,
    PRETRAIN_VS_SCRATCH,
    PROMPTING,
    RUNS,
    TOKEN_MAPS,
    TRANSFER,
    is_path,
    study_named,
)
from bertkit.cli.compare_arms import run_arms, specs_of_arms, verdicts_on_arms
from bertkit.cli.compare_label_share import LabelShareFlags, LabelShareOptions
from bertkit.cli.compare_prompting import SEEDS as PROMPTING_SEEDS
from bertkit.cli.compare_prompting import causal_encoder, prompting_of
from bertkit.cli.compare_runs import RunsFlags, plain_of, verdicts_on, write_verdicts
from bertkit.cli.compare_token_maps import TokenMapFlags, TokenMapOptions
from bertkit.cli.compare_transfer import study
from bertkit.errors import RequestError
from bertkit.request.check import check as check_specs
from bertkit.request.flags import Flags, RunFlags
from bertkit.request.keywords import GROUPS, Given, Options, Target, checked, named
from bertkit.request.own_flags import OwnFlags
from bertkit.request.pretrain_flags import PairFlags
from bertkit.request.pretrain_keywords import PairOptions, corpora_named
from bertkit.request.prompting_flags import PromptingFlags, PromptingOptions
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import target_of, targets_of
from bertkit.request.transfer_flags import NOT_OF_TRANSFER, TransferFlags
from bertkit.spec import Spec

if TYPE_CHECKING:
    from bertkit.studies.compare import Comparison
    from bertkit.studies.label_share import LabelStudy
    from bertkit.studies.pairs import PairStudy
    from bertkit.studies.prompting import PromptStudy
    from bertkit.studies.token_maps import MapStudy
    from bertkit.studies.transfer_found import Transfer
    from bertkit.studies.verdict import Verdict


@overload
def compare(
    what: Literal["nsp-vs-sop"],
    *,
    corpus: Target | Iterable[Target],
    seeds: int = 1,
    progress: bool = False,
    **options: Unpack[PairOptions],
) -> PairStudy: ...
@overload
def compare(
    what: Literal["prompting"],
    *,
    task: Target,
    seeds: int = PROMPTING_SEEDS,
    progress: bool = False,
    **options: Unpack[PromptingOptions],
) -> PromptStudy: ...
@overload
def compare(
    what: Literal["label-share"],
    *,
    task: Target,
    seeds: int = 3,
    progress: bool = False,
    **options: Unpack[LabelShareOptions],
) -> LabelStudy: ...
@overload
def compare(
    what: Literal["token-maps"],
    *,
    task: Target,
    seeds: int = 1,
    progress: bool = False,
    **options: Unpack[TokenMapOptions],
) -> MapStudy: ...
@overload
def compare(
    what: Literal["transfer"],
    *,
    train: str,
    test: str | Iterable[str],
    models: Target | Iterable[Target],
    seeds: int = 2,
    test_limit: int | None = None,
    progress: bool = False,
    **options: Unpack[Options],
) -> Transfer: ...
@overload
def compare(
    what: str = PRETRAIN_VS_SCRATCH,
    *,
    tasks: str | Iterable[Target] = "sst2",
    seeds: int = 5,
    scratch_lr: float | None = None,
    progress: bool = False,
    **options: Unpack[Options],
) -> list[Comparison]: ...
@overload
def compare(
    *,
    arms_file: Target,
    tasks: str | Iterable[Target] = "sst2",
    seeds: int = 5,
    progress: bool = False,
    **options: Unpack[Options],
) -> list[Verdict]: ...
@overload
def compare(
    what: Target,
    other: Target,
    /,
    *others: Target,
    metric: str | None = None,
    evaluation: str | None = None,
    all_seeds: bool = False,
    out: Target | None = None,
) -> list[Verdict]: ...
def compare(
    what: Target = PRETRAIN_VS_SCRATCH, *others: Target, progress: bool = False, **options: Any
) -> list[Comparison] | PairStudy | LabelStudy | MapStudy | PromptStudy | Transfer | list[Verdict]:
    """Compare runs, files of answers, or two ways of training: `bertkit compare`. Raises BertkitError.

    No figure is drawn.

    several paths        a verdict on every pair of them: a run's folder, a folder of one spec's seeds, or a file of
                         answers (id, answer[, gold]); compare.json is written into `out` if it is given
    pretrain-vs-scratch  a comparison for each of the `tasks`: a pretrained encoder, and the same architecture from
                         scratch (at the rate `scratch_lr`)
    nsp-vs-sop           pretraining on a `corpus` (files or folders) with next sentences and with sentence order, and
                         how well either model tells both kinds of pairs
    label-share          scores of a `task` learnt from nested `shares` (percentages) of its labels, by `arms`
    token-maps           scores of a `task` of sequences, read as words by arbitrary `maps`, by `arms`
    transfer             the `models` (scratch:A is A with random weights) fine-tuned on the task `train`, and scored on
                         the tasks of `test`, at most `test_limit` rows of each
    prompting            what a causal `model` answers to a `task` in context, by `shots`, and after fine-tuning
    arms_file=...        a verdict on every pair of the arms in a TOML file, a table each with the options in which it
                         differs; compare.json is written into `out`
    """
    first = named("what", what)
    if "arms_file" in options:
        if others or first != PRETRAIN_VS_SCRATCH:
            raise RequestError("arms_file: its tables are what is compared; name nothing else")
        return _compare_arms(progress=progress, **options)
    if others or is_path(first):
        if progress:
            raise RequestError("progress: comparing runs or files trains nothing, so there is none")
        return _compare_runs([first, *(named("others", one) for one in others)], **options)
    name = study_named(first)
    if name == NSP_VS_SOP:
        return _compare_pairs(progress=progress, **options)
    if name == PROMPTING:
        return _compare_prompting(progress=progress, **options)
    if name == TRANSFER:
        return _compare_transfer(progress=progress, **options)
    if name == LABEL_SHARE:
        return _compare_shares(progress=progress, **options)
    if name == TOKEN_MAPS:
        return _compare_maps(progress=progress, **options)
    return _compare_tasks(progress=progress, **options)


def _compare_runs(paths: list[str], **options: Any) -> list[Verdict]:
    flags = Given(f"compare {RUNS}", options, (RunsFlags,), like="compare").flags(RunsFlags)
    compared, found = verdicts_on(paths, flags)
    if flags.out:
        write_verdicts(compared, plain_of(compared, found), flags.out)
    return found


def _compare_arms(
    *, progress: bool, arms_file: Target, tasks: str | Iterable[Target] = "sst2", seeds: int = 5, **options: Any
) -> list[Verdict]:
    given = Given("compare", options)
    typed, seeds = named("arms_file", arms_file), checked("seeds", int, seeds)
    run = given.flags(RunFlags)
    specs = specs_of_arms(typed, _tasks(tasks), given.flags(Flags), given.flags(OwnFlags), seeds)
    arms, found = verdicts_on_arms(run_arms(specs, options_of(run), partial(screen.progress, not progress)))
    write_verdicts(arms, plain_of(arms, found), run.out)
    return found


def _compare_pairs(
    *, progress: bool, corpus: Target | Iterable[Target] = (), seeds: int = 1, **options: Any
) -> PairStudy:
    given = Given(f"compare {NSP_VS_SOP}", options, (PairFlags, RunFlags), like="pretrain")
    seeds = checked("seeds", int, seeds)
    specs = given.flags(PairFlags).specs(corpora_named(corpus), seeds)
    from bertkit.studies.pairs import compare_pairs

    return compare_pairs(specs, seeds, options_of(given.flags(RunFlags)), partial(screen.progress_named, not progress))


def _compare_prompting(
    *, progress: bool, task: Target | None = None, seeds: int = PROMPTING_SEEDS, **options: Any
) -> PromptStudy:
    given = Given("compare", options, (*GROUPS, PromptingFlags))
    seeds, typed = checked("seeds", int, seeds), None if task is None else named("task", task)
    flags = (given.flags(PromptingFlags), given.flags(Flags), given.flags(OwnFlags))
    spec, asked, _ = prompting_of(typed, *flags, seeds)
    run = options_of(given.flags(RunFlags))
    encoder = causal_encoder(spec)
    from bertkit.studies.prompting import compare_prompting

    return compare_prompting(spec, encoder, asked, seeds, run, partial(screen.progress_named, not progress))


def _compare_shares(*, progress: bool, task: Target | None = None, seeds: int = 3, **options: Any) -> LabelStudy:
    given = _given(LABEL_SHARE, LabelShareFlags, options)
    asked = given.flags(LabelShareFlags).asked(_spec(task, given), checked("seeds", int, seeds))
    from bertkit.studies.label_share import compare_shares

    return compare_shares(asked, options_of(given.flags(RunFlags)), partial(screen.progress_named, not progress))


def _compare_maps(*, progress: bool, task: Target | None = None, seeds: int = 1, **options: Any) -> MapStudy:
    given = _given(TOKEN_MAPS, TokenMapFlags, options)
    asked = given.flags(TokenMapFlags).asked(_spec(task, given), checked("seeds", int, seeds))
    from bertkit.studies.token_maps import compare_maps

    return compare_maps(asked, options_of(given.flags(RunFlags)), partial(screen.progress_named, not progress))


def _given(study: str, group: type[Any], options: dict[str, Any]) -> Given:
    """The options, those that may be lists separated by commas."""
    listed = {name: _commas(options[name]) for name in ("shares", "arms") if name in options}
    return Given(f"compare {study}", options | listed, (group, *GROUPS), like="compare")


def _commas(given: Any) -> Any:
    return ",".join(map(str, given)) if isinstance(given, list | tuple) else given


def _spec(task: Target | None, given: Given) -> Spec:
    return target_of(None if task is None else named("task", task), given.flags(OwnFlags)).spec(given.flags(Flags))


def _compare_transfer(
    *, progress: bool, test: str | Iterable[str] = (), models: Target | Iterable[Target] = (), seeds: int = 2,
    **options: Any,
) -> Transfer:  # fmt: skip
    if other := next((name for name in NOT_OF_TRANSFER if name in options), None):
        raise RequestError(f"{other}: compare {TRANSFER} has no such option; `models` names what is fine-tuned")
    listed = {"test": _listed("test", test), "models": _listed("models", models)}
    given = Given(
        f"compare {TRANSFER}", {"train": "", **options, **listed}, (TransferFlags, Flags, RunFlags), "compare"
    )
    asked = given.flags(TransferFlags)
    return study(asked, given.flags(Flags), given.flags(RunFlags), checked("seeds", int, seeds), not progress)


def _compare_tasks(
    *,
    progress: bool,
    tasks: str | Iterable[Target] = "sst2",
    seeds: int = 5,
    scratch_lr: float | None = None,
    **options: Any,
) -> list[Comparison]:
    seeds, scratch_lr = checked("seeds", int, seeds), checked("scratch_lr", float | None, scratch_lr)
    if scratch_lr is not None and not 0 < scratch_lr < float("inf"):
        raise RequestError(f"scratch_lr={scratch_lr:g}: it must be a number above 0")
    given = Given("compare", options)
    targets = targets_of(_tasks(tasks), given.flags(OwnFlags))
    specs = [target.arm(given.flags(Flags)) for target in targets]
    seeds_of(specs[0], seeds)
    check_specs(specs)
    from bertkit.studies.compare import compare as compared

    return compared(specs, seeds, scratch_lr, options_of(given.flags(RunFlags)), partial(screen.progress, not progress))


def _tasks(tasks: str | Iterable[Target]) -> str | list[str]:
    if not isinstance(tasks, Iterable):
        raise RequestError(f"tasks={tasks!r}: name at least one task, or a list of them")
    return tasks if isinstance(tasks, str) else [named("tasks", one) for one in tasks]


def _listed(what: str, names: Any) -> str:
    """Names or paths as the flag has them. Raises RequestError."""
    several = [names] if isinstance(names, str | os.PathLike) or not isinstance(names, Iterable) else names
    return ",".join(named(what, one) for one in several)
