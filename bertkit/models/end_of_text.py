"""The end-of-text token, where a model has no other special one (GPT-2): it pads batches, and parts two texts."""

from __future__ import annotations

from typing import Any


def use_end_of_text(tokenizer: Any, config: Any) -> None:
    """Make it the padding token where there is none, and put it between two texts where nothing is.

    Heads on GPT-2 answer at the last token that is no padding, which they know by `config.pad_token_id`. Between two
    texts Radford et al. 2018 (section 3.3) have a token of its own. Tokenizers with special tokens stay as they are.
    """
    if tokenizer.eos_token_id is not None:
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        if tokenizer.num_special_tokens_to_add(pair=True) == 0:
            _part_texts(tokenizer)
    if config.pad_token_id is None:
        config.pad_token_id = tokenizer.pad_token_id


def _part_texts(tokenizer: Any) -> None:
    from tokenizers.processors import Sequence, TemplateProcessing

    end, backend = tokenizer.eos_token, tokenizer.backend_tokenizer
    parted = TemplateProcessing(
        single="$A:0", pair=f"$A:0 {end}:0 $B:0", special_tokens=[(end, tokenizer.eos_token_id)]
    )
    before = backend.post_processor  # GPT-2's own keeps spaces out of offsets
    backend.post_processor = parted if before is None else Sequence([before, parted])
