"""Heat maps and lines by layer: what is drawn, and characters that no font has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bertkit.plots import glyphs
from bertkit.plots.by_layer import LayerLine, LayerPanel, draw_by_layer
from bertkit.plots.similarity import SimilarityPanel, draw_similarity

TABLE = np.array([[1, 0.9, 0.2], [0.9, 1, 0.3], [0.2, 0.3, 1]])


@pytest.fixture
def no_cjk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_cjk_font", lambda: None)


def text_of(svg: Path) -> str:
    """A figure as SVG, which has each of its texts in a comment."""
    return svg.read_text("utf-8")


def test_a_heat_map_has_its_labels_and_groups_and_is_the_same_bytes_again(tmp_path: Path) -> None:
    panels = [SimilarityPanel(title="layer 0", values=TABLE), SimilarityPanel(title="layer $1$", values=TABLE)]
    for name in ("a", "b"):
        files = (tmp_path / f"{name}.png", tmp_path / f"{name}.svg")
        assert draw_similarity(panels, ["one", "two", "three " * 9], ["x", "x", "y"], "it's $5", files) is None
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    drawn = text_of(tmp_path / "a.svg")
    texts = ("one", "three three three three…", "y", "it's $5")
    assert [f"<!-- {text} -->" in drawn for text in texts] == [True] * 4


def test_characters_that_no_font_has_are_codes_in_titles_and_numbers_in_labels(no_cjk: None, tmp_path: Path) -> None:
    panel, files = SimilarityPanel(title="layer 0", values=TABLE), (tmp_path / "a.png", tmp_path / "a.svg")
    note = draw_similarity([panel], ["吃苹果", "two", "果"], None, "果", files)
    drawn = text_of(tmp_path / "a.svg")
    assert [f"<!-- {text} -->" in drawn for text in ("item 1", "two", "item 3", "\\u679c")] == [True] * 4
    assert note is not None
    assert note.startswith("no font on this machine has 吃 果 苹: figures show codes or numbers")


def test_a_font_that_was_installed_after_matplotlib_listed_its_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import font_manager

    own = font_manager.findfont(glyphs.OWN)
    monkeypatch.setattr(glyphs, "CJK", (glyphs.OWN,))
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [own, __file__])
    found = glyphs._cjk_font.__wrapped__()
    assert found is not None
    assert found[0] == glyphs.OWN and ord("é") in found[1]


def test_a_font_that_has_them_is_fallen_back_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    monkeypatch.setattr(glyphs, "_cjk_font", lambda: ("Noto Sans CJK SC", frozenset(map(ord, "果"))))
    with matplotlib.rc_context():
        assert glyphs.with_glyphs(["果", "é"]) == (["果", "é"], None)
        assert matplotlib.rcParams["font.family"] == ["DejaVu Sans", "Noto Sans CJK SC"]
        assert glyphs.with_glyphs(["果苹"])[0] == ["果\\u82f9"]


def test_lines_by_layer_are_drawn_with_levels_and_bands(tmp_path: Path) -> None:
    line = LayerLine(label="raw", values=(0.2, 0.5), low=(0.1, 0.4), high=(0.3, 0.6), marked=(False, True))
    panel = LayerPanel(title="right", unit="% of rows", lines=(line,), levels=(("chance", 0.5),), percent=True)
    draw_by_layer([panel, panel], "by layer", (tmp_path / "a.png", tmp_path / "a.svg"))
    drawn = text_of(tmp_path / "a.svg")
    assert [f"<!-- {text} -->" in drawn for text in ("raw", "chance", "% of rows", "by layer")] == [True] * 4
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
