"""Under which names a row's gold is counted where scores are given by parts of the rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar


class HasParts:
    """What of a head's contract is about parts of the rows: by default those of its strata, if they are labels."""

    parts_by: ClassVar[str] = "gold label"
    """What `parts_of` names."""

    @abstractmethod
    def strata(self, gold: Any) -> Sequence[str] | float:
        """See Head."""

    def parts_of(self, gold: Any) -> Sequence[str]:
        """The parts that a row with this gold is in, by name; () for none."""
        found = self.strata(gold)
        return () if isinstance(found, float) else found
