"""A tokenizer that reads the symbols of sequences as tokens of an encoder's vocabulary, by a map (Kao and Lee 2021).

V tokens of the vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bertkit.data.tokens import size_of
from bertkit.errors import RequestError
from bertkit.models.digests import tokenizer_digest
from bertkit.models.load import Loaded
from bertkit.models.vocabularies import BEFORE_A_WORD, pieces_of
from bertkit.spec import TokenMap

UNUSED = ("[unused", "<unused", "madeupword", "<madeupword")
"""How tokens that no text has begin; a model has not learnt them (the paper's README: they must be avoided)."""
SHORTEST = 2
"""Letters of a token that counts as a word."""


def mapped(loaded: Loaded, token_map: TokenMap | None) -> Loaded:
    """The model with the map's tokenizer in place of its own, which its folder is saved with. Raises RequestError.

    The record has the token of each symbol as "token map", and the digest of the new tokenizer.
    """
    if token_map is None:
        return loaded
    ids = ids_of(loaded.tokenizer, token_map)
    tokenizer = reading(loaded.tokenizer, ids, token_map.spaced)
    tokens = loaded.tokenizer.convert_ids_to_tokens(list(ids.values()))
    record = {**loaded.record, "tokenizer": tokenizer_digest(tokenizer)}
    record["token map"] = dict(zip(ids, tokens, strict=True))
    return replace(loaded, tokenizer=tokenizer, record=record)


def ids_of(tokenizer: Any, token_map: TokenMap) -> dict[str, int]:
    """The token id of each symbol, all different; for random maps it follows from the map's seed and symbols alone.

    random    the k-th symbol, sorted, gets the k-th of all whole words in an order drawn from the seed
    identity  the symbol's own token: that of a text which holds nothing else
    shift     the token so many places after the symbol's own, among all but special and unused ones, in a circle

    The paper permutes all ids, and draws with another generator than the one it seeds; its table is not this one.
    Raises RequestError where there are fewer words than symbols, or a symbol has no token of its own.
    """
    symbols = token_map.symbols
    if token_map.kind == "random":
        words = np.array(whole_words(tokenizer), np.int64)
        _check_enough(len(words), symbols, "the vocabulary has {:,} whole words")
        drawn = np.random.default_rng(token_map.seed).permutation(len(words))[: len(symbols)]
        return {symbol: int(one) for symbol, one in zip(symbols, words[drawn], strict=True)}
    names = names_of(tokenizer)
    own = {symbol: _own(tokenizer, symbol, names, token_map.kind) for symbol in symbols}
    _check_enough(len(set(own.values())), symbols, f"--map {token_map.kind} has {{:,}} tokens for them")
    if token_map.kind == "identity":
        return own
    usable = [k for k, name in enumerate(names) if name]
    places = {number: place for place, number in enumerate(usable)}
    return {symbol: usable[(places[one] + token_map.by) % len(usable)] for symbol, one in own.items()}


def whole_words(tokenizer: Any) -> list[int]:
    """The ids of tokens that are whole words of two letters or more, in ascending order."""
    continues = pieces_of(tokenizer).continues
    signs = tuple(sign for several in BEFORE_A_WORD.values() for sign in several)
    bare = [name[1:] if name.startswith(signs) else name for name in names_of(tokenizer)]
    return [k for k, name in enumerate(bare) if len(name) >= SHORTEST and name.isalpha() and not continues[k]]


def names_of(tokenizer: Any) -> list[str]:
    """The V tokens by id; "" for special, added and unused ones."""
    names = tokenizer.convert_ids_to_tokens(range(size_of(tokenizer.backend_tokenizer)))
    kept = _kept(tokenizer)
    return ["" if not name or k in kept or name.startswith(UNUSED) else name for k, name in enumerate(names)]


def reading(tokenizer: Any, ids: dict[str, int], spaced: bool) -> Any:
    """A tokenizer that reads each symbol as its id, and any other as unknown, with special tokens as `tokenizer` has.

    Its vocabulary has V entries, so that it fits the model: those that are no symbol's have names that no text holds.
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    if tokenizer.unk_token is None:
        raise RequestError("the model's tokenizer has no unknown token, which symbols need that are in no train row")
    kept, symbols = _kept(tokenizer), {number: symbol for symbol, number in ids.items()}
    size = size_of(tokenizer.backend_tokenizer)
    names = [symbols.get(k) or kept.get(k) or f"[no symbol {k}]" for k in range(size)]
    backend = Tokenizer.from_str(_plain(tokenizer.backend_tokenizer))
    backend.model = models.WordLevel({name: k for k, name in enumerate(names)}, unk_token=tokenizer.unk_token)
    letters = [] if spaced else [pre_tokenizers.Split(Regex("."), behavior="isolated")]
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), *letters])
    roles = {role: name for role, name in tokenizer.special_tokens_map.items() if isinstance(name, str)}
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=tokenizer.model_max_length,
        model_input_names=tokenizer.model_input_names,
        **roles,
    )


def _plain(backend: Any) -> str:
    """The tokenizer as JSON without a normalizer: symbols are read as they are."""
    return json.dumps({**json.loads(backend.to_str()), "normalizer": None})


def _kept(tokenizer: Any) -> dict[int, str]:
    """The special and added tokens, by id."""
    added = {int(number): token.content for number, token in tokenizer.added_tokens_decoder.items()}
    special = zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True)
    return {**added, **{int(number): str(name) for number, name in special}}


def _own(tokenizer: Any, symbol: str, names: Sequence[str], kind: str) -> int:
    """The id of the symbol's own token; a sign for a space before it is left out. Raises RequestError if it has none.

    names  those of `names_of`
    """
    ids = tokenizer(symbol, add_special_tokens=False)["input_ids"]
    found = [one for one in ids if names[one] not in BEFORE_A_WORD]
    if len(found) != 1 or not names[found[0]]:
        raise RequestError(f"--map {kind}: the symbol {symbol!r} has no token of its own; take --map random")
    return int(found[0])


def _check_enough(words: int, symbols: Sequence[str], there: str) -> None:
    if words < len(symbols):
        raise RequestError(
            f"{len(symbols):,} symbols, and {there.format(words)}: a map needs as many words as symbols; "
            "are the rows sequences of symbols?"
        )
