"""Everything that talks to the Hub, against a small one on loopback, each client in its own process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
from datasets import ClassLabel, Dataset, Features, List, Value
from fakehub import FakeHub, Kind

from bertkit.data.hf_datasets import named_rows
from bertkit.hub.retry import PAUSES, seconds_to_wait

HASTE = f"from bertkit.hub import retry; retry.PAUSES = (0.05,) * {len(PAUSES)}\n"
"""As many tries, with less patience between them."""

PRELUDE = """
import json, sys, time
from pathlib import Path
from bertkit.hub import access as hub, fetch
from bertkit.encoders import Encoder
from bertkit.errors import BertkitError
from bertkit.sources import HubRows

TINY = Encoder(name="org/tiny", place="org/tiny", kind="hub")
SPLITS = {"train": "train", "dev": "validation", "test": "test"}
SST2 = HubRows(id="nyu-mll/glue", config="sst2", splits=SPLITS)
SQUAD = HubRows(id="rajpurkar/squad", config="plain_text", splits={"train": "train", "dev": "validation"})
said = {}

def model(**other):
    from dataclasses import replace
    folder, commit = fetch.fetch_model(replace(TINY, **other), weights=True)
    return [sorted(path.name for path in folder.iterdir()), commit]

def rows(source, split):
    from bertkit.data.hf_datasets import named_rows
    dataset, commit = fetch.fetch_rows(source, split)
    return [[list(row) for row in named_rows(dataset)], commit]

def note(name, call, *args, **options):
    start = time.monotonic()
    try:
        said[name] = call(*args, **options)
    except BertkitError as error:
        said[name] = f"{type(error).__name__}: {error}"
    said[name + " seconds"] = time.monotonic() - start
"""
ALL = """
hub.prepare([TINY], [SST2, SQUAD])
note("model", model)
note("dev", rows, SST2, "dev")
note("train", rows, SST2, "train")
note("test", rows, SST2, "test")
note("squad", rows, SQUAD, "dev")
"""
MODEL_FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]
DEV = [
    [number, {"sentence": sentence, "label": label, "idx": number - 1}]
    for number, (sentence, label) in enumerate([("a good film", "positive"), ("a dull film", "negative")] * 12, 1)
]
WORDS = ["a", "the", "film", "good", "dull", "very", "bad", "plot", "fun", "##ly"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Hub's repositories: a model with weights, one with a pickle, GLUE's sst2, SQuAD."""
    root = tmp_path_factory.mktemp("hub")
    _write_model(root / "models/org/tiny")
    _write_model(root / "models/org/pickled")
    (root / "models/org/pickled/model.safetensors").rename(root / "models/org/pickled/pytorch_model.bin")
    _write_model(root / "models/org/secret")
    _write_glue(root / "datasets/nyu-mll/glue")
    _write_squad(root / "datasets/rajpurkar/squad")
    return root


def _write_model(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", "utf-8")
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(str(folder))
    torch.manual_seed(1)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(vocab_size=len(vocabulary), **shape)
    config.architectures = ["BertModel"]
    config.save_pretrained(str(folder))
    save_file(BertModel(config).state_dict(), str(folder / "model.safetensors"), metadata={"format": "pt"})


def _write_glue(folder: Path) -> None:
    features = Features(sentence=Value("string"), label=ClassLabel(names=["negative", "positive"]), idx=Value("int32"))
    splits = {
        "train": (["very good fun", "a bad plot"] * 24, [1, 0] * 24),
        "validation": (["a good film", "a dull film"] * 12, [1, 0] * 12),
        "test": (["a film"] * 3, [-1] * 3),
    }
    (folder / "sst2").mkdir(parents=True)
    for split, (sentences, labels) in splits.items():
        columns = {"sentence": sentences, "label": labels, "idx": list(range(len(labels)))}
        table = Dataset.from_dict(columns, features=features)
        table.to_parquet(folder / f"sst2/{split}-00000-of-00001.parquet")
    (folder / "README.md").write_text(
        "---\nconfigs:\n"
        + "".join(
            f"- config_name: {config}\n  data_files:\n"
            "  - split: train\n    path: sst2/train-*\n  - split: validation\n    path: sst2/validation-*\n"
            "  - split: test\n    path: sst2/test-*\n"
            for config in ("cola", "sst2")
        )
        + "dataset_info:\n- config_name: sst2\n  features:\n  - name: sentence\n    dtype: string\n"
        "  - name: label\n    dtype:\n      class_label:\n        names:\n          '0': negative\n"
        "          '1': positive\n  - name: idx\n    dtype: int32\n  splits:\n"
        "  - name: train\n    num_bytes: 1000\n    num_examples: 48\n"
        "  - name: validation\n    num_bytes: 1000\n    num_examples: 24\n"
        "  - name: test\n    num_bytes: 1000\n    num_examples: 3\n"
        "  download_size: 2000\n  dataset_size: 2000\n---\n# GLUE\n",
        "utf-8",
    )


def _write_squad(folder: Path) -> None:
    answers = {"text": List(Value("string")), "answer_start": List(Value("int32"))}
    texts = {name: Value("string") for name in ("id", "title", "context", "question")}
    rows = {
        "id": ["1"],
        "title": ["Rain"],
        "context": ["Rain fell."],
        "question": ["What fell?"],
        "answers": [{"text": ["Rain", "Rain"], "answer_start": [0, 0]}],
    }
    (folder / "plain_text").mkdir(parents=True)
    for split in ("train", "validation"):
        table = Dataset.from_dict(rows, features=Features(**texts, answers=answers))
        table.to_parquet(folder / f"plain_text/{split}-00000-of-00001.parquet")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: plain_text\n  data_files:\n"
        "  - split: train\n    path: plain_text/train-*\n"
        "  - split: validation\n    path: plain_text/validation-*\n---\n# SQuAD\n",
        "utf-8",
    )


@pytest.fixture
def hub(root: Path) -> Iterator[FakeHub]:
    with FakeHub(root) as hub:
        yield hub


@pytest.fixture(scope="module")
def first(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str, str, str]:
    """A home filled from an empty cache; what was said; the commits of model, GLUE and SQuAD."""
    home = tmp_path_factory.mktemp("warm")
    with FakeHub(root) as hub:
        said = ask(ALL, hub.url, home)
        commits = hub.commit("models", "org/tiny"), hub.commit("datasets", "nyu-mll/glue")
        return home, said, *commits, hub.commit("datasets", "rajpurkar/squad")


def environment(url: str, home: Path, **more: str) -> dict[str, str]:
    """A client's environment: this Hub, this cache, no proxy, nothing of the user's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS_", "HUGGINGFACE_"))}
    return {**kept, "HF_ENDPOINT": url, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1,localhost", **more}


def ask(code: str, url: str, home: Path, **more: str) -> dict[str, Any]:
    """What `code` noted in a process of its own, which must say nothing itself."""
    script = PRELUDE + code + "\nprint(json.dumps(said))"
    env = environment(url, home, **more)
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def gone(root: Path) -> str:
    """The address of a Hub that refuses connections."""
    with FakeHub(root) as hub:
        return hub.url


def test_from_an_empty_cache_the_model_and_the_rows_come_with_their_commits(first: Any) -> None:
    _, said, tiny, glue, squad = first
    assert said["model"] == [MODEL_FILES, tiny]
    assert said["dev"] == [DEV, glue]
    assert len(said["train"][0]) == 48
    assert [row["label"] for _, row in said["test"][0]] == [None, None, None]
    answers = [{"text": "Rain", "start": 0}, {"text": "Rain", "start": 0}]
    assert said["squad"][0][0][1]["answers"] == answers
    assert said["squad"][1] == squad


def same(said: dict[str, Any]) -> dict[str, Any]:
    """What was said, the time it took aside."""
    return {name: value for name, value in said.items() if not name.endswith("seconds")}


def seconds(said: dict[str, Any]) -> float:
    """How long all of it took."""
    return sum(float(value) for name, value in said.items() if name.endswith("seconds"))


def test_offline_the_same_comes_without_a_single_request(first: Any, hub: FakeHub) -> None:
    assert same(ask(ALL, hub.url, first[0], HF_HUB_OFFLINE="1")) == same(first[1])
    assert hub.requests == []


def test_with_the_hub_gone_a_warm_cache_is_enough(first: Any, root: Path) -> None:
    said = ask("note('prepare', hub.prepare, [TINY], [SST2, SQUAD])" + ALL, gone(root), first[0])
    assert same(said) == {"prepare": None, **same(first[1])}
    assert said["prepare seconds"] < 1
    assert seconds(said) < 10


def test_with_a_mute_hub_a_warm_cache_is_enough(first: Any, hub: FakeHub) -> None:
    hub.fault("", "stall", at=60, times=1000)
    said = ask("note('prepare', hub.prepare, [TINY], [SST2, SQUAD])" + ALL, hub.url, first[0])
    assert same(said) == {"prepare": None, **same(first[1])}
    assert said["prepare seconds"] < 2.5
    assert seconds(said) < 10
    assert len(hub.requests) == 1


def test_a_hub_that_only_answers_503_is_as_good_as_gone_with_a_warm_cache(first: Any, hub: FakeHub) -> None:
    hub.fault("", "status", at=503, times=1000)
    said = ask(ALL, hub.url, first[0])
    assert same(said) == same(first[1])
    assert seconds(said) < 10
    assert len(hub.requests) == 1


def test_with_a_warm_cache_and_the_hub_there_no_content_is_fetched_again(first: Any, hub: FakeHub) -> None:
    assert same(ask(ALL, hub.url, first[0])) == same(first[1])
    assert not [request for request in hub.requests if request.startswith("GET") and "/api/" not in request]


NOTHING = """
note("both", hub.prepare, [TINY], [SST2])
note("again", hub.prepare, [TINY], [])
note("rows", hub.prepare, [], [SST2, SQUAD])
said["heavy"] = sorted({"huggingface_hub", "datasets", "transformers", "torch", "numpy"} & set(sys.modules))
"""


def test_an_empty_cache_and_no_hub_is_one_line_at_once(tmp_path: Path, root: Path, hub: FakeHub) -> None:
    hub.fault("", "stall", at=60, times=1000)
    for url, trouble in ((gone(root), "refused"), (hub.url, "no answer within 1.8 s")):
        said = ask(NOTHING, url, tmp_path)
        missing = "model 'org/tiny' and dataset 'nyu-mll/glue' (sst2) are not on this machine"
        assert said["both"].startswith(f"HubError: {missing}, and the Hub ({url}) cannot be reached (")
        assert trouble in said["both"]
        assert said["both"].endswith("pass --model FOLDER and --data FOLDER, or --sample, or run once online")
        assert "\n" not in said["both"]
        assert said["both seconds"] < 2.5
        assert said["again seconds"] < 0.2
        assert said["again"].endswith("pass --model FOLDER, or --sample, or run once online")
        assert "dataset 'nyu-mll/glue' (sst2) and dataset 'rajpurkar/squad' (plain_text) are" in said["rows"]
        assert said["heavy"] == []
    assert len(hub.requests) == 1


def test_asked_to_stay_offline_with_an_empty_cache_no_socket_is_opened(tmp_path: Path, hub: FakeHub) -> None:
    code = NOTHING + 'note("model", model)\nnote("train", rows, SST2, "train")'
    said = ask(code, hub.url, tmp_path, HF_HUB_OFFLINE="1")
    assert "not on this machine, and nothing is fetched (--offline, or HF_HUB_OFFLINE): pass --model" in said["both"]
    assert said["model"].startswith("HubError: model 'org/tiny' is incomplete on this machine")
    assert said["train"].startswith("HubError: dataset 'nyu-mll/glue' (sst2)")
    assert hub.requests == []


FOLDERS = """
note("folder", hub.prepare, [Encoder(name="x", place="/x", kind="folder")], [])
"""


def test_a_model_in_a_folder_asks_the_hub_nothing(tmp_path: Path, hub: FakeHub) -> None:
    assert ask(FOLDERS, hub.url, tmp_path)["folder"] is None
    assert hub.requests == []


FETCH = 'hub.prepare([TINY], [SST2])\nnote("model", model)\nnote("train", rows, SST2, "train")\n'
AGAIN = 'note("model again", model)\nnote("train again", rows, SST2, "train")\n'


def test_wrong_bytes_of_the_right_size_are_refused_and_do_not_stay(tmp_path: Path, hub: FakeHub) -> None:
    hub.fault("GET /_cdn/models/org/tiny/model.safetensors", "flip", at=2000)
    hub.fault("GET /_cdn/datasets/nyu-mll/glue/sst2/train", "flip", at=100)
    said = ask(FETCH + AGAIN, hub.url, tmp_path)
    wrong = "arrived with a different hash than the Hub announced; removed, try again"
    assert said["model"] == f"HubError: model 'org/tiny': model.safetensors {wrong}"
    assert said["train"].startswith("HubError: dataset 'nyu-mll/glue' (sst2): train-00000-of-00001.parquet")
    assert said["model again"] == [MODEL_FILES, hub.commit("models", "org/tiny")]
    assert len(said["train again"][0]) == 48
    for part in ("models/org/tiny/model.safetensors", "nyu-mll/glue/sst2/train-00000-of-00001.parquet"):
        assert len([request for request in hub.requests if request.startswith("GET") and part in request]) == 2
    fetched = next((tmp_path / "hub/models--org--tiny/snapshots").glob("*/model.safetensors"))
    assert fetched.read_bytes() == (hub.root / "models/org/tiny/model.safetensors").read_bytes()


def test_a_small_file_with_wrong_bytes_is_refused_too(tmp_path: Path, hub: FakeHub) -> None:
    hub.fault("GET /org/tiny/resolve", "flip", at=5)
    hub.fault("GET /datasets/nyu-mll/glue/resolve", "flip", at=5)
    said = ask(FETCH, hub.url, tmp_path)
    assert "arrived with a different hash" in said["model"]
    assert "README.md arrived with a different hash" in said["train"]


def test_a_hub_that_is_busy_five_times_is_asked_a_sixth_time(tmp_path: Path, hub: FakeHub) -> None:
    hub.fault("/api/models/org/tiny/revision", "status", at=429, times=2)
    hub.fault("GET /_cdn/models", "status", at=503, times=2)
    hub.fault("GET /_cdn/datasets/nyu-mll/glue/sst2/train", "status", at=503, times=5)
    said = ask(HASTE + FETCH, hub.url, tmp_path)
    assert said["model"][1] == hub.commit("models", "org/tiny")
    assert len(said["train"][0]) == 48


def test_a_file_of_another_size_is_refused_and_does_not_stay(tmp_path: Path, hub: FakeHub) -> None:
    hub.fault("GET /_cdn/models/org/tiny/model.safetensors", "short", at=3000, times=99)
    code = HASTE + FETCH
    said = ask(code, hub.url, tmp_path)
    assert said["model"].startswith("HubError: model 'org/tiny'")
    assert "\n" not in said["model"]
    assert not list((tmp_path / "hub/models--org--tiny").glob("snapshots/*/model.safetensors"))
    hub.faults.clear()
    assert ask(FETCH, hub.url, tmp_path)["model"] == [MODEL_FILES, hub.commit("models", "org/tiny")]


@pytest.mark.parametrize(("said", "seconds"), [("7", 7.0), ("9999", 60.0), ("soon", 0.0), ("", 0.0)])
def test_a_hub_that_says_how_long_to_wait_is_waited_for(said: str, seconds: float) -> None:
    error = RuntimeError("busy")
    error.response = SimpleNamespace(status_code=429, headers={"Retry-After": said})  # type: ignore[attr-defined]  # as httpx has it
    assert seconds_to_wait(error) == seconds


@pytest.mark.parametrize("kind", ["drop", "reset", "mute"])
def test_a_line_lost_in_mid_file_ends_in_success(tmp_path: Path, hub: FakeHub, kind: Kind) -> None:
    hub.fault("GET /_cdn/models/org/tiny/model.safetensors", kind, at=5000)
    hub.fault("/api/models/org/tiny/revision", "refuse")
    said = ask(FETCH, hub.url, tmp_path, HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert said["model"] == [MODEL_FILES, hub.commit("models", "org/tiny")]
    assert len([request for request in hub.requests if "/_cdn/models" in request]) == 2
    fetched = next((tmp_path / "hub/models--org--tiny/snapshots").glob("*/model.safetensors"))
    assert fetched.read_bytes() == (hub.root / "models/org/tiny/model.safetensors").read_bytes()


def test_a_hub_that_falls_mute_in_every_file_ends_in_one_line(tmp_path: Path, hub: FakeHub) -> None:
    hub.fault("GET /_cdn/models/org/tiny/model.safetensors", "mute", at=50, times=99)
    said = ask(HASTE + FETCH, hub.url, tmp_path, HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert said["model"].startswith("HubError: model 'org/tiny'") and "\n" not in said["model"]
    assert not list((tmp_path / "hub/models--org--tiny").glob("snapshots/*/model.safetensors"))


UNKNOWN = """
from dataclasses import replace
hub.prepare([TINY], [SST2])
note("model", model, place="org/none")
note("model's revision", model, revision="v9")
note("pickle", model, place="org/pickled")
note("gated", model, place="org/secret")
note("dataset", rows, replace(SST2, id="nyu-mll/none"), "train")
note("dataset's revision", rows, replace(SST2, revision="v9"), "train")
note("config", rows, replace(SST2, config="sst3"), "train")
note("our split", rows, SQUAD, "test")
note("their split", rows, replace(SST2, splits={"train": "trane"}), "train")
"""


def test_what_the_hub_does_not_have_is_named_in_one_line(tmp_path: Path, hub: FakeHub) -> None:
    hub.gated.add("org/secret")
    assert same(ask(UNKNOWN, hub.url, tmp_path)) == {
        "model": "HubError: the Hub has no model 'org/none'; if it is private, log in with `hf auth login`",
        "model's revision": "HubError: model 'org/tiny' has no revision 'v9' on the Hub",
        "pickle": "EncoderError: model 'org/pickled' has no model.safetensors on the Hub; "
        "a pickle could run code when read: choose another model",
        "gated": "HubError: model 'org/secret' is gated: ask for access on its page, then log in with `hf auth login`",
        "dataset": "HubError: the Hub has no dataset 'nyu-mll/none' (sst2); "
        "if it is private, log in with `hf auth login`",
        "dataset's revision": "HubError: dataset 'nyu-mll/glue' (sst2) has no revision 'v9' on the Hub",
        "config": "DataError: dataset 'nyu-mll/glue' (sst3) has no such config on the Hub; it has cola, sst2",
        "our split": "DataError: dataset 'rajpurkar/squad' (plain_text) has no test split on the Hub: "
        "give --data FOLDER",
        "their split": "DataError: dataset 'nyu-mll/glue' (sst2) has no split 'trane' on the Hub; "
        "it has train, validation, test",
    }


REVISIONS = """
from dataclasses import replace
hub.prepare([TINY], [SST2])
note("model", model, revision=TINY_COMMIT)
note("train", rows, replace(SST2, revision=GLUE_COMMIT), "train")
note("other", rows, replace(SST2, revision="f" * 40), "train")
"""


def test_a_commit_can_be_asked_for_by_its_digits_offline_too(first: Any, hub: FakeHub) -> None:
    home, said, tiny, glue, _ = first
    code = f"TINY_COMMIT, GLUE_COMMIT = {tiny!r}, {glue!r}" + REVISIONS
    online, offline = ask(code, hub.url, home), ask(code, hub.url, home, HF_HUB_OFFLINE="1")
    assert online["model"] == offline["model"] == said["model"]
    assert online["train"] == offline["train"] == said["train"]
    assert online["other"].startswith("HubError: dataset 'nyu-mll/glue' (sst2) has no revision 'ffff")
    assert "is not" in offline["other"]


STALL = 'fetch.WAIT = 0.5\nhub.prepare([TINY], [SST2])\nnote("model", model)'


def test_a_hub_that_falls_mute_after_its_first_answer_is_not_waited_for(tmp_path: Path, hub: FakeHub) -> None:
    hub.fault("/api/models/org/tiny", "stall", at=60, times=9)
    said = ask(STALL, hub.url, tmp_path)
    assert said["model"].startswith("HubError: model 'org/tiny' could not be fetched: ")
    assert said["model seconds"] < 5


def test_a_run_from_an_empty_cache_is_repeated_offline(root: Path, tmp_path: Path, hub: FakeHub) -> None:
    command = [sys.executable, "-m", "bertkit", "finetune", "sst2", "--model", "org/tiny", "--max-steps", "2"]
    command += ["--out", str(tmp_path / "runs")]
    asked = 0
    for seed, more in (("0", {}), ("1", {"HF_HUB_OFFLINE": "1"})):
        env = environment(hub.url, tmp_path / "home", **more)
        done = subprocess.run(
            [*command, "--seed", seed], env=env, capture_output=True, text=True, timeout=200, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        asked = asked or len(hub.requests)
    assert 0 < asked == len(hub.requests)


@pytest.mark.slow
def test_a_run_resumes_at_the_commits_it_was_started_with_whatever_was_pushed_since(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "hub")
    flags = ["--model", "org/tiny", "--limit", "16", "--max-steps", "6", "--batch-size", "4", "--save-every", "2"]
    runs, early, never, since = (
        ["finetune", "sst2", *flags, "--device", "cpu", "--out", str(tmp_path / name)]
        for name in ("runs", "early", "never", "since")
    )
    with FakeHub(tmp_path / "hub") as hub:

        def bertkit(*commands: list[str], code: str = "pass", returns: int = 0, **more: str) -> list[str]:
            """What each of these commands says, one after the other in a process of their own."""
            env = environment(hub.url, tmp_path / "home", **more)
            code += IN_TURN.format(commands=commands)
            done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=200)
            assert done.returncode == returns, done.stderr
            said = zip(done.stderr.split("\0"), done.stdout.split("\0"), strict=True)
            return [" ".join(error.split()) + printed for error, printed in said]

        bertkit(runs, code=KILLED_AT_UPDATE_5, returns=-signal.SIGKILL)
        bertkit(early, code=KILLED_AT_UPDATE_1, returns=-signal.SIGKILL)
        bertkit(never)
        _push(hub, tmp_path)
        killed, wanted = (next((tmp_path / name).glob("sst2-*")) for name in ("runs", "never"))
        (said,) = bertkit(["resume", str(killed)], HF_HUB_OFFLINE="1")
        assert "resuming after update 4" in said
        _, again, seeds, *_ = bertkit(
            since, runs, [*runs, "--seeds", "2", "--seed", "41"], [*runs, "--seed", "43"], [*since, "--seed", "43"]
        )
        assert "finished before" in again
        assert "different commits" not in seeds
        newer = next((tmp_path / "since").glob("sst2-*-s42-*"))
        for name in ("model/model.safetensors", "predictions.jsonl"):
            assert (killed / name).read_bytes() == (wanted / name).read_bytes() != (newer / name).read_bytes()
        specs = [next(killed.parent.glob(f"sst2-*-s{seed}-*")) / "spec.json" for seed in (41, 42)]
        commits = [json.loads(spec.read_text("utf-8"))["commits"] for spec in specs]
        assert commits[0] == commits[1]
        other = next((tmp_path / "runs").glob("sst2-*-s43-*"))
        other.rename(tmp_path / "aside")
        next((tmp_path / "since").glob("sst2-*-s43-*")).rename(other)
        mixed, _ = bertkit([*runs, "--seeds", "2"], early)
        assert "runs used different Hub commits" in mixed
        model = next((tmp_path / "early").glob("sst2-*")) / "model/model.safetensors"
        assert model.read_bytes() == (wanted / "model/model.safetensors").read_bytes()
        own = {"BERTKIT_CACHE": str(tmp_path / "cache")}  # so that rows are built again
        scored = bertkit(*(["eval", str(one), "--json"] for one in (killed, newer)), **own)
        scores = [json.loads(one)["evaluations"] for one in scored]
        assert scores[0] == json.loads((killed / "result.json").read_text("utf-8"))["evaluations"] != scores[1]


def _push(hub: FakeHub, folder: Path) -> None:
    """Other dev rows, and other weights."""
    name = "sst2/validation-00000-of-00001.parquet"
    rows = Dataset.from_parquet(str(hub.root / "datasets/nyu-mll/glue" / name), cache_dir=str(folder))
    rows.map(lambda row: {"label": 1}).to_parquet(folder / "turned.parquet")
    hub.push("datasets", "nyu-mll/glue", name, (folder / "turned.parquet").read_bytes())
    weights = bytearray((hub.root / "models/org/tiny/model.safetensors").read_bytes())
    weights[-1_000:] = bytes(1_000)
    hub.push("models", "org/tiny", "model.safetensors", bytes(weights))


IN_TURN = """
import sys
from bertkit.cli import main
for place, typed in enumerate({commands!r}):
    if place:
        print(end=chr(0), flush=True)
        print(end=chr(0), file=sys.stderr, flush=True)
    try:
        main(typed)
    except SystemExit as left:
        if left.code:
            raise
"""
KILLED_AT_UPDATE_5 = """
import os
from bertkit.training.update import Updater
from bertkit.training.checkpointer import CheckpointWriter
plain, calls, save = Updater.step, [], CheckpointWriter.save
def keep(self, state):
    save(self, state)
    self.wait()
def move(*given):
    calls.append(given)
    if len(calls) == 5:
        os.kill(os.getpid(), 9)
    return plain(*given)
Updater.step, CheckpointWriter.save = move, keep
pass"""
KILLED_AT_UPDATE_1 = KILLED_AT_UPDATE_5.replace("== 5", "== 1")


def read(features: dict[str, Any], columns: dict[str, list[Any]]) -> list[tuple[int, dict[str, Any]]]:
    """A table's named rows."""
    return list(named_rows(Dataset.from_dict(columns, features=Features(features))))


TAGS = ClassLabel(names=["NOUN", "_", "VERB"])


def test_class_ids_become_names_in_lists_too_and_minus_one_becomes_none() -> None:
    features = {"label": TAGS, "tags": List(TAGS), "nested": List(List(TAGS)), "text": Value("string")}
    columns: dict[str, list[Any]] = {
        "label": [2, -1],
        "tags": [[0, 1], []],
        "nested": [[[0]], None],
        "text": ["x", None],
    }
    assert read(features, columns) == [
        (1, {"label": "VERB", "tags": ["NOUN", "_"], "nested": [["NOUN"]], "text": "x"}),
        (2, {"label": None, "tags": [], "nested": None, "text": None}),
    ]


def test_answers_side_by_side_become_a_list_and_none_is_an_empty_one() -> None:
    features = {"answers": {"text": List(Value("string")), "answer_start": List(Value("int32"))}}
    columns: dict[str, list[Any]] = {
        "answers": [{"text": ["a", "b"], "answer_start": [1, 5]}, {"text": [], "answer_start": []}]
    }
    assert read(features, columns) == [
        (1, {"answers": [{"text": "a", "start": 1}, {"text": "b", "start": 5}]}),
        (2, {"answers": []}),
    ]


def test_lines_of_a_treebank_that_are_no_words_are_left_out_of_every_column() -> None:
    features = {"tokens": List(Value("string")), "upos": List(TAGS), "xpos": List(Value("string"))}
    columns: dict[str, list[Any]] = {
        "tokens": [["vámonos", "vamos", "nos"], ["a", "b"]],
        "upos": [[1, 2, 0], [1, 1]],
        "xpos": [[None, "v", "n"], [None, None]],
    }
    assert read(features, columns) == [
        (1, {"tokens": ["vamos", "nos"], "upos": ["VERB", "NOUN"], "xpos": ["v", "n"]}),
        (2, {"tokens": ["a", "b"], "upos": ["_", "_"], "xpos": [None, None]}),
    ]


@pytest.mark.parametrize("rows", [0, 999, 1000, 1001, 2000])
def test_rows_are_numbered_from_one_across_slices(rows: int) -> None:
    numbered = read({"n": Value("int64")}, {"n": list(range(rows))})
    assert numbered == [(n + 1, {"n": n}) for n in range(rows)]


OFFLINE = """
import sys

def hook(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.sendto")):
        raise AssertionError(f"{event} {arguments}")

sys.addaudithook(hook)
from bertkit.cli import main
main(sys.argv[1:])
"""


def offline_run(*typed: str) -> subprocess.CompletedProcess[str]:
    """`bertkit TYPED --offline` in a process that must not open a connection."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    return subprocess.run(
        [sys.executable, "-c", OFFLINE, *typed, "--offline"], capture_output=True, text=True, env=kept, check=False
    )


def test_offline_a_run_opens_no_socket(tmp_path: Path) -> None:
    model = tiny.make("bert", tmp_path / "bert")
    flags = ["--model", str(model), "--max-steps", "2", "--limit", "8", "--device", "cpu", "--quiet"]
    done = offline_run("finetune", "sst2", "--sample", *flags, "--out", str(tmp_path / "runs"))
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.glob("runs/*/result.json"))


def test_offline_what_is_lacking_is_named_before_anything_is_loaded(tmp_path: Path) -> None:
    done = offline_run("finetune", "sst2", "--model", "org/nowhere", "--out", str(tmp_path / "runs"))
    assert done.returncode == 2
    lacking = "Error: model 'org/nowhere' and dataset 'nyu-mll/glue' (sst2) are not on this machine"
    assert done.stderr.startswith(lacking) and done.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()
