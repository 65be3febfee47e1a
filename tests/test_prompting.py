"""`bertkit compare prompting`: a causal model in context and fine-tuned, on the sample; and what is refused."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import lm
import numpy as np
import pytest
import torch
import transformers
from door import Refused, refused, reviews

import bertkit
from bertkit.cli import main
from bertkit.data.prompts import CONTENT_FREE
from bertkit.plots.prompting import PromptDots, PromptPanel, draw_prompts
from bertkit.request.keywords import GROUPS
from bertkit.request.prompting_flags import PromptingFlags, PromptingOptions
from bertkit.studies import prompt_answers
from bertkit.studies.prompt_lines import lines
from bertkit.studies.prompting import PromptStudy

__all__ = ["refused"]

SAMPLE = Path(__file__).parent.parent / "tasks" / "samples" / "sst2" / "dev.jsonl"
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


def test_draws_do_not_go_together_with_training_seeds_of_the_same_numbers(model: Path, tmp_path: Path) -> None:
    given = {**SMALL, "seed": 1, "limit": 12}
    found = bertkit.compare("prompting", task="sst2", model=model, shots="2", draws=2, out=tmp_path, **given)
    assert isinstance(found, PromptStudy)
    assert {one.seeds for one in found.verdict.arms} == {(1, 2), (None, None)}
    assert not found.verdict.difference.paired


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


@torch.no_grad()
def test_scores_are_those_of_transformers_loss_on_each_row(done: tuple[PromptStudy, Path], model: Path) -> None:
    found, _ = done
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    network = transformers.AutoModelForCausalLM.from_pretrained(model).eval()
    names = ("negative", "positive")

    def shares(text: str) -> Any:
        """Of either label, among the two, by its mean log-likelihood per token."""
        asked = tokenizer(f"Text: {text}\nLabel:")["input_ids"]
        means = []
        for name in names:
            answer = tokenizer(f" {name}")["input_ids"]
            labels = torch.tensor([[-100] * len(asked) + answer])
            means.append(
                -network(torch.tensor([asked + answer]), labels=labels).loss
            )  # a mean over the answer's tokens
        return torch.tensor(means).softmax(0).numpy()

    rows = [json.loads(line) for line in SAMPLE.read_text("utf-8").splitlines()][:24]
    cut = [tokenizer.decode(tokenizer(row["sentence"], truncation=True, max_length=16)["input_ids"]) for row in rows]
    read, empty = np.array([shares(text) for text in cut]), np.mean([shares(text) for text in CONTENT_FREE], axis=0)
    golds = np.array([names.index(row["label"]) for row in rows])
    scores = [float((one.argmax(1) == golds).mean()) for one in (read, read / empty)]
    assert [found.prompted[0].scores, found.prompted[2].scores] == [(score,) for score in scores]
    assert len({*(read / empty).argmax(1)}) == 2  # so that rows in another order would show


def test_a_study_that_was_stopped_continues_with_the_draws_it_lacks(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Any = {**SMALL, "seeds": 1, "shots": "0,4", "draws": 2, "template": "{text} It was {label}"}
    real, computed = prompt_answers.likelihoods, list[int]()

    def stopped_at(most: int) -> Any:
        def counted(model: Any, shared: Any, *others: Any) -> Any:
            if len(computed) == most:
                raise KeyboardInterrupt
            computed.append(len(shared))
            return real(model, shared, *others)

        return counted

    monkeypatch.setattr(prompt_answers, "likelihoods", stopped_at(2))
    with pytest.raises(KeyboardInterrupt):
        bertkit.compare("prompting", task="sst2", model=model, out=tmp_path, **asked)
    assert not any(tmp_path.iterdir())
    monkeypatch.setattr(prompt_answers, "likelihoods", stopped_at(9))
    bertkit.compare("prompting", task="sst2", model=model, out=tmp_path, **asked)
    assert [bool(shared) for shared in computed] == [False, True, True]


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
