"""`bertkit finetune --model CHECKPOINT`: a fine-tuned head is replaced, or kept with its labels matched by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
import transformers
from door import Refused, refused  # noqa: F401  # the fixture
from safetensors.torch import load_file
from torch import Tensor

from bertkit.cli import main
from bertkit.errors import EncoderError
from bertkit.heads import Classification, Number, Tagging
from bertkit.models.load import load, save

PAIRS = [*((family, "classification") for family in tiny.FAMILIES), ("bert", "tagging"), ("modernbert", "span")]
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bodies")
    return {family: tiny.make(family, root / family) for family in tiny.FAMILIES}


def finetuned(body: Path, folder: Path, labels: tuple[str, ...]) -> Path:
    """`folder`, holding a classifier over the body in `body`, whose labels stand in this order; row i is all i + 1."""
    loaded = load(tiny.encoder(body), Classification(labels=labels), scratch=False, seed=1)
    with torch.no_grad():
        for i in range(len(labels)):
            loaded.model.classifier.weight[i] = loaded.model.classifier.bias[i] = i + 1
    save(loaded, folder)
    return folder


@pytest.fixture
def turned(bodies: dict[str, Path], tmp_path: Path) -> Path:
    """A checkpoint (positive, negative): the other order than sst2's."""
    return finetuned(bodies["bert"], tmp_path / "turned", ("positive", "negative"))


def configure(folder: Path, **settings: Any) -> Path:
    """Change the folder's config."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **settings}), "utf-8")
    return folder


@pytest.fixture
def finetune(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Train sst2 for one step; the result as JSON, with what was printed and the classifier's weights."""
    rows = tiny.write_reviews(tmp_path / "rows", tiny.REVIEWS, tiny.REVIEWS)
    typed = f"--data {rows} --device cpu --max-steps 1 --learning-rate 1e-12 --out {tmp_path / 'runs'}"

    def ask(model: Path | str, *more: str) -> dict[str, Any]:
        shown = []
        for flags in ([], ["--json"]):  # it is trained once: the second command finds it finished
            with pytest.raises(SystemExit) as left:
                main(["finetune", "sst2", "--model", str(model), *typed.split(), *more, *flags])
            shown.append(capfd.readouterr())
            assert left.value.code == 0, shown[-1].err
        found: dict[str, Any] = json.loads(shown[1].out)
        weights = load_file(f"{found['folder']}/model/model.safetensors")
        said = " ".join((shown[0].err + shown[0].out).split())
        return {**found, "said": said, "classifier": weights["classifier.weight"]}

    return ask


def weights(model: Any) -> dict[str, Tensor]:
    found: dict[str, Tensor] = model.state_dict()
    return found


@pytest.mark.parametrize(("family", "kind"), PAIRS)
def test_the_head_drawn_over_a_finetuned_checkpoint_is_that_drawn_over_its_body_alone(
    bodies: dict[str, Path], tmp_path: Path, family: str, kind: str
) -> None:
    first = load(tiny.encoder(bodies[family]), tiny.HEADS[kind], scratch=False, seed=1)
    save(first, tmp_path / "trained")
    again = load(tiny.encoder(tmp_path / "trained"), tiny.HEADS[kind], scratch=False, seed=2)
    wanted = weights(load(tiny.encoder(bodies[family]), tiny.HEADS[kind], scratch=False, seed=2).model)
    assert {name for name, tensor in weights(again.model).items() if not torch.equal(tensor, wanted[name])} == set()
    assert any(not torch.equal(tensor, wanted[name]) for name, tensor in weights(first.model).items())
    assert (again.record["head"], len(again.notes)) == ("fresh", 1)


def test_the_body_and_the_pooler_of_a_finetuned_checkpoint_are_kept(bodies: dict[str, Path], tmp_path: Path) -> None:
    first = load(tiny.encoder(bodies["bert"]), tiny.SIGNS, scratch=False, seed=1)
    with torch.no_grad():
        first.model.bert.pooler.dense.weight.fill_(0.5)
        first.model.bert.encoder.layer[0].output.dense.weight.fill_(0.25)
    save(first, tmp_path / "trained")
    again = load(tiny.encoder(tmp_path / "trained"), tiny.SIGNS, scratch=False, seed=2).model
    assert torch.equal(again.bert.pooler.dense.weight, torch.full((32, 32), 0.5))
    assert torch.equal(again.bert.encoder.layer[0].output.dense.weight, torch.full((32, 64), 0.25))


def test_layers_that_masked_language_modelling_trained_are_kept_under_a_fresh_head(
    bodies: dict[str, Path], tmp_path: Path
) -> None:
    config = transformers.AutoConfig.from_pretrained(bodies["modernbert"])
    pretrained = transformers.ModernBertForMaskedLM(config)
    with torch.no_grad():
        pretrained.head.dense.weight.fill_(0.5)
    folder = Path(shutil.copytree(bodies["modernbert"], tmp_path / "mlm"))
    pretrained.save_pretrained(folder)
    loaded = load(tiny.encoder(folder), tiny.SIGNS, scratch=False, seed=1)
    assert torch.equal(loaded.model.head.dense.weight, torch.full((32, 32), 0.5))
    assert (loaded.record["head"], loaded.notes) == ("fresh", ())


def test_by_default_the_head_is_replaced_and_the_run_says_so(finetune: Run, turned: Path, bodies: Any) -> None:
    found, plain = finetune(turned), finetune(bodies["bert"])
    assert "head is replaced by a fresh one; --keep-head keeps it" in found["said"]
    assert "head is" not in plain["said"]
    assert (found["encoder"]["head"], plain["encoder"]["head"]) == ("fresh", "fresh")
    assert torch.allclose(found["classifier"], plain["classifier"], atol=1e-6)


def test_a_kept_head_has_its_rows_in_the_tasks_order(finetune: Run, turned: Path) -> None:
    found = finetune(turned, "--keep-head")
    assert "head is kept" in found["said"] and "· head kept" in found["said"]
    assert found["encoder"]["head"] == "kept"
    wanted = torch.tensor([2.0, 1.0])[:, None].expand(2, 32)  # sst2's are negative, positive
    assert torch.allclose(found["classifier"], wanted, atol=1e-6)
    config = json.loads((Path(found["folder"]) / "model/config.json").read_text())
    assert config["id2label"] == {"0": "negative", "1": "positive"}


def test_a_kept_head_scores_what_eval_gives_the_checkpoint(
    finetune: Run, turned: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["eval", "sst2", "--model", str(turned), "--data", str(tmp_path / "rows"), "--json", "--quiet"])
    scored = json.loads(capfd.readouterr().out)["evaluations"]
    (found,) = finetune(turned, "--keep-head")["evaluations"]
    assert [{**found, "leaked": None}] == scored  # which rows were trained on, a checkpoint does not say


@pytest.mark.parametrize("labels", [("Negative", "POSITIVE"), ("Positive", "negative")])
def test_a_kept_heads_labels_are_matched_whatever_their_case(
    finetune: Run, bodies: dict[str, Path], tmp_path: Path, labels: tuple[str, ...]
) -> None:
    found = finetune(finetuned(bodies["bert"], tmp_path / "case", labels), "--keep-head")
    order = [float(i + 1) for i in sorted(range(2), key=lambda i: labels[i].lower())]
    assert torch.allclose(found["classifier"][:, 0], torch.tensor(order), atol=1e-6)


def test_the_rows_of_a_head_of_two_layers_are_reordered_in_the_last_one(
    bodies: dict[str, Path], tmp_path: Path
) -> None:
    first = load(tiny.encoder(bodies["roberta"]), Classification(labels=("c", "a", "b")), scratch=False, seed=1)
    save(first, tmp_path / "trained")
    ours = Classification(labels=("a", "b", "c"))
    kept = load(tiny.encoder(tmp_path / "trained"), ours, scratch=False, seed=2, keep_head=True).model.classifier
    assert torch.equal(kept.out_proj.weight, first.model.classifier.out_proj.weight[[1, 2, 0]])
    assert torch.equal(kept.out_proj.bias, first.model.classifier.out_proj.bias[[1, 2, 0]])
    assert torch.equal(kept.dense.weight, first.model.classifier.dense.weight)


@pytest.mark.parametrize("kind", ["tagging", "span", "regression"])
def test_the_other_heads_are_kept_too(bodies: dict[str, Path], tmp_path: Path, kind: str) -> None:
    first = load(tiny.encoder(bodies["bert"]), tiny.HEADS[kind], scratch=False, seed=1)
    save(first, tmp_path / "trained")
    kept = load(tiny.encoder(tmp_path / "trained"), tiny.HEADS[kind], scratch=False, seed=2, keep_head=True)
    assert all(torch.equal(tensor, weights(first.model)[name]) for name, tensor in weights(kept.model).items())


@pytest.mark.parametrize(
    ("trained", "task", "said"),
    [
        (tiny.NUMBER, tiny.SIGNS, "has the labels LABEL_0; the task's are negative, positive"),
        (tiny.SIGNS, tiny.NUMBER, "has 2 labels; the task asks for a number"),
        (Classification(labels=("no", "yes")), tiny.SIGNS, "has the labels no, yes; the task's are"),
        (tiny.SIGNS, tiny.TAGS, "has no trained tagging head (BertForSequenceClassification)"),
        (Tagging(labels=("A", "B")), tiny.TAGS, "has the labels A, B; the task's are ADJ"),
        (tiny.TAGS, tiny.SPAN, "has no trained span head (BertForTokenClassification)"),
    ],
)
def test_a_head_that_does_not_fit_the_task_cannot_be_kept(
    bodies: dict[str, Path], tmp_path: Path, trained: Any, task: Any, said: str
) -> None:
    save(load(tiny.encoder(bodies["bert"]), trained, scratch=False, seed=1), tmp_path / "trained")
    with pytest.raises(EncoderError) as raised:
        load(tiny.encoder(tmp_path / "trained"), task, scratch=False, seed=1, keep_head=True)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {}}, "has the labels LABEL_0, LABEL_1"),
        ({"id2label": {"0": "good", "1": "bad"}, "label2id": {"good": 0, "bad": 1}}, "has the labels good, bad"),
        (
            {"label2id": {"negative": 0, "positive": 1}},
            "label2id in its config.json says that negative is 0, and id2label that 0 is positive",
        ),
        (
            {"label2id": {"positive": 0, "negative": 0}},
            "label2id in its config.json says that negative is 0, and id2label that 0 is positive",
        ),
        (
            {"label2id": {"positive": 0, "negative": 1, "neutral": 2}},
            "says that neutral is 2, and id2label has no 2: correct one of them",
        ),
        ({"architectures": ["BertModel"]}, "has no trained classification head (BertModel); leave --keep-head out"),
    ],
)
def test_a_checkpoint_whose_labels_are_not_the_tasks_is_refused(
    refused: Refused,  # noqa: F811
    turned: Path,
    tmp_path: Path,
    change: dict[str, Any],
    said: str,
) -> None:
    rows = tiny.write_reviews(tmp_path / "rows", tiny.REVIEWS, tiny.REVIEWS)
    configure(turned, **change)
    assert said in refused(*f"finetune sst2 --data {rows} --model {turned} --keep-head --quiet".split())
    if "architectures" not in change and "LABEL_0" not in said:  # which eval takes in the task's order, and says so
        assert said in refused(*f"eval sst2 --data {rows} --model {turned} --quiet".split())


def test_label2id_as_transformers_makes_it_up_contradicts_nothing(finetune: Run, turned: Path) -> None:
    configure(turned, label2id={"LABEL_0": 0, "LABEL_1": 1})
    assert finetune(turned, "--keep-head")["classifier"][0, 0] == pytest.approx(2, abs=1e-6)


def test_predict_refuses_a_model_whose_labels_contradict_each_other(
    finetune: Run,
    refused: Refused,  # noqa: F811
    turned: Path,
    tmp_path: Path,
) -> None:
    folder = shutil.move(finetune(turned)["folder"], tmp_path / "run")
    shutil.rmtree(tmp_path / "runs")
    configure(tmp_path / "run/model", label2id={"positive": 0, "negative": 1})
    said = refused("predict", str(folder), "Fine.", "-q")
    assert "says that positive is 0, and id2label that 0 is negative" in said


def test_random_weights_have_no_head_to_keep(refused: Refused, turned: Path) -> None:  # noqa: F811
    said = refused("finetune", "sst2", "--sample", "--model", str(turned), "--scratch", "--keep-head")
    assert said == "Error: --keep-head and --scratch: give one of them; random weights have no head to keep\n"


def test_a_regression_keeps_its_head_whatever_its_one_label_is_called(bodies: dict[str, Path], tmp_path: Path) -> None:
    save(load(tiny.encoder(bodies["bert"]), tiny.NUMBER, scratch=False, seed=1), tmp_path / "trained")
    configure(tmp_path / "trained", id2label={"0": "score"}, label2id={"number": 0})
    head = Classification(labels=Number(low=0, high=1))
    assert (
        load(tiny.encoder(tmp_path / "trained"), head, scratch=False, seed=1, keep_head=True).record["head"] == "kept"
    )
