"""A search's trials as an Optuna study in SQLite: finished ones are kept, the next is chosen from them alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bertkit.errors import RequestError, one_line
from bertkit.files import atomic_file
from bertkit.request.search_space import Space

RANDOM, MEDIAN_OF = 5, 3
"""Trials that are drawn at random before TPE (Bergstra et al. 2011) chooses, and complete ones before any is pruned."""
LEAST_IMPORTANCE = 8
"""Complete trials from which the importance of what is searched is estimated."""

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A finished trial.

    number  from 1 on: Optuna counts from 0
    choice  what was chosen, by the names of a recipe's fields
    value   its last score on the rows held out for it; None where it failed
    scores  by the number of parts of its updates that were done
    run     the name of its folder
    why     why it failed
    """

    number: int
    state: State
    choice: Mapping[str, Any]
    value: float | None
    scores: Mapping[int, float]
    run: str
    why: str | None = None


class Study:
    """The trials of one study, which is created if it is not there. Raises RequestError where it cannot be read.

    Each finished trial is written in one transaction. What comes next depends on the finished trials and on `seed`
    alone, so that a search that was killed, or whose database was removed, chooses the same trials again.
    """

    def __init__(self, file: Path, name: str, space: Space, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._file, self._seed = file, seed
        self._distributions = _distributions(space)
        with _damage_named(file):
            if not file.exists():
                with atomic_file(file) as temporary, closing(_Database(temporary)) as new:
                    optuna.create_study(storage=new.storage, study_name=name, direction="maximize")
            self._database = _Database(file)
            self._study = optuna.load_study(storage=self._database.storage, study_name=name)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def trials(self) -> list[Trial]:
        """The finished trials, in order."""
        finished = self._finished()
        with _damage_named(self._file):
            return [_trial_of(one) for one in finished]

    def next(self) -> tuple[int, dict[str, Any]]:
        """The number of the next trial, and what is chosen for it; a learning rate has three digits."""
        waiting, finished = self._in_memory()
        return finished + 1, _rounded(waiting.ask(self._distributions).params, self._distributions)

    def pruner(self) -> Callable[[Mapping[int, float]], bool]:
        """Whether the next trial is to be pruned with these scores: below the median of the complete ones there."""
        import optuna

        others = self._in_memory()[0]

        def prune(scores: Mapping[int, float]) -> bool:
            state = optuna.trial.TrialState.RUNNING
            one = optuna.trial.create_trial(state=state, intermediate_values=dict(scores))
            return bool(others.pruner.prune(others, one))

        return prune

    def add(self, trial: Trial) -> None:
        """Keep a finished trial."""
        import optuna

        states = optuna.trial.TrialState
        found = optuna.trial.create_trial(
            state={"complete": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}[trial.state],
            value=trial.value,
            params=dict(trial.choice),
            distributions=self._distributions,
            intermediate_values=dict(trial.scores),
            user_attrs={"run": trial.run, "why": trial.why},
        )
        with _damage_named(self._file):
            self._study.add_trial(found)

    def importances(self, count: int) -> dict[str, float]:
        """The share of the scores' variance that each choice explains (fANOVA, Hutter et al. 2014), by so many trials.

        {} where too few are complete, or all have one score.
        """
        import optuna

        complete = [one for one in self.trials()[:count] if one.state == "complete"]
        if len(complete) < LEAST_IMPORTANCE or len({one.value for one in complete}) == 1:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self._seed)
        found = optuna.importance.get_param_importances(self._in_memory(count)[0], evaluator=evaluator)
        return {name: round(float(share), 3) for name, share in found.items()}

    def _finished(self) -> Sequence[Any]:
        with _damage_named(self._file):
            return [one for one in self._study.get_trials(deepcopy=False) if one.state.is_finished()]

    def _in_memory(self, count: int | None = None) -> tuple[Any, int]:
        """The finished trials, or the first of them, as a study of which nothing is written, and how many they are."""
        import optuna

        finished = self._finished()[:count]
        seed = (1_000_003 * self._seed + len(finished)) % 2**32
        found = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=MEDIAN_OF),
        )
        found.add_trials(finished)
        return found, len(finished)


def _distributions(space: Space) -> dict[str, Any]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    found: dict[str, Any] = {name: CategoricalDistribution(getattr(space, name)) for name in space.searched}
    if space.learning_rate:
        low, high = space.learning_rate
        found["learning_rate"] = FloatDistribution(low, high, log=True)
    return found


def _rounded(choice: Mapping[str, Any], distributions: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: choice[name] for name in distributions}
    if "learning_rate" in found:
        ends = distributions["learning_rate"]
        found["learning_rate"] = min(max(float(f"{found['learning_rate']:.3g}"), ends.low), ends.high)
    return found


def _trial_of(found: Any) -> Trial:
    states: dict[str, State] = {"COMPLETE": "complete", "PRUNED": "pruned"}
    state = states.get(found.state.name, "failed")
    return Trial(
        number=found.number + 1, state=state, choice=dict(found.params), value=found.value,
        scores=dict(found.intermediate_values), run=found.user_attrs["run"], why=found.user_attrs["why"],
    )  # fmt: skip


class _Database:
    """An SQLite file as Optuna's storage, no connection of which outlives `close`."""

    def __init__(self, file: Path) -> None:
        from optuna.storages import RDBStorage
        from sqlalchemy import URL
        from sqlalchemy.pool import NullPool

        url = URL.create("sqlite", database=str(file.resolve())).render_as_string()
        self.storage = RDBStorage(url, engine_kwargs={"poolclass": NullPool})

    def close(self) -> None:
        """Close its connections."""
        self.storage.remove_session()
        self.storage.engine.dispose()


@contextmanager
def _damage_named(file: Path) -> Iterator[None]:
    """Turn an error of the database inside the block into a RequestError that names it, and says what to do."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OptunaError, SQLAlchemyError, KeyError, ValueError, RuntimeError, AssertionError) as error:
        cause = error.__cause__ if isinstance(error, OptunaError) and error.__cause__ else error
        raise RequestError(
            f"{file} cannot be read or written ({one_line(cause, 120, lines=1)}); if it is damaged, move it away: the "
            "same command then reads its trials from their folders again"
        ) from error
