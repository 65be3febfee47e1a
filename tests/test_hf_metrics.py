"""Our metrics as `evaluate` modules: the numbers of the plain functions, without a network."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from test_metrics import TWO, drawn, drawn_numbers

from bertkit.evaluation.metrics import METRICS


def mixed(name: str) -> tuple[list[Any], list[Any], tuple[str, ...]]:
    """Golds, values and labels that are right in part, for a metric."""
    golds, values = drawn(7, TWO, 9)
    cases: dict[str, tuple[list[Any], list[Any]]] = {
        "label": (golds, values),
        "number": drawn_numbers(7, 9),
        "labels": ([["a", "b"], [], ["a"], ["c"]], [["b", "a"], ["a"], [], ["c", "b"]]),
        "answers": ([["0", "2"], [], ["1"]], [["2", "0"], ["0"], []]),
        "tags": ([["DET", "NOUN"], ["VERB"], ["ADV", "X"]], [["DET", None], ["ADV"], [None, "X"]]),
        "text": ([["the boat", "a ship"], [], ["red"]], ["boat", "", "dark red"]),
    }
    if name.startswith("entity"):
        return [["B-X", "I-X", "O"], ["B-Y"]], [["B-X", "I-X", "B-Y"], ["O"]], ("B-X", "B-Y", "I-X", "I-Y", "O")
    return *cases[METRICS[name].kind], TWO


@pytest.fixture(scope="module")
def modules() -> Any:
    from bertkit.evaluation import hf_metrics as modules

    return modules


@pytest.mark.parametrize("name", METRICS)
def test_a_module_gives_what_the_plain_function_gives(name: str, modules: Any) -> None:
    golds, values, labels = mixed(name)
    expected = METRICS[name].of(golds, values, labels)
    assert expected != METRICS[name].best
    assert modules.score(METRICS[name], golds, values, labels) == pytest.approx(expected)


def test_a_module_takes_a_first_row_without_any_tag(modules: Any) -> None:
    assert modules.score(METRICS["tag_accuracy"], [["NOUN"], ["VERB"]], [[None], ["VERB"]]) == 1 / 2
    assert modules.score(METRICS["tag_accuracy"], [[None], ["VERB"]], [["NOUN"], ["VERB"]]) == 1


@pytest.mark.parametrize("name", METRICS)
def test_a_module_takes_its_rows_in_batches(name: str, modules: Any) -> None:
    golds, values, labels = mixed(name)
    module = modules.Module(METRICS[name], labels)
    for part in (slice(0, 1), slice(1, None)):
        module.add_batch(predictions=values[part], references=golds[part])
    assert module.compute() == {name: pytest.approx(METRICS[name].of(golds, values, labels))}


def test_modules_can_stand_in_evaluate_combine(modules: Any) -> None:
    import evaluate

    golds, values, labels = mixed("f1")
    both = evaluate.combine([modules.Module(METRICS[name], labels) for name in ("f1", "accuracy")])
    both.add_batch(predictions=values, references=golds)
    expected = {name: pytest.approx(METRICS[name].of(golds, values, labels)) for name in ("f1", "accuracy")}
    assert both.compute() == expected


def test_a_module_asks_nothing_of_any_network(modules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(*where: Any, **_: Any) -> None:
        asked.append(where)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in METRICS:
        golds, values, labels = mixed(name)
        modules.score(METRICS[name], golds, values, labels)
    assert asked == []
