"""Tiny encoders with random weights, a folder for each family, and rows for each head.

Each has a tokenizer of its family's real kind (WordPiece, byte-level BPE, Unigram), trained on the shipped
sample, and weights large enough that what a model sees shows in its logits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate import Accelerator
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers import models as parts
from tokenizers.processors import TemplateProcessing

from bertkit.data.sampler import Indices
from bertkit.encoders import Encoder
from bertkit.evaluation import inference
from bertkit.heads import Classification, Head, MultipleChoice, Number, Span, Tagging, Window
from bertkit.heads.features import Features, Ragged
from bertkit.machine.devices import accelerator as make_accelerator
from bertkit.models.layout import choose_layout
from bertkit.models.load import Loaded
from bertkit.models.task_model import TaskModel
from bertkit.progress import Progress
from bertkit.spec import Layout
from bertkit.task import Recipe
from bertkit.training.train import Session, train

CPU = torch.device("cpu")
SAMPLES = Path(__file__).parent.parent / "tasks" / "samples"
VOCABULARY = 600
POSITIONS = 160
BERT_NAMES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_NAMES = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
DEBERTA_NAMES = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
ALBERT_NAMES = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
MODERN_NAMES = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
DISTIL = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
OFFSET = {"max_position_embeddings": POSITIONS + 2, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
RELATIVE = {
    "relative_attention": True,
    "position_biased_input": False,
    "pos_att_type": ["p2c", "c2p"],
    "position_buckets": 16,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "type_vocab_size": 0,
}
CONVOLUTION = {"conv_kernel_size": 3, "conv_act": "gelu"}
MODERN = {"pad_token_id": 3, "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2}
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", SHAPE),
    "electra": ("electra", {**SHAPE, "embedding_size": 16}),
    "distilbert": ("distilbert", DISTIL),
    "mpnet": ("mpnet", {**SHAPE, **OFFSET}),
    "roberta": ("roberta", {**SHAPE, **OFFSET, "type_vocab_size": 1}),
    "xlm-roberta": ("xlm-roberta", {**SHAPE, **OFFSET, "type_vocab_size": 1}),
    "albert": ("albert", {**SHAPE, "embedding_size": 16, "pad_token_id": 0}),
    "deberta-v2": ("deberta-v2", {**SHAPE, **RELATIVE, **CONVOLUTION}),
    "deberta-v3": ("deberta-v2", {**SHAPE, **RELATIVE}),
    "modernbert": ("modernbert", {**SHAPE, **MODERN, "local_attention": 16, "global_attn_every_n_layers": 2}),
}
FAMILIES = tuple(CONFIGS)


def make(family: str, folder: Path, **settings: Any) -> Path:
    """`folder`, holding a tiny body of `family` and its tokenizer; `settings` are the config's."""
    kind, shape = CONFIGS[family]
    tokenizer = tokenizer_of(family)
    fixed = {"vocab_size": len(tokenizer), "max_position_embeddings": POSITIONS, "initializer_range": 0.1}
    config = transformers.AutoConfig.for_model(kind, **{**fixed, **shape, **settings})
    transformers.set_seed(1)
    transformers.AutoModel.from_config(config, dtype=torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def encoder(folder: Path) -> Encoder:
    """The folder as bertkit names it."""
    return Encoder(name=folder.name, place=str(folder), kind="folder")


@cache
def texts() -> tuple[str, ...]:
    """The sentences of a few shipped samples."""
    lines = (SAMPLES / "sst2" / "train.jsonl").read_text("utf-8").splitlines()
    treebank = (SAMPLES / "ud_en_ewt" / "en_ewt-ud-train.conllu").read_text("utf-8").splitlines()
    said = [line.removeprefix("# text = ") for line in treebank if line.startswith("# text = ")]
    return (*(json.loads(line)["sentence"] for line in lines), *said)


def tokenizer_of(family: str) -> Any:
    """A tokenizer of the family's own class, trained on the sample."""
    if family in ("bert", "electra", "distilbert"):
        return transformers.BertTokenizer(vocab=_wordpiece(BERT_NAMES))
    if family == "mpnet":
        return transformers.MPNetTokenizer(vocab=_wordpiece([*ROBERTA_NAMES, "[UNK]"]))
    if family == "roberta":
        return transformers.RobertaTokenizer(**_bytes(ROBERTA_NAMES))
    if family == "xlm-roberta":
        return transformers.XLMRobertaTokenizer(vocab=_unigram(ROBERTA_NAMES, "<unk>"))
    if family == "albert":
        return transformers.AlbertTokenizer(vocab=_unigram(ALBERT_NAMES, "<unk>", lower=True))
    if family == "modernbert":
        return _modern()
    return transformers.DebertaV2Tokenizer(vocab=_unigram(DEBERTA_NAMES, "[UNK]"), unk_id=3)


def _wordpiece(names: list[str]) -> dict[str, int]:
    tokenizer = Tokenizer(parts.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    _learn(tokenizer, trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=names, show_progress=False))
    return dict(tokenizer.get_vocab())


def _bytes(names: list[str]) -> dict[str, Any]:
    tokenizer = Tokenizer(parts.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=names, initial_alphabet=alphabet, show_progress=False
    )
    _learn(tokenizer, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return {"vocab": model["vocab"], "merges": [tuple(pair) for pair in model["merges"]]}


def _unigram(names: list[str], unknown: str, lower: bool = False) -> list[tuple[str, float]]:
    tokenizer = Tokenizer(parts.Unigram())
    tokenizer.normalizer = normalizers.Lowercase() if lower else normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=VOCABULARY, special_tokens=names, unk_token=unknown, show_progress=False
    )
    _learn(tokenizer, trainer)
    return [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]


def _modern() -> Any:
    """ModernBERT's tokenizer has no class of its own: byte-level BPE with BERT's special tokens."""
    tokenizer = Tokenizer(parts.BPE(**_bytes(MODERN_NAMES)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{name.strip('[]').lower()}_token": name for name in MODERN_NAMES},
    )


def _learn(tokenizer: Tokenizer, trainer: Any) -> None:
    tokenizer.train_from_iterator(texts(), trainer)


REVIEWS = (
    ("The staff were polite.", "positive"),
    ("The food was inedible, and nobody cared about us at all.", "negative"),
    ("We had booked two nights and stayed for five, which says it all about this house by the sea.", "positive"),
    ("A long and dull film.", "negative"),
    ("The orchestra played as if their lives depended on it.", "positive"),
    ("He writes about love as though filling in a form.", "negative"),
    ("Worth every minute.", "positive"),
    ("There is nobody inside them worth caring about, and the costumes are not gorgeous.", "negative"),
)
SENTENCES = (
    ("The staff were polite", "DET NOUN AUX ADJ"),
    ("We stayed for five nights", "PRON VERB ADP NUM NOUN"),
    ("The orchestra played as if their lives depended on it", "DET NOUN VERB SCONJ SCONJ DET NOUN VERB ADP PRON"),
    ("He writes about love", "PRON VERB ADP NOUN"),
    ("Nobody dared", "PRON VERB"),
    ("A long film", "DET ADJ NOUN"),
)
QUESTIONS = (
    ("Who wrote the letter?", "Anna wrote the letter in May.", "Anna"),
    ("When was the bridge built?", "The stone bridge over the river was built in 1820 by two brothers.", "1820"),
    ("Where do they live?", "They live in a small town by the sea, where they keep a shop.", "by the sea"),
    ("What did he sell?", "He sold old books.", "old books"),
)
CHOICES = (
    ("The staff were polite.", "What was the cause?", ("They liked the guests.", "It rained."), "0"),
    ("A long and dull film.", "What happened?", ("We stayed.", "We left before its end.", "They slept, and so did we.",
                                                 "He sold it."), "1"),
    ("", "Who wrote the letter?", ("Anna", "a bridge", "the baker of a small town by the sea"), "0"),
    ("We had booked two nights and stayed for five, which says it all.", "Why?", ("The sea.", "The bill."), "0"),
    ("Nobody dared.", "What is it about?", ("courage", "soup"), "0"),
)  # fmt: skip
SIGNS = Classification(labels=("negative", "positive"))
NUMBER = Classification(labels=Number(low=0, high=5))
TAGS = Tagging(labels=("ADJ", "ADP", "AUX", "DET", "NOUN", "NUM", "PRON", "SCONJ", "VERB"))
SPAN = Span()
CHOICE = MultipleChoice(question=True)
HEADS: dict[str, Head] = {
    "classification": SIGNS, "tagging": TAGS, "span": SPAN, "regression": NUMBER, "choice": CHOICE
}  # fmt: skip
WINDOW = Window(max_length=128, doc_stride=16)


def rows(kind: str) -> dict[str, list[Any]]:
    """A few rows for the head called `kind`, as columns."""
    if kind == "classification":
        return {"text": [text for text, _ in REVIEWS], "label": [label for _, label in REVIEWS]}
    if kind == "regression":
        return {"text": [text for text, _ in REVIEWS], "label": [float(i % 6) for i in range(len(REVIEWS))]}
    if kind == "tagging":
        words, tags = ([line.split() for line in column] for column in zip(*SENTENCES, strict=True))
        return {"words": words, "tags": tags}
    if kind == "choice":
        parts = zip(*CHOICES, strict=True)
        return {name: list(part) for name, part in zip(("text", "question", "choices", "label"), parts, strict=True)}
    answers = [[{"text": text, "start": context.index(text)}] for _, context, text in QUESTIONS]
    questions, contexts, _ = zip(*QUESTIONS, strict=True)
    return {"question": list(questions), "context": list(contexts), "answers": answers}


def accelerator() -> Accelerator:
    """One process on the CPU, in fp32."""
    return make_accelerator("cpu", "fp32")


def encode(kind: str, loaded: Loaded, which: slice = slice(None)) -> Features:
    """The features of the rows of the head called `kind`, or of `which` of them."""
    picked = {name: column[which] for name, column in rows(kind).items()}
    return HEADS[kind].encode(picked, loaded.tokenizer, WINDOW)


def model_of(kind: str, loaded: Loaded, layout: Layout = "auto", recipe: Recipe | None = None) -> TaskModel:
    """A loaded encoder under the head called `kind`, ready to train and to predict on the CPU."""
    how = choose_layout(loaded.model, layout, recipe or Recipe(), CPU)
    return TaskModel(loaded=loaded, head=HEADS[kind], window=WINDOW, layout=how, accelerator=accelerator())


class _Same:
    """Features that are the same in every epoch."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def __len__(self) -> int:
        return len(self._features)

    def take(self, features: Indices, epoch: int) -> Features:
        return self._features.take(features)

    def lengths_of(self, features: Indices) -> Indices:
        return self._features.lengths_of(features)


def train_in_place(model: TaskModel, features: Features, recipe: Recipe, seed: int = 1) -> list[dict[str, Any]]:
    """Train a model; the log."""
    log: list[dict[str, Any]] = []
    train(model, _Same(features), recipe, Session(log=log.append, progress=Progress(), seed=seed))
    return log


def predict(kind: str, loaded: Loaded, features: Features, layout: Layout = "auto") -> Ragged:
    """The logits that `bertkit.evaluation` gets."""
    return inference.predict(model_of(kind, loaded, layout), features, Progress())


def write_reviews(folder: Path, train: Iterable[tuple[str, str]], dev: Iterable[tuple[str, str]]) -> Path:
    """`folder`, holding rows that `bertkit finetune sst2 --data` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, split in (("train", train), ("dev", dev)):
        lines = [json.dumps({"sentence": text, "label": label}) + "\n" for text, label in split]
        (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
    return folder


def write_treebank(folder: Path, train: Iterable[tuple[str, str]], dev: Iterable[tuple[str, str]]) -> Path:
    """`folder`, holding sentences that `bertkit finetune ud --data` reads; words and tags are split at spaces."""
    for name, split in (("train", train), ("dev", dev)):
        sentences = []
        for words, tags in split:
            pairs = enumerate(zip(words.split(), tags.split(), strict=True), 1)
            sentences.append("".join(f"{i}\t{word}\t_\t{tag}" + "\t_" * 6 + "\n" for i, (word, tag) in pairs))
        (folder / f"tiny-ud-{name}.conllu").write_text("\n".join(sentences) + "\n", "utf-8")
    return folder
