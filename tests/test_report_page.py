"""Reports opened in a headless Chromium, on a desk and on a phone: no error, no request, no sideways scrolling."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import reported
from browser import CHROMIUM, Browser
from files import json_lines, write
from test_report import comparison

import bertkit
from bertkit.heads import Answer
from bertkit.request.flags import Flags
from bertkit.request.own_flags import OwnFlags
from bertkit.request.target import target_of
from bertkit.result import Calibration, Failure, Floor
from bertkit.runs.folder import read_result, write_result

pytestmark = pytest.mark.skipif(
    not CHROMIUM.is_file() and os.environ.get("CI") != "true", reason=f"there is no {CHROMIUM}"
)
WIDTHS = (1280, 390)
SCRIPT = "</script><script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
LONG = "w" * 400


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as one:
        yield one


def hostile(below: Path) -> Path:
    """A run on rows whose texts hold scripts, one word of 400 letters, and right-to-left letters."""
    texts = [SCRIPT, LONG, "שלום עולם", "line\nbreaks\tand tabs", *(f"text {k}" for k in range(8))]
    rows = [{"sentence": f"{text} {k}", "label": k % 2} for k, text in enumerate(texts)]
    for split in ("train", "dev"):
        write(below / "rows" / f"{split}.jsonl", json_lines(*rows))
    spec = replace(reported.sample("sst2"), data=str(below / "rows"))
    return reported.run(below, spec, lambda place, row, gold: reported.one_wrong_in_four(0, row, gold))


def labels(below: Path) -> Path:
    """A run that gives sets of labels."""
    lines = [f"text {k},{('a|b', 'b', '', 'c')[k % 4]}\n" for k in range(60)]
    target = target_of(str(write(below / "sets.csv", "text,label\n" + "".join(lines))), OwnFlags(head="multi-label"))
    spec = replace(target.spec(Flags(model="sample")), device="cpu", precision="fp32")

    def answering(place: int, row: Mapping[str, Any], gold: list[str]) -> Answer:
        return Answer(value=["b"], scores={"a": 0.2, "b": 0.8, "c": 0.1})

    return reported.run(below, spec, answering)


def chunks(below: Path) -> Path:
    """A run that finds entities."""
    lines = "".join(f"Ada B-PER\nmet O\nMax{k} B-PER\n. O\n\n" for k in range(60))
    target = target_of(str(write(below / "names.conll", lines)), OwnFlags())
    spec = replace(target.spec(Flags(model="sample")), device="cpu", precision="fp32")

    def answering(place: int, row: Mapping[str, Any], gold: list[str]) -> Answer:
        return Answer(value=[*gold[:2], "O", "O"], scores={"tags": [0.9] * 4})

    return reported.run(below, spec, answering)


def everything(below: Path) -> Path:
    """A run with floors, calibration and a failure."""
    failures = (Failure(reason="constant answers", advice="a lower --lr"),)
    folder = reported.run(below, reported.sample("sst2"), reported.one_wrong_in_four, failures=failures)
    result = read_result(folder)
    assert result
    bins = ((30, 0.65, 0.5), (50, 0.95, 0.9))
    full = replace(
        result.evaluations[0],
        floors=(Floor(name="TF-IDF + logistic regression (100,000 rows)", metrics={"accuracy": 0.6}),),
        calibration=Calibration(ece=0.08, brier=0.2, bins=bins),
    )
    write_result(folder, replace(result, evaluations=(full,)))
    return folder


def three_seeds(below: Path) -> Path:
    for seed in (42, 43, 44):
        reported.run(below, reported.sample("mrpc", seed=seed), reported.one_wrong_in_four)
    return below


def suite(below: Path) -> Path:
    for name, answering in (("sst2", reported.one_wrong_in_four), ("stsb", reported.half_too_much)):
        reported.run(below, reported.sample(name), answering)
    return below


def one(name: str, answering: reported.Answering) -> Any:
    return lambda below: reported.run(below, reported.sample(name), answering)


PAGES = {
    "classification": one("sst2", reported.one_wrong_in_four),
    "two texts": one("mrpc", reported.one_wrong_in_four),
    "regression": one("stsb", reported.half_too_much),
    "tagging": one("ud_en_ewt", reported.first_word_wrong),
    "qa": one("squad", reported.first_letters),
    "multi-label": labels,
    "chunk-tagging": chunks,
    "floors, calibration and a failure": everything,
    "texts with scripts": hostile,
    "three seeds": three_seeds,
    "suite": suite,
    "comparison": lambda below: comparison(below / "compared"),
}


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of one of PAGES."""
    return bertkit.report(PAGES[request.param](tmp_path_factory.mktemp("page")))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_report_opens_without_an_error_a_request_or_sideways_scrolling(
    browser: Browser, page: Path, width: int
) -> None:
    for dark in (False, True):
        opened = browser.open(page, width, dark)
        assert (opened.console, opened.requests) == ([], [])
        assert browser.run("document.documentElement.scrollWidth") <= width


def test_every_chart_has_words_for_who_cannot_see_it(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    silent = "[...document.querySelectorAll('svg')].filter((one) => !one.closest('[aria-hidden], [aria-label]'))"
    assert browser.run(f"{silent}.length") == 0


def test_a_script_in_a_text_is_seen_and_does_not_run(browser: Browser, tmp_path: Path) -> None:
    page = bertkit.report(hostile(tmp_path))
    browser.open(page, 1280)
    assert browser.run("document.title") == "sst2 · bertkit report"
    assert SCRIPT in browser.run("document.querySelector('.examples').textContent")


def test_a_script_that_got_into_the_page_would_not_run(browser: Browser, tmp_path: Path) -> None:
    html = bertkit.report(hostile(tmp_path)).read_text("utf-8")
    page = write(tmp_path / "page.html", html.replace("</h1>", "</h1><script>document.title = 'run'</script>"))
    opened = browser.open(page, 1280)
    assert browser.run("document.title") == "sst2 · bertkit report"
    assert "Content Security Policy" in "".join(opened.console)


def test_a_search_leaves_the_errors_that_hold_its_words(browser: Browser, tmp_path: Path) -> None:
    browser.open(bertkit.report(hostile(tmp_path)), 1280)
    box = "document.querySelector('.find input')"
    browser.run(f"{box}.value = 'TEXT 7 11'; {box}.dispatchEvent(new Event('input'))")
    shown = "[...document.querySelectorAll('.examples > li')].filter((one) => !one.hidden)"
    assert browser.run(f"{shown}.map((one) => one.querySelector('p').textContent)") == ["text 7 11"]
    assert browser.run("document.querySelector('.find output').textContent") == "1 of 12"


def test_a_request_and_an_error_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    page = write(tmp_path / "page.html", "<!doctype html><img src=gone.png><script>throw 1</script>")
    opened = browser.open(page, 390)
    assert opened.console
    assert opened.requests == [(tmp_path / "gone.png").as_uri()]
