"""`bertkit compare prompting`: a causal model in context and fine-tuned, on the sample; and what is refused."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import lm
import pytest
from door import Refused, refused, reviews

import bertkit
from bertkit.cli import main
from bertkit.plots.prompting import PromptDots, PromptPanel, draw_prompts
from bertkit.request.keywords import GROUPS
from bertkit.request.prompting_flags import PromptingFlags, PromptingOptions
from bertkit.studies import prompt_answers
from bertkit.studies.prompt_lines import lines
from bertkit.studies.prompting import PromptStudy

__all__ = ["refused"]

SMALL: Any = {"sample": True, "limit": 24, "max_length": 16, "epochs": 1, "precision": "fp32", "seeds": 2}
ASKED = ("--sample", "--limit", "24", "--max-length", "16", "--epochs", "1", "--precision", "fp32", "--seeds", "2")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny GPT-2 with room for examples, and without a padding token."""
    return lm.causal(tmp_path_factory.mktemp("models") / "gpt2", n_positions=256)


@pytest.fixture(scope="module")
def done(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[PromptStudy, Path]:
    """A study of 24 rows of the sample."""
    runs = tmp_path_factory.mktemp("done") / "runs"
    found = bertkit.compare("prompting", task="sst2", model=model, shots="0,2", draws=3, out=runs, **SMALL)
    return found, runs


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as leaving:
        main(["compare", "prompting", *arguments])
    shown = capsys.readouterr()
    assert leaving.value.code in (0, None), shown.err
    return shown.out


def test_a_study_has_every_number_of_shots_as_it_is_and_calibrated(done: tuple[PromptStudy, Path]) -> None:
    found, _ = done
    assert [(one.name, len(one.scores)) for one in found.prompted] == [
        ("0 shots", 1),
        ("2 shots", 3),
        ("0 shots, calibrated", 1),
        ("2 shots, calibrated", 3),
    ]
    drawn = found.prompted[1].examples
    assert len(set(drawn)) == 3
    assert found.prompted[3].examples == drawn
    assert all(one.mean.low <= one.mean.value <= one.mean.high for one in found.prompted)
    assert (found.chance, len(found.seeds), found.rows) == (0.5, 2, 24)
    assert [floor.name for floor in found.floors] == ["commonest label", "TF-IDF + logistic regression"]


def test_the_command_prints_the_study_from_the_cache_and_draws_it(
    done: tuple[PromptStudy, Path], model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, runs = done

    def never(*_: Any) -> Any:
        raise AssertionError("computed again")

    monkeypatch.setattr(prompt_answers, "likelihoods", never)
    asked = ("sst2", "-q", "--model", str(model), *ASKED, "--shots", "0,2", "--draws", "3", "--out", str(runs))
    text = printed(capsys, *asked)
    table = [line.split() for line in text.splitlines()]
    mean = 100 * found.prompted[1].mean.value
    assert ["2", "shots", f"{mean:.1f}"] in [line[:3] for line in table]
    assert text.count("finished before: ") == 2
    assert " ".join(lines(found)[0].split()) in " ".join(text.split())
    folder = next(runs.glob("prompting-sst2-*"))
    assert {one.name for one in folder.iterdir()} == {"prompting.png", "prompting.svg", "compare.json"}
    plain = json.loads((folder / "compare.json").read_text("utf-8"))
    assert plain["prompted"][1]["scores"] == list(found.prompted[1].scores)
    assert (plain["words"], plain["window"]) == ({"negative": "negative", "positive": "positive"}, 256)
    said = json.loads(printed(capsys, *asked, "--json"))
    assert said == {"folder": str(folder), **plain}


def test_other_words_for_labels_are_other_prompts(done: tuple[PromptStudy, Path], model: Path) -> None:
    found, runs = done
    other = bertkit.compare(
        "prompting", task="sst2", model=model, shots="0", verbalise="positive=a,negative=b",
        template="{text}\\nSo: {label}", out=runs, **SMALL,
    )  # fmt: skip
    assert other.words == {"negative": "b", "positive": "a"}
    assert other.template == "{text}\nSo: {label}"
    assert [run.folder for run in other.runs] == [run.folder for run in found.runs]


def test_the_figure_has_a_dot_for_each_draw(tmp_path: Path) -> None:
    dots = [
        PromptDots(shots=shots, calibrated=c, scores=(0.5, 0.6), mean=0.55) for c in (False, True) for shots in (0, 8)
    ]
    files = (tmp_path / "a.png", tmp_path / "a.svg")
    draw_prompts(PromptPanel(metric="accuracy", dots=dots, lines={"fine-tuned": 0.8, "chance": 0.5}), "a title", files)
    text = files[1].read_text("utf-8")
    assert all(word in text for word in ("fine-tuned", "chance", "calibrated"))


@pytest.mark.parametrize(
    ("task", "more", "line"),
    [
        ("sst2", ("--shots", "1,x"), "--shots 1,x: it must be numbers of examples, such as 0,1,8"),
        ("sst2", ("--shots", "-1"), "--shots -1: it must be numbers of examples"),
        ("sst2", ("--shots", "20"), "--shots 20: a prompt has "),
        ("sst2", ("--shots", "23"), "--shots 23: it takes 12 rows of 'positive', and train has 11"),
        ("sst2", ("--draws", "0"), "--draws 0: it must be from 1 to 100"),
        ("sst2", ("--seeds", "0"), "--seeds 0: it must be at least 1"),
        ("sst2", ("--verbalise", "good=great"), "--verbalise good: the task has no such label; there are negative, "),
        ("sst2", ("--verbalise", "positive"), "--verbalise 'positive': it must be labels with their words"),
        ("sst2", ("--verbalise", "positive="), "--verbalise 'positive=': no word stands there for positive"),
        ("sst2", ("--verbalise", "positive=a,positive=b"), "label positive stands there twice"),
        ("sst2", ("--verbalise", "positive=a,negative=a"), "the tokenizer reads the same in 'a', the word for "),
        ("sst2", ("--template", "{text}"), "it must have {label} once, not 0 times"),
        ("sst2", ("--template", "{label}: {text}"), "it must end in {label}"),
        ("sst2", ("--template", "{txt} {label}"), "it has {txt}; this task's places are {text}, {label}"),
        ("sst2", ("--template", "{text} {label}"), "it must say something besides its places"),
        ("rte", ("--template", "Text: {text} {label}"), "it must have {text_pair} once, not 0 times"),
        ("sst2", ("--max-length", "300"), "--max-length 300: this model sees 256 tokens at most"),
        ("stsb", (), "stsb: prompting asks for one label of one text or two; the answers of a "),
        ("ud_en_ewt", (), "the answers of a tagging task are tags"),
        ("squad", (), "the answers of a span task are spans"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    model: Path, refused: Refused, task: str, more: tuple[str, ...], line: str
) -> None:
    assert line in refused("compare", "prompting", task, "--model", str(model), *ASKED, *more, "-q")


def test_shots_that_do_not_fit_are_refused_with_their_tokens_and_the_window(model: Path, refused: Refused) -> None:
    said = refused("compare", "prompting", "sst2", "--model", str(model), *ASKED, "--shots", "0,2,20", "-q")
    assert "--shots 20: a prompt has " in said
    assert f" tokens, and {model} reads 256 at most: ask for fewer shots, or cut each row's texts below 16 " in said


@pytest.mark.parametrize("name", ["bert", "no model", "sample"])
def test_a_model_without_a_causal_head_is_refused(tmp_path: Path, refused: Refused, name: str) -> None:
    flags = ("sst2", "--data", reviews(tmp_path / "rows"), "--draws", "2", "-q")
    if name == "no model":
        assert "name a causal language model with --model: " in refused("compare", "prompting", *flags)
        return
    folder = str(lm.masked("bert", tmp_path / "bert")) if name == "bert" else name
    said = refused("compare", "prompting", *flags, "--model", folder)
    assert ("fills blanks, and continues no text" if name == "bert" else "has no language-model head") in said


def test_the_keywords_are_those_of_the_flags() -> None:
    known = {field.name for group in (PromptingFlags,) for field in fields(group)}
    assert known < set(get_type_hints(PromptingOptions))
    assert set(get_type_hints(PromptingOptions)) - known <= {field.name for group in GROUPS for field in fields(group)}
