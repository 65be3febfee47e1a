"""`bertkit.analyse`: look into an encoder, from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from bertkit.cli.analyse import analysis_named
from bertkit.cli.analyse_alignment import alignment
from bertkit.cli.analyse_cbow import CbowFound, cbow
from bertkit.cli.analyse_landscape import landscape
from bertkit.cli.analyse_language_vector import language_vector
from bertkit.cli.analyse_probes import probes
from bertkit.cli.analyse_word import WordFound, word
from bertkit.errors import RequestError
from bertkit.request.alignment_flags import AlignmentOptions
from bertkit.request.keywords import Target, checked
from bertkit.request.landscape_flags import LandscapeOptions
from bertkit.request.language_vector_flags import LanguageVectorOptions
from bertkit.request.probe_flags import ProbeOptions
from bertkit.request.sense_flags import CbowOptions, WordOptions

if TYPE_CHECKING:
    from bertkit.analysis.landscape import Landscape
    from bertkit.reports.alignment import Alignment
    from bertkit.reports.language_vector import LanguageVector
    from bertkit.reports.probes import Probes

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "word": word,
    "cbow": cbow,
    "alignment": alignment,
    "language-vector": language_vector,
    "probes": probes,
    "landscape": landscape,
}


@overload
def analyse(
    what: Literal["word"],
    model: Target,
    word: str | None = None,
    /,
    *,
    progress: bool = False,
    **options: Unpack[WordOptions],
) -> WordFound: ...
@overload
def analyse(
    what: Literal["cbow"],
    corpus: Target | Iterable[Target],
    /,
    *,
    progress: bool = False,
    **options: Unpack[CbowOptions],
) -> CbowFound: ...
@overload
def analyse(
    what: Literal["alignment"], model: Target, /, *, progress: bool = False, **options: Unpack[AlignmentOptions]
) -> Alignment: ...
@overload
def analyse(
    what: Literal["language-vector"],
    model: Target,
    /,
    *,
    progress: bool = False,
    **options: Unpack[LanguageVectorOptions],
) -> LanguageVector: ...
@overload
def analyse(
    what: Literal["probes"], model: Target, /, *, progress: bool = False, **options: Unpack[ProbeOptions]
) -> Probes: ...
@overload
def analyse(
    what: Literal["landscape"], /, *runs: Target, progress: bool = False, **options: Unpack[LandscapeOptions]
) -> Landscape: ...
@overload
def analyse(what: str, /, *arguments: Any, progress: bool = False, **options: Any) -> Any: ...
def analyse(what: str, /, *arguments: Any, progress: bool = False, **options: Any) -> Any:
    """Look into an encoder: `bertkit analyse WHAT`. Raises BertkitError.

    Returns what was found, and writes it with its figures below `out`, as the command does.

    word             a `model`, and a `word` with its `sentences`, or a `set`
    cbow             a `corpus`: files or folders of text
    alignment        a `model`, and sentences (`parallel`), or words (`dictionary`) and their texts (`text`)
    language-vector  a `model`, its languages (`source`, `target`), and `parallel` sentences or a `text` of each
    probes           a `model`, and a `task` of words or of texts
    landscape        finished `runs` of one task, pretrained and scratch
    """
    function = FUNCTIONS[analysis_named(checked("what", str, what))]
    try:
        signature(function).bind(*arguments, progress=progress, **options)
    except TypeError as error:
        raise RequestError(f"analyse {what}: {error}") from error
    return function(*arguments, progress=progress, **options)
