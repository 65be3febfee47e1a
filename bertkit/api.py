"""bertkit from Python: what the commands do, as functions with the flags as keywords; `bertkit eval` is `evaluate`.

They are quiet (those that take long show a bar where `progress` is set), return values, and raise
`bertkit.errors.BertkitError`. Light: the engine is imported when a function is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, overload

from bertkit.cli import screen
from bertkit.cli.analyse_from_python import analyse as analyse
from bertkit.cli.check import CheckFlags, report_of
from bertkit.cli.compare_from_python import compare as compare
from bertkit.cli.embryology import embryology as embryology
from bertkit.cli.eval_ import refuse
from bertkit.cli.eval_from_python import EvaluateOptions as EvaluateOptions
from bertkit.cli.eval_from_python import evaluate as evaluate
from bertkit.cli.predict import PredictFlags, asked_of
from bertkit.cli.report import report as report
from bertkit.cli.search import search as search
from bertkit.cli.submit import SubmitFlags, submitted
from bertkit.cli.zoo import zoo as zoo
from bertkit.deploy.from_python import corrupt as corrupt
from bertkit.deploy.from_python import fill as fill
from bertkit.deploy.from_python import generate as generate
from bertkit.errors import RequestError
from bertkit.request.check import check as check_specs
from bertkit.request.flags import Flags, RunFlags
from bertkit.request.keywords import Given, Options, Target, checked, named
from bertkit.request.own_flags import OwnFlags
from bertkit.request.pretrain_flags import PretrainFlags
from bertkit.request.pretrain_keywords import PretrainOptions, corpora_named
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import target_of
from bertkit.result import Finished, Pretrained
from bertkit.runs.folder import read_spec
from bertkit.runs.temperature import fitted_temperature
from bertkit.spec import Device, Exactness

if TYPE_CHECKING:
    from bertkit.data.report import Report
    from bertkit.deploy.answer_file import AnsweredFile
    from bertkit.deploy.predictor import Input, Predictor
    from bertkit.deploy.submission import Filled
    from bertkit.heads import Answer


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
        refuse([name for name in ("top_k", "force") if options.get(name)], "it is for file and out")
        refuse([name for name in ("pair", "question", "context") if name in options], "an input has both, as a tuple")
    if inputs is not None:
        with closing(screen.progress(not progress, spec)) as shown:
            loaded = load(folder, device=flags.device, precision=flags.precision, calibrated=flags.calibrated)
            return loaded.predict(inputs, shown)
    from bertkit.deploy.answer_file import answer_file, request_of

    request = request_of(spec.task, asked_of(flags))
    with closing(screen.progress(not progress, spec)) as shown:
        return answer_file(request, folder, flags.device, shown)
