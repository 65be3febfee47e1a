"""`bertkit.analyse`: look into an encoder, from Python."""

from __future__ import annotations

from typing import Any

from bertkit.cli.analyse import analysis_named
from bertkit.request.keywords import checked


def analyse(what: str, *arguments: Any, progress: bool = False, **options: Any) -> Any:
    """Look into an encoder: `bertkit analyse WHAT`. Raises BertkitError.

    Returns what was found, and writes it below `out`, as the command does.
    """
    return analysis_named(checked("what", str, what)).function(*arguments, progress=progress, **options)
