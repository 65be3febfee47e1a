"""`bertkit embryology`: what is measured, kept and drawn, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import kept
import pytest
import tiny
from door import Refused, refused
from files import json_lines, word, write
from test_api import plain_types

import bertkit
from bertkit.analysis import embryology as measuring
from bertkit.analysis import masked_words
from bertkit.cli import main
from bertkit.errors import RequestError
from bertkit.kernels.linear import fast_linear
from bertkit.objectives.causal import Causal
from bertkit.reports import embryology as report
from bertkit.request.embryology_flags import EmbryologyFlags, EmbryologyOptions
from bertkit.request.flags import RunFlags

__all__ = ["refused"]

Say = Callable[..., Any]
FLAGS = "--task ud --data bank --words 40 --probe-sentences 10 --device cpu"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run and a treebank, which no test changes."""
    folder = tmp_path_factory.mktemp("made")
    kept.run_of(folder / "run")
    (folder / "bank").mkdir()
    tiny.write_treebank(
        folder / "bank", tiny.SENTENCES, [*tiny.SENTENCES, ("The food , it was fine", "DET NOUN PUNCT PRON AUX ADJ")]
    )
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them, in which the command is typed."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def drawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No figure is drawn, which takes seconds, but in the tests of figures."""
    if "figure" not in request.node.name:
        monkeypatch.setattr(report, "draw", lambda found: None)


@pytest.fixture
def say(place: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the command line; what it says, as JSON if it is."""

    def run(line: str) -> Any:
        with pytest.raises(SystemExit) as left:
            main(line.split())
        printed = capsys.readouterr()
        assert left.value.code == 0, printed.err
        return json.loads(printed.out) if "--json" in line else printed.out

    return run


def test_what_is_said_is_kept_in_the_runs_folder_with_two_figures(say: Say, place: Path) -> None:
    found = say(f"embryology run {FLAGS} --json")
    written = kept.read(place / "run" / "embryology.json")
    assert {name: value for name, value in found.items() if name != "figures"} == written
    assert (found["steps"], found["tokens"], found["marks"]) == ([0, 10, 40], [0, 2560, 10_240], [])
    assert [Path(one).name for one in found["figures"]] == ["words.png", "words.svg", "layers.png", "layers.svg"]
    for figure in found["figures"]:
        assert Path(figure).stat().st_size > 5_000
    for kind in ("fill", "whole"):
        curves = {curve["name"]: curve for curve in found[kind]["parts of speech"]}
        assert list(curves) == ["ADP", "AUX", "DET", "PRON", "SCONJ", "PUNCT", "NOUN", "VERB", "ADJ", "NUM"]
        assert curves["PUNCT"]["accuracy"][0]["value"] == 1.0  # the untrained model gives "," alone
        assert {one["accuracy"][0]["value"] for name, one in curves.items() if name != "PUNCT"} == {0.0}
        assert [group["name"] for group in found[kind]["groups"]] == ["function words", "content words"]
    assert found["commonest answer"][0] == {"token": ",", "share": 1.0}
    always = found["untrained model's constant"]["accuracy"]
    assert always == {one["name"]: one["accuracy"][0]["value"] for one in found["fill"]["parts of speech"]}
    assert [probe["name"] for probe in found["probes"]] == ["0", "1", "2"]
    assert all(len(probe["accuracy"]) == 3 for probe in found["probes"])


def test_the_table_fits_in_80_columns_and_names_the_files(say: Say) -> None:
    said = say(f"embryology run {FLAGS} --quiet")
    assert max(map(len, said.splitlines())) <= 80
    assert "…" not in said
    for part in (
        "Filling in a masked word",
        "Giving back a word unmasked",
        "linear probe",
        "words.svg",
        "embryology.json",
    ):
        assert part in said
    assert "the untrained model gives ',' for 100.0 % of the masks" in said


def test_a_model_that_was_measured_is_not_measured_again(
    say: Say, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = say(f"embryology run {FLAGS} --json")
    monkeypatch.setattr(measuring, "measure_words", lambda *given: pytest.fail("measured again"))
    monkeypatch.setattr(measuring, "measure_probes", lambda *given: pytest.fail("measured again"))
    assert say(f"embryology run {FLAGS} --json") == before


def test_a_changed_model_or_treebank_is_measured_again(say: Say, place: Path) -> None:
    before = say(f"embryology run {FLAGS} --json")
    models = place / "run" / "kept"
    shutil.copy(models / "step-000000000" / "model.safetensors", models / "step-000000010" / "model.safetensors")
    after = say(f"embryology run {FLAGS} --json")

    def filled(found: Any, which: int) -> list[float]:
        return [curve["accuracy"][which]["value"] for curve in found["fill"]["parts of speech"]]

    assert filled(after, 1) == filled(before, 0)
    assert filled(after, 2) == filled(before, 2)
    tiny.write_treebank(place / "bank", tiny.SENTENCES, [("Nobody", "PRON")])
    assert say(f"embryology run {FLAGS} --json")["treebank"]["words"] == {"PRON": 1}


def test_a_damaged_part_is_measured_again(say: Say, place: Path) -> None:
    before = say(f"embryology run {FLAGS} --json")
    for part in (place / "run" / "embryology").glob("*/step-000000010.json"):
        part.write_text(part.read_text()[:20])
    assert say(f"embryology run {FLAGS} --json") == before


def test_of_a_run_that_is_not_finished_the_models_so_far_are_measured(say: Say, place: Path) -> None:
    (place / "run" / "result.json").unlink()
    shutil.rmtree(place / "run" / "kept" / "step-000000040")
    found = say(f"embryology run {FLAGS} --json")
    assert (found["steps"], found["tokens"]) == ([0, 10], [0, 2560])
    assert found["marks"] == ["not finished: the models up to update 10 of 40; every 'final' is of the last"]


def _own(folder: Path) -> None:
    texts = [f"{word(1, 'The', 'DET')}\n{word(2, 'food' + 's' * k, 'NOUN')}" for k in range(20)]
    write(folder / "own.conllu", "\n\n".join(texts) + "\n\n")


def test_it_is_the_same_where_linear_layers_are_computed_by_onednn(
    say: Say, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = say(f"embryology run {FLAGS} --json")
    monkeypatch.setattr(masked_words, "fast_linear", lambda model: fast_linear(model, lambda: True))
    shutil.rmtree(place / "run" / "embryology")
    assert say(f"embryology run {FLAGS} --json")["fill"] == found["fill"]


def test_a_treebank_of_ones_own_is_a_file(say: Say, place: Path) -> None:
    _own(place)
    found = say("embryology run --task own.conllu --words 10 --probe-sentences 0 --device cpu --json")
    assert (found["treebank"]["task"], found["probes"]) == ("own", [])
    assert set(found["treebank"]["words"]) == {"DET", "NOUN"}


def test_a_treebank_of_ones_own_leaves_the_folder_to_the_tasks(place: Path) -> None:
    _own(place)
    flags = EmbryologyFlags(task="own.conllu", data="bank", downstream="ud, ./own.conllu")
    treebank, (bank, own) = flags.treebank("model"), flags.downstream_specs("model")
    assert (bank.data, own.data) == ("bank", treebank.data)
    with pytest.raises(RequestError, match="--data bank: own is a path"):
        EmbryologyFlags(task="own.conllu", data="bank").treebank("model")


def test_each_model_is_fine_tuned_beside_two_untrained_ones_and_drawn_in_a_figure(say: Say, place: Path) -> None:
    tiny.write_reviews(place / "reviews", tiny.REVIEWS, tiny.REVIEWS)
    line = f"embryology run {FLAGS} --downstream ./reviews --seeds 2 --points 2 --max-steps 2 --json"
    found = say(line)
    assert say(line) == found
    (one,) = found["downstream"]
    assert [point["step"] for point in one["pretrained"]] == [0, 40]
    assert set(one["untrained"]) == {"same start, untrained", "bert start, untrained"}
    assert [point["n"] for point in (*one["pretrained"], *one["untrained"].values())] == [2] * 4
    specs = [kept.read(Path(folder) / "spec.json") for folder in one["untrained"]["bert start, untrained"]["folders"]]
    assert [(spec["scratch"], spec["seed"], spec["recipe"]["max_steps"]) for spec in specs] == [
        (True, 42, 2),
        (True, 43, 2),
    ]
    assert one["gain"]["over the same start, untrained"]["mean"] == pytest.approx(
        one["pretrained"][-1]["mean"] - one["pretrained"][0]["mean"]
    )


def test_from_python_it_is_what_the_command_says(say: Say, place: Path) -> None:
    said = say(f"embryology run {FLAGS} --json")
    found = bertkit.embryology("run", task="ud", data=place / "bank", words=40, probe_sentences=10, device="cpu")
    assert found.plain() == {name: value for name, value in said.items() if name != "figures"}
    assert found.curves["fill"]["PUNCT"].scores[0].value == 1.0


def test_the_keywords_of_embryology_are_its_flags() -> None:
    flags = {
        name: kind for name, kind in plain_types((EmbryologyFlags, RunFlags)).items()
        if name not in ("keep_best", "keep_adapter", "floor", "out", "force")
    }  # fmt: skip
    assert set(get_type_hints(EmbryologyOptions)) == set(flags)


def _no_upos(folder: Path) -> str:
    rows = "\n\n".join(["\n".join(word(i, form, "_", "NN") for i, form in enumerate(("a", "b", "c"), 1))] * 3)
    for split in ("train", "dev"):
        write(folder / f"x-ud-{split}.conllu", rows + "\n\n")
    return str(folder)


def test_what_cannot_be_measured_is_refused_in_one_line(refused: Refused, made: Path, tmp_path: Path) -> None:
    run, bank = str(made / "run"), str(made / "bank")
    ask = ("--task", "ud", "--data", bank)
    assert "has no spec.json" in refused("embryology", str(tmp_path / "nowhere"), *ask)
    none = shutil.copytree(run, tmp_path / "none", ignore=shutil.ignore_patterns("kept"))
    assert refused("embryology", str(none), *ask) == (
        f"Error: {none} has kept no models of its training: pretrain with --keep log\n"
    )
    other = kept.run_of(tmp_path / "causal", steps=(), objective=Causal())
    assert "its objective is causal" in refused("embryology", str(other), *ask)
    assert "it is no treebank" in refused("embryology", run, "--task", "sst2", "--sample")
    no_upos = _no_upos(tmp_path / "blank")
    assert "no word has a tag" in refused("embryology", run, "--task", "ud", "--data", no_upos, "--quiet")
    xpos = refused("embryology", run, "--task", "ud_xpos", "--data", no_upos, "--quiet")
    assert "tags that are no UPOS, such as NN" in xpos
    assert "--words 0: it must be at least 1" in refused("embryology", run, *ask, "--words", "0")
    assert "name tasks with --downstream" in refused("embryology", run, *ask, "--epochs", "2")
    assert "did you mean sst2" in refused("embryology", run, *ask, "--downstream", "sst3")
    write(none / "log.jsonl", json_lines({"step": 1, "tokens": 9}))
    shutil.copytree(Path(run) / "kept", none / "kept")
    assert "has no line of update 10" in refused("embryology", str(none), *ask)
    shutil.rmtree(none / "kept" / "step-000000000")
    assert "the untrained model, of step 0, is missing" in refused("embryology", str(none), *ask)
    assert not (none / "embryology").exists()
