"""`bertkit compare transfer`: one task is trained on and others are scored, a matrix of models and test sets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from door import Refused, refused, shape
from files import json_lines, write

import bertkit
from bertkit import registry
from bertkit.cli import main
from bertkit.errors import RequestError
from bertkit.evaluation.metrics import METRICS
from bertkit.evaluation.paired_tests import interval_over_rows
from bertkit.evaluation.two_way import Difference, Doubt, Mean
from bertkit.plots.transfer import Matrix, MatrixRow
from bertkit.request.flags import Flags
from bertkit.request.transfer_flags import TransferFlags, requested
from bertkit.runs import transferred
from bertkit.spec import Spec
from bertkit.studies.transfer_found import Cell, ScoredSet, Transfer, beside
from bertkit.studies.transfer_lines import Compared, sentence, sets_ahead
from bertkit.studies.verdict import Scores, Verdict

__all__ = ["refused"]

LABELS = ("entailment", "neutral", "contradiction")
TESTS = "xnli.zh,xnli.de,xnli.en,xnli.fr"
LINE = f"--train mnli --test {TESTS} --seeds 2 --max-steps 3 --max-length 32 --device cpu --no-floor"


def rows_in(folder: Path) -> Path:
    """MNLI's rows, and XNLI's dev in three languages; French is not there."""
    mnli = [{"premise": f"He saw {k} films.", "hypothesis": "He saw films.", "label": LABELS[k % 3]} for k in range(12)]
    for split in ("train", "dev_matched"):
        write(folder / "glue" / "MNLI" / f"{split}.jsonl", json_lines(*mnli))
    for language, text in (("zh", "他来"), ("de", "He saw a film."), ("en", "He saw it.")):
        lines = (f"{text}\t{text}\t{LABELS[k % 3]}" for k in range(9))
        write(folder / "xnli" / f"dev-{language}.tsv", "\n".join(lines) + "\n")
    return folder


def answered(capsys: pytest.CaptureFixture[str], *typed: str) -> str:
    with pytest.raises(SystemExit) as left:
        main(["compare", "transfer", *typed])
    out = capsys.readouterr()
    assert left.value.code == 0, out.err
    return out.out


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows, an encoder, and the runs and scores of one study."""
    folder = tmp_path_factory.mktemp("transfer")
    rows_in(folder / "data")
    tiny.make("bert", folder / "encoder")
    found = bertkit.compare("transfer", **python_options(folder))
    assert found.models == ("encoder", "scratch:encoder")
    return folder


def python_options(folder: Path) -> dict[str, Any]:
    return {
        "train": "mnli", "test": TESTS.split(","), "models": [folder / "encoder", f"scratch:{folder / 'encoder'}"],
        "seeds": 2, "max_steps": 3, "max_length": 32, "device": "cpu", "floor": False, "data": folder / "data",
        "out": folder / "runs",
    }  # fmt: skip


def typed(folder: Path, *more: str) -> list[str]:
    models = f"{folder / 'encoder'},scratch:{folder / 'encoder'}"
    where = ["--models", models, "--data", str(folder / "data"), "--out", str(folder / "runs")]
    return [*LINE.split(), *where, *more]


@pytest.fixture
def unscored(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The tasks that are scored, and not read from what an earlier study left."""
    scored, real = list[str](), transferred.score_checkpoint

    def counted(spec: Any, *others: Any) -> Any:
        scored.append(f"{spec.task.name} {Path(spec.model).parent.name[:13]}")
        return real(spec, *others)

    monkeypatch.setattr(transferred, "score_checkpoint", counted)
    return scored


def test_every_run_is_scored_on_every_test_set(
    place: Path, capsys: pytest.CaptureFixture[str], unscored: list[str]
) -> None:
    plain = json.loads(answered(capsys, *typed(place, "--json")))
    assert unscored == []  # the study before left all
    shown = [(one["task"], one["evaluation"], one["rows"], one["is other"]) for one in plain["sets"]]
    assert shown == [("xnli.zh", "dev", 9, True), ("xnli.de", "dev", 9, True), ("xnli.en", "dev", 9, False),
                     ("xnli.fr", "dev", 0, True)]  # fmt: skip
    runs = sorted(path for path in (place / "runs").glob("mnli-encoder-s4*") if path.is_dir())
    expected = [bertkit.evaluate("xnli.de", model=run / "model", data=place / "data", max_length=32) for run in runs]
    cell = plain["sets"][1]["models"]["encoder"]
    assert cell["scores"]["accuracy"] == [one.evaluations[0].metrics["accuracy"].value for one in expected]
    assert cell["means"]["accuracy"]["value"] == pytest.approx(sum(cell["scores"]["accuracy"]) / 2)
    assert "xnli.fr: no dev split" in plain["sets"][3]["models"]["encoder"]["missing"]
    folder = Path(plain["folder"])
    assert {path.name for path in folder.iterdir()} == {"transfer.json", "transfer.png", "transfer.svg"}
    assert json.loads((folder / "transfer.json").read_text("utf-8"))["sets"] == plain["sets"]


def test_the_share_of_unknown_tokens_is_that_of_each_test_set(place: Path) -> None:
    found = bertkit.compare("transfer", **python_options(place))
    # [CLS] 他 来 [SEP] 他 来 [SEP]: four of seven are not in an English vocabulary
    assert found.cells["encoder", "xnli.zh", "dev"].unknown == pytest.approx(4 / 7)
    assert found.cells["encoder", "xnli.de", "dev"].unknown == 0


def test_a_verdict_is_given_on_each_test_set_that_has_rows(place: Path) -> None:
    (found,) = bertkit.compare("transfer", **python_options(place)).verdicts.values()
    verdicts = [one.verdict for one in found]
    assert [(one.task, one.count, one.rows) for one in verdicts] == [
        (f"xnli.{one}", 3, 9) for one in ("zh", "de", "en")
    ]
    assert all(one.difference.paired for one in verdicts)


def test_a_number_behind_a_task_s_name_is_that_of_its_rows(place: Path) -> None:
    options = {**python_options(place), "test": "xnli.zh,xnli.de:4", "test_limit": 5}
    assert [one.rows for one in bertkit.compare("transfer", **options).sets] == [5, 4]


def test_a_killed_study_goes_on_with_what_it_lacks(place: Path, unscored: list[str]) -> None:
    for lost in next((place / "runs").glob("mnli-encoder-s43-*")).glob("transfer/xnli.de-*"):
        shutil.rmtree(lost)
    bertkit.compare("transfer", **python_options(place))
    assert unscored == ["xnli.de mnli-encoder-"]


def test_rows_that_changed_are_scored_again(place: Path, unscored: list[str]) -> None:
    file = place / "data" / "xnli" / "dev-en.tsv"
    before = file.read_bytes()
    write(file, before + b"He saw it.\tHe did not.\tcontradiction\n")
    found = bertkit.compare("transfer", **python_options(place))
    assert [one.rows for one in found.sets] == [9, 9, 10, 0]
    assert {one.split()[0] for one in unscored} == {"xnli.en"}
    write(file, before)


def test_what_is_printed_has_scores_verdicts_and_published_ones_in_80_columns(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = answered(capsys, *typed(place, "-q"))
    table = said[said.index("TEST SET") : said.index("heat map:")]
    assert max(map(len, table.splitlines())) <= 80
    assert table.splitlines()[0].split() == ["TEST", "SET", "ROWS", "encoder", "scratch:encoder", "mBERT", "*"]
    assert "69.3" in table.splitlines()[1]  # mBERT on XNLI zh, of its test set
    assert "(test)" in table.splitlines()[2]
    assert "full training data" in " ".join(table.split())
    assert "UNKNOWN TOKENS" in table
    assert "57.1 %" in table
    assert "of 2 test sets in other languages by more than its 95 % interval" in " ".join(table.split())


def compared(task: str, value: float, half: float, over_rows: float) -> Compared:
    """The first arm ahead by `value`, with half of its interval over seeds and rows, and of that over rows alone."""
    doubt = Doubt(rows=0.01, seeds=0.01, freedom=1.0)
    gap = Difference(value=value, low=value - half, high=value + half, p=0.5, doubt=doubt, paired=True)
    mean = Mean(value=0.5, low=0.4, high=0.6, doubt=doubt)
    one, other = (Scores(name=name, seeds=(42, 43), scores=(0.5, 0.5), mean=mean) for name in ("A", "B"))
    verdict = Verdict(task=task, evaluation="test", metric="accuracy", rows=9, arms=(one, other), difference=gap,
                      tests={}, adjusted=0.5)  # fmt: skip
    return Compared(verdict=verdict, low=value - over_rows, high=value + over_rows)


def test_a_model_is_ahead_where_its_interval_is_above_0_over_seeds_and_rows_and_over_rows_alone() -> None:
    found = [compared("zh", 0.10, 0.05, 0.02), compared("de", 0.05, 0.30, 0.02), compared("es", 0.03, 0.30, 0.04),
             compared("en", 0.50, 0.01, 0.01)]  # fmt: skip
    ahead = sets_ahead("B", found, {(one, "test") for one in ("zh", "de", "es")})
    assert (ahead.sets, ahead.ahead, ahead.behind, ahead.over_rows) == (3, 1, 0, 2)
    assert sentence("A", ahead) == (
        "A is ahead of B on 1 of 3 test sets in other languages by more than its 95 % interval over seeds and rows "
        "(2 seeds), and ahead on 2 by more than that over rows alone"
    )
    behind = sets_ahead("B", [compared("zh", 0.1, 0.05, 0.1), compared("de", -0.1, 0.05, 0.1)], {("de", "test")})
    assert sentence("A", behind).startswith("A is ahead of B on 0 of 1 test set in other languages and behind on 1 by")


def test_the_interval_over_rows_is_that_of_the_mean_of_the_seeds_even_where_they_contradict_each_other() -> None:
    # one seed is right on the first 200 of 400 rows, the other on the rest: their mean is .5 on each row. The other
    # model's seeds are both right on every second row: the difference of a row is -.5 or .5, its error .5 / 400 ** .5
    right = np.arange(400)[:, None]
    first = [(right < 200).astype(float), (right >= 200).astype(float)]
    second = [(right % 2).astype(float)] * 2
    low, high = interval_over_rows(METRICS["accuracy"], first, second)
    assert (low, high) == pytest.approx((-1.96 * 0.025, 1.96 * 0.025), rel=0.05)


def test_a_published_score_by_another_rule_has_a_column_of_its_own_in_the_figure() -> None:
    task = registry.find("xquad.zh")
    one = ScoredSet(
        task=task, evaluation="test", metrics=task.evaluations[0].metrics, rows=9, language="zh", is_other=True
    )
    doubt = Doubt(rows=0.0004, seeds=0.0, freedom=1.0)
    means = {name: Mean(value=value, low=0.0, high=1.0, doubt=doubt)
             for name, value in (("squad_chars_f1", 0.4), ("squad_v1_f1", 0.1))}  # fmt: skip
    published = beside(registry.transfers("squad"), [one])
    assert [found.scores for found in published] == [
        {("xquad.zh", "test", "squad_v1_f1"): 0.58, ("xquad.zh", "test", "squad_v1_em"): 0.483}
    ]
    found = Transfer(train=registry.find("squad"), models=("A",), runs={}, sets=(one,), verdicts={}, marks=(),
                     cells={("A", "xquad.zh", "test"): Cell(means=means)}, published=published)  # fmt: skip
    assert found.matrix == Matrix(
        columns=("xquad.zh test", "xquad.zh test\nF1"),
        rows=(MatrixRow(name="A", values=(0.4, 0.1)), MatrixRow(name="mBERT, published", values=(None, 0.58))),
    )


def test_long_texts_are_read_for_scoring_as_in_training(tmp_path: Path) -> None:
    flags = Flags(sample=True, long="windows", doc_stride=16, max_windows=3)
    models = f"scratch:{shape(tmp_path / 'encoder')}"
    asked = requested(TransferFlags(train="sst2", test="sst2", models=models), flags, seeds=1)
    (spec,) = next(iter(asked.arms.values()))
    scored = asked.tests["sst2"]
    assert isinstance(scored, Spec)
    assert (scored.recipe.window.long, scored.recipe.window) == ("windows", spec.recipe.window)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--train mnli --test xquad.zh", "mnli and xquad.zh are unlike tasks: classification of text, text_pair, and "
         "span of question, context"),
        ("--train squad --test squad_v2", "squad and squad_v2 are unlike tasks"),
        ("--train mnli --test pawsx.de", "mnli and pawsx.de differ in their labels: entailment, neutral, "),
        ("--train ud_en_ewt_xpos --test ud_de_gsd_xpos", "the labels of ud_en_ewt_xpos are read from its train rows"),
        ("--train squad --test xquad.xx", "xquad has no language 'xx': there are ar, de, el"),
        ("--train squat --test xquad.zh", "did you mean squad or squad_v2?"),
        ("--train squad --test ,", "--test: name at least one"),
        ("--train squad --test xquad.zh --test-limit 0", "--test-limit 0: it must be at least 1"),
        ("--train squad --test xquad.zh:0", "--test xquad.zh:0: write a number of rows behind the colon"),
        ("--train squad --test xquad.zh:5,xquad.zh", "--test xquad.zh: xquad.zh is named twice"),
        ("--train squad --test xquad-zh", "did you mean xquad.zh"),
        ("--train squad --test xquad.zh --seeds 0", "--seeds 0"),
        ("--train squad --test xquad.zh --models ,", "--models: name at least one"),
        ("--train squad --test xquad.zh --models scratch:", "--models scratch:: name a model behind it"),
        ("--train squad --test xquad.zh,xquad.de --data .", "xquad.zh: no test split in ."),
        ("--train xquad.zh --test xquad.de", "xquad.zh has no train rows: fine-tune on squad"),
        ("--train squad --test xquad.zh --model sample", "No such option: --model"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_one_line(tmp_path: Path, refused: Refused, line: str, said: str) -> None:
    models = [] if "--models" in line else ["--models", shape(tmp_path / "encoder")]
    question = '{"data": [{"title": "t", "paragraphs": [{"context": "a b", "qas": []}]}]}'
    if "--train xquad.zh" in line:
        write(tmp_path / "xquad" / "xquad.de.json", question)
        models += ["--data", str(tmp_path)]
    assert said in refused("compare", "transfer", *line.split(), *models)


def test_where_no_test_rows_can_be_read_nothing_is_trained(place: Path, tmp_path: Path, refused: Refused) -> None:
    rows_in(tmp_path / "data")
    write(tmp_path / "data" / "xnli" / "dev-de.tsv", "He saw.\tHe saw.\tbogus\n")
    line = f"--train mnli --test xnli.de --models {place / 'encoder'} --device cpu"
    where = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "runs")]
    said = refused("compare", "transfer", *line.split(), *where)
    assert "dev-de.tsv, line 1: unknown label 'bogus'" in said
    assert not (tmp_path / "runs").exists()


def test_from_python_options_that_the_study_does_not_have_are_refused(place: Path) -> None:
    with pytest.raises(RequestError, match="model: compare transfer has no such option; `models` names"):
        bertkit.compare("transfer", **python_options(place), model="sample")
    with pytest.raises(RequestError, match="--test-limit 0: it must be at least 1"):
        bertkit.compare("transfer", **python_options(place), test_limit=0)


def test_under_a_launcher_it_is_refused(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "0"), ("LOCAL_RANK", "0")):
        monkeypatch.setenv(name, value)
    said = refused("compare", "transfer", "--train", "squad", "--test", "xquad.zh", "--models", "sample")
    assert "runs in one process: start it without a launcher" in said
