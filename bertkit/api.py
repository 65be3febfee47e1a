"""bertkit from Python: what the commands do, as functions of the same names, with the flags as keywords.

They are quiet unless `progress` is set, return values, and raise `bertkit.errors.BertkitError`. Light: the engine is
imported when a function is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, overload

from bertkit import registry
from bertkit.cli import screen
from bertkit.cli.check import CheckFlags, report_of
from bertkit.cli.compare_from_python import compare as compare
from bertkit.cli.embryology import embryology as embryology
from bertkit.cli.predict import PredictFlags, asked_of
from bertkit.cli.report import report as report
from bertkit.cli.search import search as search
from bertkit.cli.submit import SubmitFlags, submitted
from bertkit.deploy.from_python import corrupt as corrupt
from bertkit.deploy.from_python import fill as fill
from bertkit.deploy.from_python import generate as generate
from bertkit.errors import RequestError
from bertkit.request.check import check as check_specs
from bertkit.request.check import check_rows
from bertkit.request.flags import Flags, RunFlags, names_typed
from bertkit.request.keywords import Given, Options, Target, checked, named
from bertkit.request.own_flags import OwnFlags
from bertkit.request.pretrain_flags import PretrainFlags
from bertkit.request.pretrain_keywords import PretrainOptions, corpora_named
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import target_of, target_scored
from bertkit.result import Finished, Pretrained
from bertkit.runs.folder import located, read_spec
from bertkit.runs.temperature import fitted_temperature
from bertkit.spec import SPEC_FILE, Device, Exactness

if TYPE_CHECKING:
    from bertkit.data.report import Report
    from bertkit.deploy.answer_file import AnsweredFile
    from bertkit.deploy.predictor import Input, Predictor
    from bertkit.deploy.submission import Filled
    from bertkit.heads import Answer
    from bertkit.runs.rescore import Scores
    from bertkit.studies.suite import SuiteScore


class CheckOptions(Options, total=False):
    """The options of `bertkit check` as keywords, for type checkers: those of training do nothing here."""

    save: Target | None


class PredictOptions(TypedDict, total=False):
    """The options of `bertkit predict` as keywords, for type checkers; a test compares them with the flags."""

    file: Target
    encoding: str | None
    header: bool | None
    out: Target
    top_k: int | None
    calibrated: bool
    force: bool
    device: Device
    precision: Exactness


@overload
def finetune(
    task: Target | None = None, *, seeds: Literal[1] = 1, progress: bool = False, **options: Unpack[Options]
) -> Finished: ...
@overload
def finetune(
    task: Target | None = None, *, seeds: int, progress: bool = False, **options: Unpack[Options]
) -> Finished | list[Finished]: ...
def finetune(
    task: Target | None = None, *, seeds: int = 1, progress: bool = False, **options: Unpack[Options]
) -> Finished | list[Finished]:
    """Fine-tune an encoder on a task, or on a file or folder of your own, and score it: `bertkit finetune`.

    Returns the run's folder and result, or with several `seeds` a list of them. A finished run is not trained again,
    and a stopped one is resumed. Raises BertkitError.
    """
    given, typed = Given("finetune", options), None if task is None else named("task", task)
    given.follow(typed)
    flags, run = given.flags(Flags), given.flags(RunFlags)
    target = target_of(typed, given.flags(OwnFlags))
    specs = seeds_of(target.spec(flags), checked("seeds", int, seeds))
    kept = options_of(run, flags)
    check_specs(specs)
    from bertkit.studies.group import run_group

    finished = run_group(specs, kept, partial(screen.progress, not progress))
    return finished[0] if seeds == 1 else finished


def pretrain(
    corpus: Target | Iterable[Target], *, progress: bool = False, **options: Unpack[PretrainOptions]
) -> Pretrained:
    """Pretrain a model on files or folders of text, and measure it on text held out: `bertkit pretrain`.

    Returns the run's folder and result. A finished run is not trained again, and a stopped one is resumed. Raises
    BertkitError.
    """
    given = Given("pretrain", options, (PretrainFlags, RunFlags))
    spec = given.flags(PretrainFlags).spec(corpora_named(corpus))
    from bertkit.runs.pretrain import pretrain as pretrained

    shown = screen.progress_named(not progress, f"pretraining, seed {spec.seed}")
    return pretrained(spec, options_of(given.flags(RunFlags)), shown)


def check(task: Target | None = None, **options: Unpack[CheckOptions]) -> Report:
    """Look at a task's rows, or at a file or folder of your own, and train nothing: `bertkit check`.

    Returns what the rows are taken for, their labels, lengths and duplicates, and what is wrong with them; `save`
    writes the task to a TOML file. Raises BertkitError.
    """
    given = Given("check", options, (Flags, OwnFlags, CheckFlags))
    typed = None if task is None else named("task", task)
    given.follow(typed)
    target = target_of(typed, given.flags(OwnFlags))
    return report_of(target, given.flags(Flags), given.flags(CheckFlags))


def evaluate(
    target: Target, *, progress: bool = False, average: str | None = None, **options: Unpack[Options]
) -> Scores | SuiteScore:
    """Score a run by its folder, a checkpoint (`model`) on a task or file, or a suite (glue): `bertkit eval`.

    average  of a suite: by its name, such as "bert"

    Returns Scores, or for a suite a SuiteScore. Raises BertkitError.
    """
    given, typed = Given("eval", options), named("target", target)
    flags, run, own = given.flags(Flags), given.flags(RunFlags), given.flags(OwnFlags)
    suite = next((suite for suite in registry.suites() if suite.name == typed.lower()), None)
    if suite is not None:
        _refuse(list(own.typed), "these are for a file of your own, given with model=")
        from bertkit.studies.suite import average_of, plan, run_suite

        average_of(suite, checked("average", str | None, average))
        bars = partial(screen.progress, not progress)
        return run_suite(suite, plan(suite, flags), options_of(run), bars, average)
    if average is not None:
        raise RequestError(f"average={average!r}: {typed} is no suite")
    if (Path(typed) / SPEC_FILE).is_file():
        _refuse(
            [*names_typed(flags), *names_typed(run, training=True), *own.typed], f"a run is scored as its {SPEC_FILE}"
        )
        spec = read_spec(Path(typed))
        check_rows(located(Path(typed), spec))
        from bertkit.runs.rescore import score_run

        with closing(screen.progress(not progress, spec)) as shown:
            return score_run(Path(typed), shown)
    if flags.model is None:
        raise RequestError(f"{typed}: name the checkpoint to score with model=, or give a run's folder")
    _refuse(names_typed(flags, run, training=True), "a checkpoint is scored, not trained")
    spec = target_scored(typed, own, flags.model, flags.label_map).spec(flags)
    check_specs([spec], training=False)
    from bertkit.runs.rescore import score_checkpoint

    with closing(screen.progress(not progress, spec)) as shown:
        return score_checkpoint(spec, shown)


def submit(
    suite: str,
    *,
    runs: Target = "runs",
    run: Iterable[str] = (),
    data: Target | None = None,
    out: Target = "submission.zip",
    progress: bool = False,
) -> list[Filled]:
    """Write a suite's test answers in its server's format: `bertkit submit`. Raises BertkitError.

    run  TASK=FOLDER, for tasks with several runs below `runs`
    """
    flags = SubmitFlags(
        runs=Path(named("runs", runs)),
        run=[named("run", one) for one in run],
        data=None if data is None else named("data", data),
        out=Path(named("out", out)),
    )
    return submitted(named("suite", suite), flags, progress)


def load(run: Target, *, device: Device = "auto", precision: Exactness = "fp32", calibrated: bool = False) -> Predictor:
    """A run's model, loaded once: `load(run).predict([text])` answers like `bertkit predict`. Raises BertkitError."""
    folder = Path(named("run", run))
    read_spec(folder)
    device, precision = checked("device", Device, device), checked("precision", Exactness, precision)
    calibrated = checked("calibrated", bool, calibrated)
    from bertkit.deploy.predictor import Predictor

    return Predictor(folder, device, precision, calibrated)


@overload
def predict(
    run: Target, inputs: Iterable[Input], *, progress: bool = False, **options: Unpack[PredictOptions]
) -> list[Answer]: ...
@overload
def predict(
    run: Target, inputs: None = None, *, progress: bool = False, **options: Unpack[PredictOptions]
) -> AnsweredFile: ...
def predict(
    run: Target, inputs: Iterable[Input] | None = None, *, progress: bool = False, **options: Unpack[PredictOptions]
) -> list[Answer] | AnsweredFile:
    """Predict with a run: `bertkit predict`. Raises BertkitError.

    An answer for each of the inputs, in their order: texts, tuples of two texts, lists of words, or dicts by column; to
    ask the same run again, `load` it once. Or, of a `file`, the answers beside its own columns in `out`: a call that
    was stopped continues when it is made again.
    """
    flags = Given("predict", options, (PredictFlags,)).flags(PredictFlags)
    flags.check_reading()
    folder = Path(named("run", run))
    spec = read_spec(folder)
    if flags.calibrated:
        fitted_temperature(folder, spec)
    if (inputs is None) == (flags.file is None) or (flags.file is None) != (flags.out is None):
        raise RequestError("predict: give inputs, or file and out")
    if "-" in (str(flags.file), str(flags.out)):
        raise RequestError("predict: - is for the command line; give a path")
    if inputs is not None:
        _refuse([name for name in ("top_k", "force") if options.get(name)], "it is for file and out")
        _refuse([name for name in ("pair", "question", "context") if name in options], "an input has both, as a tuple")
    if inputs is not None:
        with closing(screen.progress(not progress, spec)) as shown:
            loaded = load(folder, device=flags.device, precision=flags.precision, calibrated=flags.calibrated)
            return loaded.predict(inputs, shown)
    from bertkit.deploy.answer_file import answer_file, request_of

    request = request_of(spec.task, asked_of(flags))
    with closing(screen.progress(not progress, spec)) as shown:
        return answer_file(request, folder, flags.device, shown)


def _refuse(flags: list[str], why: str) -> None:
    """Raise RequestError if there are flags that do not apply here."""
    if flags:
        raise RequestError(f"{', '.join(flags)}: {why}")
