"""Published models as values, each fact with the work and the place where it was read. Light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

Value = TypeVar("Value")
GlueKind = Literal["test", "test, ensemble", "dev, mean of 8"]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A work that facts are cited from: a paper, a repository, a page.

    url   its address, such as that of its arXiv page
    copy  of what kind the text is that was read, where it was not at `url` itself
    """

    key: str
    title: str
    url: str
    copy: str = ""


@dataclass(frozen=True, kw_only=True)
class Cited(Generic[Value]):
    """A value, the key of the reference that states it, and the section, table or file there."""

    value: Value
    source: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Glue(Cited[float]):
    """A GLUE score as a fraction, and its kind: scores of two kinds cannot be compared.

    kind   "test" is the official score, the mean over nine tasks on the server's rows (Wang et al. 2019); with
           "ensemble", of several models; "dev, mean of 8" leaves WNLI out and takes one metric a task
    tasks  the published scores of the tasks, as fractions, where the mean over them was computed here
    """

    kind: GlueKind
    tasks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How parameters were counted: those of transformers' AutoModel, the body without a pretraining head.

    config    the class of its configuration in transformers
    settings  its arguments, where they are not the class's defaults
    """

    config: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """A published model; a fact is None where no text that states it was found.

    parameters  their number: `counted` where transformers has its configuration, else the paper's
    data        what it was pretrained on, with the size as it was published
    objective   what it was pretrained to do
    """

    name: str
    year: Cited[int]
    parameters: Cited[int]
    data: Cited[str] | None
    objective: Cited[str] | None
    glue: Glue | None = None
    counted: Counted | None = None

    @property
    def cells(self) -> dict[str, Cited[Any] | None]:
        """Its facts by name."""
        names = ("year", "parameters", "data", "objective", "glue")
        return {name: getattr(self, name) for name in names}


def size_of(count: int) -> str:
    """A number of parameters in three digits at most: 93.6M, 335M, 8.3B, 1.57T."""
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * unit:
            return f"{count / unit:.3g}{name}"
    return str(count)
