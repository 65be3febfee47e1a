"""Fill blanks, generate and corrupt text from Python: `bertkit.fill`, `generate` and `corrupt`. Light at import."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Unpack

from bertkit.deploy.blanks import check_blank
from bertkit.deploy.language_models import find_language_model
from bertkit.deploy.texts import answers, check_texts, listed_texts
from bertkit.request.corrupt_flags import CorruptFlags, CorruptOptions
from bertkit.request.keywords import Given, Target, checked, named
from bertkit.request.text_flags import FillFlags, FillOptions, GenerateFlags, GenerateOptions

if TYPE_CHECKING:
    from bertkit.deploy.corrupt import Corrupted
    from bertkit.deploy.fill import Filled
    from bertkit.deploy.generate import Generated


def fill(model: Target, texts: Iterable[str], **options: Unpack[FillOptions]) -> list[Filled]:
    """Fill the blanks of each text ([MASK], <mask> or ___) with a masked language model: `bertkit fill`.

    `model` is a Hub id, a folder, or a run. Raises BertkitError.
    """
    flags = Given("fill", options, (FillFlags,)).flags(FillFlags)
    flags.check()
    listed, names = listed_texts("fill", texts)
    found = find_language_model(named("model", model), flags.revision, ("masked",))
    check_texts(listed, names, partial(check_blank, mask=found.mask))
    from bertkit.deploy.fill import Filler

    return answers(Filler(found, flags.top_k, flags.device, flags.precision), listed, names)


def generate(model: Target, texts: Iterable[str], **options: Unpack[GenerateOptions]) -> list[Generated]:
    """Continue each text with a causal model, or repair it with BART or T5: `bertkit generate`.

    `model` is a Hub id, a folder, or a run. Raises BertkitError.
    """
    flags = Given("generate", options, (GenerateFlags,)).flags(GenerateFlags)
    flags.check()
    listed, names = listed_texts("generate", texts)
    found = find_language_model(named("model", model), flags.revision, ("causal", "seq2seq"))
    check_texts(listed, names)
    from bertkit.deploy.generate import Generator

    return answers(Generator(found, flags), listed, names)


def corrupt(text: str, **options: Unpack[CorruptOptions]) -> list[Corrupted]:
    """A text before and after noise, and what a model is trained to give, for each of `times` draws: `bertkit corrupt`.

    Raises BertkitError.
    """
    flags = Given("corrupt", options, (CorruptFlags,)).flags(CorruptFlags)
    checked("text", str, text)
    from bertkit.deploy.corrupt import corrupt as corrupted

    return corrupted(text, flags)
