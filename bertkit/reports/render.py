"""Fill a template: one HTML text that asks for nothing when it is opened, with every value escaped."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@cache
def environment() -> Environment:
    """The templates, with autoescape on."""
    made = Environment(
        loader=PackageLoader("bertkit.reports"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=False,
    )
    made.filters["pct"] = percent
    made.filters["signed"] = signed
    return made


def percent(value: float) -> str:
    """A fraction times 100, with one decimal and a real minus sign."""
    return f"{100 * value:.1f}".replace("-", "−")


def signed(value: float) -> str:
    """A difference of fractions times 100, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def render(template: str, page: Any) -> str:
    """The page's HTML. Its one script runs by its hash: a script that stands in a text never does."""
    made = environment()
    assert made.loader
    script = made.loader.get_source(made, "script.js")[0]
    digest = b64encode(sha256(script.encode()).digest()).decode()
    html = made.get_template(template).render(page=page, script=Markup(script), script_hash=digest)
    return html.encode("utf-8", "replace").decode("utf-8")  # a text may hold half a surrogate pair
