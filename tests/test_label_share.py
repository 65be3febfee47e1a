"""`bertkit compare label-share`: arms on the same shares, what a score needs, what is said, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from door import Refused, refused
from files import squad, write

import bertkit
from bertkit import registry
from bertkit.cli import main
from bertkit.cli.compare_label_share import shares_in
from bertkit.evaluation.two_way import Difference, Doubt, Mean
from bertkit.files import write_json
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.spec import SPEC_FILE, to_plain
from bertkit.studies.label_lines import labels_for, lines
from bertkit.studies.label_share import with_least_steps
from bertkit.studies.verdict import Scores, Verdict
from bertkit.task import Recipe

__all__ = ["refused"]

DOUBT = Doubt(rows=0.0, seeds=1e-4, freedom=4.0)
LINE = "compare label-share sst2 --sample --device cpu --limit 40 --epochs 1 --least-steps 3 --shares 20,100 --seeds 2"


def verdict(gap: float, p: float, other: str = "tfidf") -> Verdict:
    """A verdict on pretrained against another arm."""
    arms = [Scores(name=name, seeds=(1, 2), scores=(0.5, 0.5), mean=Mean(value=0.5, low=0.4, high=0.6, doubt=DOUBT))
            for name in ("pretrained", other)]  # fmt: skip
    difference = Difference(value=gap, low=gap - 0.1, high=gap + 0.1, p=p, doubt=DOUBT, paired=True)
    return Verdict(
        task="t", evaluation="dev", metric="accuracy", rows=10, arms=(arms[0], arms[1]), difference=difference,
        tests={}, adjusted=p, count=3,
    )  # fmt: skip


def test_labels_for_a_score_are_interpolated_on_a_logarithmic_scale() -> None:
    """Half of the way from .5 to 1.0, and of that from ln 10 to ln 1000: ln 100."""
    assert labels_for(0.75, [10, 1000], [0.5, 1.0]) == pytest.approx(100)
    assert labels_for(0.4, [10, 1000], [0.5, 1.0]) == 10
    assert labels_for(1.0, [10, 1000], [0.5, 1.0]) == pytest.approx(1000)
    assert labels_for(0.9, [10, 1000], [0.5, 0.8]) is None


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([(10, 0.1, 0.01), (100, 0.1, 0.01)], "at every number of labels, from 10 on"),
        ([(10, 0.1, 0.3), (100, 0.1, 0.01)], "from 100 labels on (p < .05, adjusted for 3 verdicts); within noise at "
         "10"),
        ([(10, 0.1, 0.01), (100, 0.1, 0.3)], "at 10 labels, but not at more (p < .05, adjusted for 3 verdicts); within "
         "noise at 100"),
        ([(10, -0.1, 0.01), (100, 0.1, 0.3)], "at no number of labels (p < .05, adjusted for 3 verdicts); within noise "
         "at 100; worse at 10"),
    ],
)  # fmt: skip
def test_it_is_said_from_how_many_labels_on_an_arm_is_ahead(found: list[tuple[int, float, float]], said: str) -> None:
    (line,) = lines([(labels, verdict(gap, p)) for labels, gap, p in found])
    assert line.endswith(said) or f"{said} (p" in line


def test_few_rows_get_as_many_epochs_as_make_the_least_updates() -> None:
    """33 rows are two batches of 32: 3 epochs are 6 updates, and 50 epochs 100; of 3,200 rows 3 epochs are 300."""
    recipe = Recipe(epochs=3, batch_size=32)
    assert with_least_steps(recipe, 33, 100).epochs == 50
    assert with_least_steps(recipe, 3_200, 100) == recipe
    assert with_least_steps(replace(recipe, max_steps=7), 33, 100).max_steps == 7


def test_shares_are_percentages_in_ascending_order() -> None:
    assert shares_in("100, 5,1,5") == (0.01, 0.05, 1.0)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The study of a tiny encoder, and its folder of runs."""
    folder = tmp_path_factory.mktemp("shares")
    encoder = tiny.make("bert", folder / "encoder")
    with pytest.raises(SystemExit) as left:
        main([*LINE.split(), "--model", str(encoder), "--out", str(folder / "runs"), "--quiet"])
    assert left.value.code == 0
    (written,) = (folder / "runs").glob("label-share-sst2-*/compare.json")
    assert {one.name for one in written.parent.iterdir()} == {"compare.json", "curves.png", "curves.svg"}
    return folder, json.loads(written.read_text("utf-8"))


def test_every_arm_is_scored_on_every_share(found: tuple[Path, dict[str, Any]]) -> None:
    points = found[1]["points"]
    assert [(one["arm"], one["labels"]) for one in points] == [
        (arm, labels) for labels in (8, 40) for arm in ("pretrained", "scratch", "frozen", "tfidf")
    ]
    assert all(len(one["scores"]) == 2 for one in points)
    assert len(found[1]["verdicts"]) == 6


def test_arms_of_a_seed_are_trained_on_the_same_rows(found: tuple[Path, dict[str, Any]]) -> None:
    runs = [json.loads(path.read_text("utf-8")) for path in (found[0] / "runs").glob("sst2-*/result.json")]
    digests: dict[Any, set[str]] = {}
    for one in runs:
        digests.setdefault((one["spec"]["train_share"], one["spec"]["seed"]), set()).add(one["rows"]["train"]["digest"])
    assert len(runs) == 12
    assert {key: len(value) for key, value in digests.items()} == dict.fromkeys(
        [(0.2, 42), (0.2, 43), (None, 42), (None, 43)], 1
    )
    assert {one["training"]["steps"] for one in runs} == {3}
    assert {one["spec"]["recipe"]["freeze"] for one in runs} == {None, "all"}


def test_the_arm_tfidf_scores_what_the_floor_of_the_runs_does(found: tuple[Path, dict[str, Any]]) -> None:
    (run,) = (
        one
        for path in (found[0] / "runs").glob("sst2-*/result.json")
        if (one := json.loads(path.read_text("utf-8")))["spec"]["train_share"] == 0.2
        and one["spec"]["seed"] == 43
        and one["spec"]["recipe"]["freeze"]
    )
    floors = {one["name"]: one["metrics"]["accuracy"] for one in run["evaluations"][0]["floors"]}
    point = next(one for one in found[1]["points"] if one["arm"] == "tfidf")
    assert point["scores"][1] == pytest.approx(floors["TF-IDF + logistic regression"])


def test_from_python_finished_runs_are_found_again(found: tuple[Path, dict[str, Any]]) -> None:
    folder, before = found
    study = bertkit.compare(
        "label-share", task="sst2", shares=[20, 100], arms=["pretrained", "tfidf"], least_steps=3, reach=99.9, seeds=2,
        sample=True, device="cpu", limit=40, epochs=1, model=folder / "encoder", out=folder / "runs",
    )  # fmt: skip
    scores = {(one["arm"], one["labels"]): tuple(one["scores"]) for one in before["points"]}
    assert all(one.scores == scores[one.arm, one.labels] for one in study.points)
    assert study.needed == {"pretrained": None, "tfidf": None}
    assert len(list((folder / "runs").glob("sst2-*"))) == 12


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("--shares 0", "--shares 0: percentages such as 1,5,20,100"),
        ("--shares 120", "each above 0 and at most 100"),
        ("--shares some", "--shares some: percentages"),
        ("--shares 0.5", "0.5 % of the 200 train rows is below one row with 'negative', which 100 rows have"),
        ("--shares 10,10.1 --limit 40", "--shares 10,10.1: of 40 train rows both are 4; leave one out"),
        ("--arms pretrained,tfdif", "no arm is called 'tfdif'; did you mean tfidf?"),
        ("--arms pretrained", "name at least two of pretrained, scratch, frozen, tfidf"),
        ("--arms tfidf,scratch", "the first arm is compared with the others, and must be trained"),
        ("--reach 0.85", "--reach 0.85: a score as it is printed, such as 85"),
        ("--least-steps 0", "--least-steps 0: it must be at least 1"),
        ("--frozen-lr 0", "--frozen-lr 0: it must be a number above 0"),
        ("--scratch-lr -1", "--scratch-lr -1: it must be a number above 0"),
        ("--seeds 0", "--seeds 0: it must be at least 1"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(refused: Refused, typed: str, words: str) -> None:
    shares = [] if "--shares" in typed else ["--shares", "50,100"]
    assert words in refused("compare", "label-share", "sst2", "--sample", "-q", *shares, *typed.split())


def test_seeds_that_would_score_different_rows_are_refused(refused: Refused, tmp_path: Path) -> None:
    asked = [
        {"id": f"{k}", "question": "Who came?", "answers": [{"text": "Anna", "answer_start": 0}]} for k in range(4)
    ]
    documents = [json.loads(squad(*asked, title=f"t{k}"))["data"][0] for k in range(10)]
    write(tmp_path / "data" / "dev-v2.0.json", json.dumps({"data": documents}))
    line = refused("compare", "label-share", "squad_v2", "--data", str(tmp_path / "data"), "--model", "sample", "-q")
    assert "squad_v2 has no train split here: each seed would score other rows; add one, or --seeds 1" in line


def test_a_saved_run_of_batches_of_tokens_is_refused(refused: Refused, tmp_path: Path) -> None:
    base = spec_of(registry.find("sst2"), Flags(sample=True))
    write_json(tmp_path / SPEC_FILE, to_plain(replace(base, recipe=replace(base.recipe, batch_tokens=4_096))))
    said = refused("compare", "label-share", str(tmp_path / SPEC_FILE), "-q")
    assert "label-share counts the updates of batches of rows: --batch-tokens does not apply" in said


def test_a_task_must_be_named(refused: Refused) -> None:
    assert "Missing argument 'TASK'" in refused("compare", "label-share", "--sample")
