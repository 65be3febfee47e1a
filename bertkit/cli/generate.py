"""The command `bertkit generate MODEL [TEXT ...]`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import screen, text_answers
from bertkit.cli.options import Display
from bertkit.deploy.language_models import FoundModel, find_language_model
from bertkit.deploy.texts import Answerer, check_given
from bertkit.request.text_flags import GenerateFlags

if TYPE_CHECKING:
    from bertkit.deploy.generate import Generated


def generate(
    model: Annotated[str, typer.Argument(help="A Hub id, a folder, or a run.")],
    flags: GenerateFlags,
    display: Display,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...",
            help=r"The beginning of a text; for BART and T5 a text with blanks (\[MASK], <mask> or ___) or errors.",
        ),
    ] = None,
) -> None:
    """Continue texts with a causal model (GPT-2), or repair them with an encoder and decoder (BART, T5)."""
    flags.check()
    check_given(texts or (), flags.file)
    found = find_language_model(model, flags.revision, ("causal", "seq2seq"))
    load = partial(_loaded, found, flags)
    if flags.file is None:
        text_answers.answer_typed(texts or (), None, load, _print, display)
    else:
        text_answers.answer_file(flags, None, load, display)


def _loaded(found: FoundModel, flags: GenerateFlags) -> Answerer:
    from bertkit.deploy.generate import Generator

    return Generator(found, flags)


def _print(generated: Generated, number: str) -> None:
    """Print the generated texts, a continuation behind the text in bold."""
    from rich.text import Text

    several = len(generated.generated) > 1
    for place, text in enumerate(generated.generated, 1):
        name = f"{number.strip()}.{place}".lstrip(".") if several else number.strip()
        said = generated.text if text.startswith(generated.text) else ""
        new = text.removeprefix(said) or ("" if said else "(no text)")
        parts = (text_answers.printable(said), (text_answers.printable(new), "bold"))
        line = Text.assemble(f"{name}  " if name else "", *parts)
        screen.console().print(line, soft_wrap=True)
