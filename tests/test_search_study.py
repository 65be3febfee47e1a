"""A search's study: what is chosen next, when a trial is pruned, and what is left of it after a stop."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from files import write

from bertkit.errors import RequestError
from bertkit.request.search_space import Space
from bertkit.studies.search_study import Study, Trial
from bertkit.training.pruning import Pruning

SPACE = Space(learning_rate=(1e-5, 1e-3), epochs=(1.0, 2.0), batch_size=(8, 16))


def study_in(folder: Path, seed: int = 42) -> Any:
    return closing(Study(folder / "study.db", "search", SPACE, seed))


def trial(number: int, choice: Any, *scores: float, **more: Any) -> Trial:
    given = dict(enumerate(scores, 1))
    fixed = {"number": number, "state": "complete", "value": scores[-1] if scores else None, "run": f"run-{number}"}
    return Trial(**{**fixed, "choice": choice, "scores": given, **more})


def value_of(choice: Any) -> float:
    """A score that is best at a learning rate of 1e-4."""
    return 1 - abs(choice["learning_rate"] - 1e-4) * 100 + choice["batch_size"] / 100


def chosen(study: Study, count: int) -> list[dict[str, Any]]:
    """What is chosen for so many more trials, each of which has its score."""
    found = []
    for _ in range(count):
        number, choice = study.next()
        study.add(trial(number, choice, value_of(choice)))
        found.append(choice)
    return found


def test_a_study_that_is_opened_again_chooses_as_if_it_had_stayed_open(tmp_path: Path) -> None:
    with study_in(tmp_path) as study:
        whole = chosen(study, 12)
    parts = []
    (tmp_path / "again").mkdir()
    for _ in range(4):
        with study_in(tmp_path / "again") as study:
            study.next()  # a choice whose trial never finished
            parts += chosen(study, 3)
    assert parts == whole
    assert len({str(choice) for choice in whole}) == 12
    (tmp_path / "other").mkdir()
    with study_in(tmp_path / "other", seed=43) as study:
        assert chosen(study, 2) != whole[:2]


def test_what_is_chosen_is_in_the_space_and_a_rate_has_three_digits(tmp_path: Path) -> None:
    with study_in(tmp_path) as study:
        for choice in chosen(study, 15):
            assert list(choice) == ["learning_rate", "epochs", "batch_size"]
            assert 1e-5 <= choice["learning_rate"] <= 1e-3
            assert choice["learning_rate"] == float(f"{choice['learning_rate']:.3g}")
            assert choice["epochs"] in SPACE.epochs and choice["batch_size"] in SPACE.batch_size


def test_finished_trials_are_read_as_they_were_kept(tmp_path: Path) -> None:
    choice = {"learning_rate": 1e-4, "epochs": 2.0, "batch_size": 16}
    kept = [
        trial(1, choice, 0.5, 0.625),
        trial(2, choice, 0.25, state="pruned"),
        trial(3, choice, state="failed", value=None, why="update 3 failed"),
    ]
    with study_in(tmp_path) as study:
        for one in kept:
            study.add(one)
        assert study.trials() == kept
    with study_in(tmp_path) as study:
        assert study.trials() == kept
    shown = optuna.load_study(study_name="search", storage=f"sqlite:///{tmp_path / 'study.db'}")
    assert [one.state.name for one in shown.trials] == ["COMPLETE", "PRUNED", "FAIL"]  # Optuna's own tools read it
    shown._storage._backend.engine.dispose()


def test_a_trial_below_the_median_of_the_complete_ones_is_pruned(tmp_path: Path) -> None:
    choice = {"learning_rate": 1e-4, "epochs": 2.0, "batch_size": 16}
    with study_in(tmp_path) as study:
        for number, scores in enumerate([(0.5, 0.9), (0.6, 0.8)], 1):
            study.add(trial(number, choice, *scores))
        assert not study.pruner()({1: 0.0})  # of fewer than three
        study.add(trial(3, choice, 0.9, 0.7))
        study.add(trial(4, choice, 0.99, state="pruned"))  # no complete one
        prune = study.pruner()
        assert prune({1: 0.59}) and not prune({1: 0.6})  # the median of 0.5, 0.6, 0.9
        assert prune({1: 0.79, 2: 0.1}) and not prune({1: 0.8, 2: 0.1})  # its best so far; of 0.7, 0.8, 0.9


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(5_000)])
def test_a_damaged_database_is_named_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = write(tmp_path / "study.db", content)
    with pytest.raises(RequestError, match=r"study\.db cannot be read or written .*; if it is damaged, move it away"):
        Study(file, "search", SPACE, 42)


def test_a_database_that_is_damaged_in_its_middle_is_named(tmp_path: Path) -> None:
    with study_in(tmp_path) as study:
        chosen(study, 3)
    whole = (tmp_path / "study.db").read_bytes()
    write(tmp_path / "study.db", whole[:8_192] + b"x" * (len(whole) - 8_192))
    with pytest.raises(RequestError, match="move it away"), study_in(tmp_path) as study:
        study.trials()


def test_another_search_s_database_is_refused(tmp_path: Path) -> None:
    with study_in(tmp_path):
        pass
    with pytest.raises(RequestError, match="cannot be read or written"):
        Study(tmp_path / "study.db", "another", SPACE, 42)


def pruning(updates: int, scores: dict[int, float], until: int) -> Pruning:
    return Pruning(score=scores.__getitem__, prune=lambda found: len(found) >= until, updates=lambda: updates)


@pytest.mark.parametrize(
    ("updates", "due"),
    [
        (10, [2, 4, 6, 8, 10]),
        (7, [2, 3, 5, 6, 7]),  # 7/5 = 1.4, 2.8, 4.2, 5.6, 7, each rounded up
        (5, [1, 2, 3, 4, 5]),
        (2, [1, 2]),
        (1, [1]),
    ],
)
def test_a_trial_is_scored_once_each_fifth_of_its_updates_is_done(updates: int, due: list[int]) -> None:
    one = pruning(updates, {}, 9)
    assert [step for step in range(1, updates + 1) if one.due(step, step == updates)] == due


def test_scores_have_the_number_of_fifths_that_are_done() -> None:
    one = pruning(7, {2: 0.25, 3: 0.5, 7: 0.75}, 9)
    for step in (2, 3, 7):
        one.offer(step, dict)
    assert one.found == {"value": 0.75, "scores": {"1": 0.25, "2": 0.5, "5": 0.75}, "pruned": False}


def test_a_pruned_trial_ends_and_its_state_is_restored() -> None:
    one = pruning(10, {2: 0.25, 4: 0.5}, 2)
    for step in (2, 4):
        assert not one.done
        one.offer(step, dict)
    assert one.done
    again = pruning(10, {}, 2)
    again.load(one.facts(), {})
    assert (again.scores, again.done, again.found) == (one.scores, True, one.found)


def test_a_trial_is_never_pruned_after_its_last_update() -> None:
    one = pruning(10, {10: 0.25}, 0)
    one.offer(10, dict)
    assert not one.done
