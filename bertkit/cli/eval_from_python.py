"""`bertkit eval` from Python: `bertkit.evaluate`. Light at import."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from bertkit import registry
from bertkit.cli import screen
from bertkit.cli.eval_ import refuse
from bertkit.errors import RequestError
from bertkit.request.check import check as check_specs
from bertkit.request.check import check_rows
from bertkit.request.flags import Flags, RunFlags, names_typed
from bertkit.request.keywords import GROUPS, Given, Options, Target, checked, named
from bertkit.request.own_flags import OwnFlags
from bertkit.request.slice_flags import SliceFlags
from bertkit.request.specs import options_of
from bertkit.request.target import target_scored
from bertkit.runs.folder import located, read_spec
from bertkit.spec import SPEC_FILE

if TYPE_CHECKING:
    from bertkit.evaluation.slices import Slicing
    from bertkit.runs.rescore import Scores
    from bertkit.studies.suite import SuiteScore


class EvaluateOptions(Options, total=False):
    """The options of `bertkit eval` as keywords, for type checkers."""

    slices: bool
    slice_by: list[str] | str | None


def evaluate(
    target: Target, *, progress: bool = False, average: str | None = None, **options: Unpack[EvaluateOptions]
) -> Scores | SuiteScore | tuple[Slicing, ...]:
    """Score a run by its folder, a checkpoint (`model`) on a task or file, or a suite (glue): `bertkit eval`.

    average  of a suite: by its name, such as "bert"

    Returns Scores, or for a suite a SuiteScore, or with `slices` of a run its Slicings. Raises BertkitError.
    """
    given, typed = Given("eval", options, (*GROUPS, SliceFlags)), named("target", target)
    flags, run, own = given.flags(Flags), given.flags(RunFlags), given.flags(OwnFlags)
    sliced = given.flags(SliceFlags)
    sliced.check(typed)
    suite = next((suite for suite in registry.suites() if suite.name == typed.lower()), None)
    if suite is not None:
        refuse(list(own.typed), "these are for a file of your own, given with model=")
        from bertkit.studies.suite import average_of, plan, run_suite

        average_of(suite, checked("average", str | None, average))
        bars = partial(screen.progress, not progress)
        return run_suite(suite, plan(suite, flags), options_of(run), bars, average)
    if average is not None:
        raise RequestError(f"average={average!r}: {typed} is no suite")
    if (Path(typed) / SPEC_FILE).is_file():
        refuse(
            [*names_typed(flags), *names_typed(run, training=True), *own.typed], f"a run is scored as its {SPEC_FILE}"
        )
        if sliced.asked:
            from bertkit.studies.slices import slices_of

            return slices_of(Path(typed), sliced.slice_by or ())
        spec = read_spec(Path(typed))
        check_rows(located(Path(typed), spec))
        from bertkit.runs.rescore import score_run

        with closing(screen.progress(not progress, spec)) as shown:
            return score_run(Path(typed), shown)
    if flags.model is None:
        raise RequestError(f"{typed}: name the checkpoint to score with model=, or give a run's folder")
    refuse(names_typed(flags, run, training=True), "a checkpoint is scored, not trained")
    spec = target_scored(typed, own, flags.model, flags.label_map).spec(flags)
    check_specs([spec], training=False)
    from bertkit.runs.rescore import score_checkpoint

    with closing(screen.progress(not progress, spec)) as shown:
        return score_checkpoint(spec, shown)
