"""The commands as a user types them: on the shipped sample, with a tiny encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from bertkit.cli import main
from bertkit.training import checkpointer

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.make("bert", tmp_path_factory.mktemp("encoders") / "tiny"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], encoder: str, runs: str) -> Say:
    """Run a command; ENCODER and RUNS stand for the tiny encoder and the folder of the runs."""

    def run(line: str, *more: str) -> tuple[int, str, str]:
        words = [word.replace("ENCODER", encoder).replace("RUNS", runs) for word in line.split()]
        with pytest.raises(SystemExit) as left:
            main([*words, *more])
        shown = capsys.readouterr()
        return int(left.value.code or 0), shown.out, shown.err

    return run


FINETUNE = "finetune sst2 --sample --model ENCODER --max-steps 4 --device cpu --out RUNS"


@pytest.fixture
def run(say: Say) -> dict[str, Any]:
    """A finished run of sst2's sample."""
    code, out, _ = say(f"{FINETUNE} --json")
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_finetune_prints_a_score_with_its_interval_and_its_folder(say: Say, run: dict[str, Any]) -> None:
    code, out, _ = say(FINETUNE)
    score = run["evaluations"][0]["metrics"]["accuracy"]
    assert code == 0
    assert f"{100 * score['value']:.1f} [{100 * score['low']:.1f}, {100 * score['high']:.1f}]" in out
    assert "sample: shipped rows, not benchmark scores" in out
    assert f"finished before: {run['folder']}" in out


def test_the_human_score_of_a_task_does_not_stand_beside_its_sample(say: Say, run: dict[str, Any]) -> None:
    assert "HUMAN" not in say(FINETUNE)[1]


def test_several_seeds_come_with_their_mean_and_sample_deviation(say: Say, run: dict[str, Any]) -> None:
    _, out, _ = say(f"{FINETUNE} --seeds 2 --json")
    values = [100 * one["evaluations"][0]["metrics"]["accuracy"]["value"] for one in json.loads(out)]
    mean, sd = sum(values) / 2, abs(values[0] - values[1]) / 2**0.5
    assert [one["spec"]["seed"] for one in json.loads(out)] == [42, 43]
    assert f"{mean:.1f} ± {sd:.1f} (n = 2; all failed)" in say(f"{FINETUNE} --seeds 2")[1]  # after four updates


def test_every_line_fits_eighty_columns(say: Say, run: dict[str, Any]) -> None:
    for line in ("--help", "finetune --help", "tasks", "tasks mnli", FINETUNE):
        out = say(line)[1]
        assert not [text for text in out.splitlines() if len(text) > 80 and run["folder"] not in text]


def test_a_finished_run_scored_again_gets_the_same_scores(say: Say, run: dict[str, Any]) -> None:
    code, out, _ = say(f"eval {run['folder']} --json")
    assert code == 0
    assert json.loads(out)["evaluations"] == run["evaluations"]


def test_a_checkpoint_without_a_trained_head_is_sent_to_finetune(say: Say) -> None:
    code, _, err = say("eval sst2 --sample --model ENCODER")
    assert code == 2
    assert "no trained classification head" in err and "bertkit finetune" in err


def test_a_checkpoint_whose_labels_stand_in_another_order_scores_the_same(
    say: Say, run: dict[str, Any], tmp_path: Path
) -> None:
    import transformers

    saved = Path(run["folder"]) / "model"
    model = transformers.AutoModelForSequenceClassification.from_pretrained(saved)
    model.classifier.weight.data = model.classifier.weight.data.flip(0)
    model.classifier.bias.data = model.classifier.bias.data.flip(0)
    model.config.id2label = {0: "POSITIVE", 1: "NEGATIVE"}
    model.config.label2id = {"POSITIVE": 0, "NEGATIVE": 1}
    model.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(saved).save_pretrained(tmp_path)
    out = say(f"eval sst2 --sample --json --model {tmp_path}")[1]
    assert json.loads(out)["evaluations"][0]["metrics"] == run["evaluations"][0]["metrics"]


def test_labels_without_names_are_taken_in_the_tasks_order_and_that_is_said(
    say: Say, run: dict[str, Any], tmp_path: Path
) -> None:
    for file in (Path(run["folder"]) / "model").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    code, out, _ = say(f"eval sst2 --sample --model {tmp_path}")
    assert code == 0
    assert "labels, in the task's order, an assumption: LABEL_0 is negative, LABEL_1 is positive" in " ".join(
        out.split()
    )


def test_eval_glue_on_the_sample_shows_nine_tasks_and_is_no_glue_score(say: Say) -> None:
    code, out, err = say("eval glue --sample --model ENCODER --max-steps 2 --device cpu --out RUNS")
    assert code == 0
    tasks = ("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli")
    assert [line.split()[0] for line in out.splitlines() if line.startswith(tasks)] == list(tasks)
    assert "ours on dev, the human scores on test" in out
    assert "not a GLUE score" in out
    marked = " ".join(out.split()).count("failed)")
    assert marked == len({line.split()[0] for line in out.splitlines() if " failed: " in line})
    assert err.splitlines()[0].startswith("to train: cola, sst2, mrpc")


def test_compare_writes_both_arms_curves_and_numbers(say: Say) -> None:
    line = "compare pretrain-vs-scratch --sample --model ENCODER --max-steps 4 --seeds 2 --device cpu --out RUNS"
    line += " --tasks sst2,rte"
    code, out, _ = say(f"{line} --scratch-lr 1e-3 --json")
    assert code == 0
    found = json.loads(out)
    verdicts = [one["verdict"] for one in found["tasks"]]
    assert [one["count"] for one in verdicts] == [2, 2]
    ps = sorted(one["difference"]["p"] for one in verdicts)
    expected = [min(1, 2 * ps[0]), min(1, max(2 * ps[0], ps[1]))]
    assert sorted(one["adjusted"] for one in verdicts) == pytest.approx(expected)
    pretrained, scratch = found["tasks"][0]["arms"]
    assert (pretrained["arm"], scratch["arm"]) == ("pretrained", "scratch")
    assert (pretrained["learning_rate"], scratch["learning_rate"]) == (1e-4, 1e-3)
    assert all(len(one["loss"]) == 4 for arm in (pretrained, scratch) for one in arm["runs"])
    folder = Path(found["folder"])
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "curves.svg").read_text()
    assert json.loads((folder / "compare.json").read_text())["tasks"] == found["tasks"]
    assert "the arms' learning rates differ" in say(f"{line} --scratch-lr 1e-3")[1]


@pytest.mark.parametrize(("line", "updates"), [("eval glue", 9 * 2), ("compare pretrain-vs-scratch --seeds 1", 2 * 2)])
def test_suites_and_comparisons_save_as_often_as_save_every_says(
    say: Say, line: str, updates: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Path] = []
    plain = checkpointer.write
    monkeypatch.setattr(checkpointer, "write", lambda run, state: kept.append(run) or plain(run, state))
    asked = f"{line} --sample --model ENCODER --max-steps 2 --device cpu --save-every 1 --out {tmp_path}"
    assert say(asked)[0] == 0
    assert len(kept) == updates


def test_predict_gives_each_text_a_label_and_probabilities_that_add_up(say: Say, run: dict[str, Any]) -> None:
    code, out, _ = say(f"predict {run['folder']} --json", "A film to remember.", "Dull.")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [answer["text"] for answer in answers] == ["A film to remember.", "Dull."]
    assert all(sum(answer["scores"].values()) == pytest.approx(1) for answer in answers)
    assert all(answer["answer"] == max(answer["scores"], key=answer["scores"].get) for answer in answers)


def test_predict_in_bf16_says_once_how_many_answers_it_changed(say: Say, run: dict[str, Any], tmp_path: Path) -> None:
    lines = tmp_path / "texts.txt"
    lines.write_text("\n".join(text for text, _ in tiny.REVIEWS), "utf-8")
    code, out, err = say(f"predict {run['folder']} --json --precision bf16 --file {lines}")
    exact = say(f"predict {run['folder']} --json --file {lines}")[1]
    given = [[json.loads(line)["answer"] for line in text.splitlines()] for text in (out, exact)]
    changed = sum(one != other for one, other in zip(*given, strict=True))
    assert code == 0 and out != exact
    assert (
        " ".join(err.split()).count(f"bf16 changes the answer to {changed} of the first 8 rows, compared to fp32") == 1
    )


def test_predict_reads_a_text_a_line_or_a_table(say: Say, run: dict[str, Any], tmp_path: Path) -> None:
    lines, table = tmp_path / "texts.txt", tmp_path / "texts.tsv"
    lines.write_text("A film to remember.\nDull.\n")
    table.write_text("idx\tsentence\n7\tA film to remember.\n8\tDull.\n")
    typed = say(f"predict {run['folder']} --json", "A film to remember.", "Dull.")[1]
    assert say(f"predict {run['folder']} --json --file {lines}")[1] == typed.replace('"row"', '"line"')
    found = say(f"predict {run['folder']} --json --file {table}")[1]
    assert found.replace(', "id": "7"', "").replace(', "id": "8"', "") == typed


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["a text", "--pair", "another"], "this run takes no --pair: it reads text"),
        (["--question", "Who?"], "this run takes no --question: it reads text"),
        ([], "give texts, or --question"),
        ([" "], "the command line, text 1: the text is empty"),
    ],
)
def test_predict_names_what_does_not_fit_the_run(say: Say, run: dict[str, Any], more: list[str], said: str) -> None:
    code, out, err = say(f"predict {run['folder']}", *more)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert said in err


def test_where_train_is_missing_whole_documents_of_dev_train_and_the_others_score(say: Say, tmp_path: Path) -> None:
    dev = (tiny.SAMPLES / "squad_v2" / "dev-v2.0.json").read_text("utf-8")  # four documents
    (tmp_path / "dev-v2.0.json").write_text(dev, "utf-8")
    line = f"finetune squad_v2 --data {tmp_path} --model ENCODER --max-length 128 --doc-stride 32 --max-steps 1"
    code, out, _ = say(f"{line} --device cpu --out RUNS --json")
    run = json.loads(out)
    titles = [{row["group"] for row in rows_of(run, part)} for part in ("train", "dev")]
    assert code == 0
    assert [len(part) for part in titles] == [2, 2] and not titles[0] & titles[1]  # round(4 * 5 / 8) is 2
    assert any("2 of 4 documents of dev-v2.0.json" in mark for mark in run["marks"])
    again = say(f"eval {run['folder']} --json")[1]
    assert json.loads(again)["evaluations"] == run["evaluations"]


def rows_of(run: dict[str, Any], part: str) -> Any:
    """The rows of one part of a finished run, read as it read them."""
    from bertkit.data.splits import read_splits
    from bertkit.runs.folder import read_spec

    splits = read_splits(read_spec(Path(run["folder"])))
    rows = splits.train if part == "train" else splits.evaluations[part]
    assert rows is not None and not isinstance(rows, str)
    return rows.table


def test_a_recipes_own_window_gives_way_to_a_model_that_sees_less(say: Say) -> None:
    line = "finetune squad --sample --model ENCODER --max-steps 1 --device cpu --out RUNS --json"
    assert json.loads(say(line)[1])["spec"]["recipe"]["window"]["max_length"] > tiny.POSITIONS
    code, _, err = say(f"{line} --max-length 300")
    assert code == 2
    assert f"this model sees {tiny.POSITIONS} tokens at most" in err


def other_weights(encoder: Path) -> str:
    path = encoder / "model.safetensors"
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)
    return "weights"


def other_config(encoder: Path) -> str:
    path = encoder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "layer_norm_eps": 1e-5}), "utf-8")
    return "config or tokenizer"


def other_tokenizer(encoder: Path) -> str:
    path = encoder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "truncation_side": "left"}), "utf-8")
    return "config or tokenizer"


@pytest.mark.parametrize("change", [other_weights, other_config, other_tokenizer])
def test_a_finished_run_whose_encoder_changed_since_is_not_taken_for_it(
    say: Say, tmp_path: Path, change: Callable[[Path], str]
) -> None:
    encoder = tiny.make("bert", tmp_path / "encoder")
    line = f"finetune sst2 --sample --model {encoder} --max-steps 1 --device cpu --out RUNS"
    assert say(line)[0] == 0
    assert "finished before" in say(line)[1]
    part = change(encoder)
    code, _, err = say(line)
    assert code == 2
    assert f"the {part} of {encoder} changed since" in " ".join(err.split()) and "--force" in err


def test_a_run_that_was_trained_on_a_device_that_is_not_here_is_scored(say: Say, tmp_path: Path) -> None:
    code, out, _ = say("finetune sst2 --sample --model ENCODER --max-steps 1 --device cpu --out RUNS --json")
    run = json.loads(out)
    path = Path(run["folder"], "spec.json")
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "device": "cuda", "precision": "fp16"}), "utf-8")
    code, out, _ = say(f"eval {run['folder']} --json")
    assert code == 0
    assert json.loads(out)["evaluations"] == run["evaluations"]
