"""The special tokens of each architecture, and how they stand around texts, as in transformers' tokenizers. Light."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bertkit.objectives.base import Architecture
from bertkit.pretraining import VocabularyKind

SENTINELS = 100
"""How many sentinels T5's vocabulary has."""


@dataclass(frozen=True, kw_only=True)
class SpecialTokens:
    """The special tokens of a vocabulary.

    roles   the token of each role ("pad_token", ...), in the order of the tokens' ids
    single  a text with the tokens around it, for tokenizers' TemplateProcessing
    pair    two texts with the tokens around them
    inputs  what a model of this architecture reads
    """

    roles: dict[str, str]
    single: str
    pair: str
    inputs: tuple[str, ...] = ("input_ids", "attention_mask")

    @property
    def names(self) -> list[str]:
        """Each token once, by its id."""
        return list(dict.fromkeys(self.roles.values()))

    @property
    def unknown(self) -> str:
        """The token that stands for what has no token."""
        return self.roles["unk_token"]


_ONE, _TWO = "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"
_ROBERTA = SpecialTokens(
    roles={
        "bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>",
        "cls_token": "<s>", "sep_token": "</s>",
    },
    single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
)  # fmt: skip
SPECIAL_TOKENS: dict[Architecture, SpecialTokens] = {
    "bert": SpecialTokens(
        roles={
            "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
            "mask_token": "[MASK]",
        },
        inputs=("input_ids", "token_type_ids", "attention_mask"),
        single=_ONE, pair=_TWO,
    ),
    "roberta": _ROBERTA,
    "albert": SpecialTokens(
        roles={
            "pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "[CLS]", "sep_token": "[SEP]",
            "mask_token": "[MASK]", "bos_token": "[CLS]", "eos_token": "[SEP]",
        },
        inputs=("input_ids", "token_type_ids", "attention_mask"),
        single=_ONE, pair=_TWO,
    ),
    "modernbert": SpecialTokens(
        roles={
            "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]",
            "mask_token": "[MASK]",
        },
        single=_ONE, pair=_TWO,
    ),
    "gpt2": SpecialTokens(
        roles={
            "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
            "unk_token": "<unk>",
        },
        single="$A", pair="$A $B",
    ),
    "bart": _ROBERTA,
    "t5": SpecialTokens(
        roles={"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"},
        single="$A </s>", pair="$A </s> $B </s>",
    ),
}  # fmt: skip


def special_tokens(architecture: Architecture, kind: VocabularyKind) -> SpecialTokens:
    """Those of an architecture: GPT-2, which knows all bytes, has none for the unknown, which other kinds need."""
    special = SPECIAL_TOKENS[architecture]
    if architecture == "gpt2" and kind == "bpe":
        return replace(special, roles={**special.roles, "unk_token": special.roles["eos_token"]})
    return special


def sentinels_of(architecture: Architecture, size: int) -> list[str]:
    """T5's sentinels, by their ids: the last is <extra_id_0>. An eighth of a small vocabulary; none for the others."""
    count = min(SENTINELS, size // 8) if architecture == "t5" else 0
    return [f"<extra_id_{number}>" for number in reversed(range(count))]
