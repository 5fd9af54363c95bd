"""What one who looks at many runs at once works out once for all that share it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Shared:
    """Results by the objects that they are of, sections of configs say, which nobody may change meanwhile."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], tuple[object, object]] = {}  # holds on to the objects: ids stay theirs

    def once(self, make: Callable[[], T], what: str, *of: object) -> T:
        """`make()`, or what it was for the same objects `of`; `what` tells results of the same objects apart."""
        key = (what, *map(id, of))
        if key not in self._made:
            self._made[key] = (of, make())
        return self._made[key][1]  # type: ignore[return-value]
