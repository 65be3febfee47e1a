"""Fonts that have the characters of a figure's labels, such as Chinese ones; matplotlib's own has none of those."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any

CJK = ("Noto Sans CJK", "Noto Sans SC", "Source Han Sans", "WenQuanYi", "Droid Sans Fallback", "PingFang", "Hiragino",
       "Microsoft YaHei", "SimHei", "SimSun", "Noto Serif CJK", "AR PL", "Arial Unicode MS", "Unifont")  # fmt: skip
"""How the names of fonts begin that have Chinese and Japanese characters."""
OWN = "DejaVu Sans"
MISSING = "no font on this machine has {}: figures show codes or numbers in their place (install Noto Sans CJK)"


@cache
def _own_characters() -> frozenset[int]:
    """The characters of matplotlib's own font."""
    from matplotlib import font_manager, ft2font

    return frozenset(ft2font.FT2Font(font_manager.findfont(OWN)).get_charmap())


@cache
def _cjk_font() -> tuple[str, frozenset[int]] | None:
    """The first font of CJK that is installed, and its characters."""
    from matplotlib import ft2font

    found = _named_in_cjk()
    if found is None:
        _add_new_fonts()
        found = _named_in_cjk()
    return (found[0], frozenset(ft2font.FT2Font(found[1]).get_charmap())) if found else None


def _named_in_cjk() -> tuple[str, str] | None:
    """The name and the file of the first font of CJK that matplotlib knows."""
    from matplotlib import font_manager

    there = {font.name: font.fname for font in font_manager.fontManager.ttflist if Path(font.fname).is_file()}
    return next(((name, there[name]) for start in CJK for name in sorted(there) if name.startswith(start)), None)


def _add_new_fonts() -> None:
    """Let matplotlib know fonts that were installed after it last listed them, which it never looks for again."""
    from matplotlib import font_manager

    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in known:
            with suppress(OSError, RuntimeError):  # not a font that matplotlib reads
                font_manager.fontManager.addfont(path)


def with_glyphs(texts: Iterable[str]) -> tuple[list[str], str | None]:
    """Texts that can be drawn, and what the user is told: None, or which characters no font here has.

    matplotlib falls back on a font with Chinese and Japanese characters if one is installed; a character that none has
    stands as its code, such as \\u679c, so that nothing is drawn as an empty box.
    """
    import matplotlib

    given = list(texts)
    lacking = sorted({char for text in given for char in text if ord(char) not in _own_characters()} - {"\n"})
    if not lacking:
        return given, None
    font = _cjk_font()
    if font is not None:
        matplotlib.rcParams["font.family"] = [OWN, font[0]]
        getLogger("matplotlib.font_manager").setLevel(ERROR)  # it warns of a weight that the font calls otherwise
        lacking = [char for char in lacking if ord(char) not in font[1]]
    table = str.maketrans({char: _code(char) for char in lacking})
    return [text.translate(table) for text in given], MISSING.format(" ".join(lacking[:8])) if lacking else None


def _code(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def drawable(text: str) -> str:
    """`with_glyphs` of one text, nothing told."""
    return with_glyphs([text])[0][0]


def plain_text(axes: Any) -> None:
    """Leave dollar signs in tick labels as they are: labels are sentences, and no formulas."""
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)
