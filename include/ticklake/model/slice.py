"""A slice: the partition values that a unit covers, and their path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from include.ticklake.errors import UsageError


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """Named partition values, in the feed's order; empty for a feed without slices."""

    values: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Slice:
        """A slice from a mapping; values become text."""
        return cls(tuple((name, str(value)) for name, value in values.items()))

    @classmethod
    def parse(cls, path: str) -> Slice:
        """The inverse of ``path``."""
        pairs = [part.partition("=") for part in path.split("/") if part]
        if any(not sign for _, sign, _ in pairs):
            raise UsageError(f"{path!r} is not a slice; write it as symbol=BTCUSDT")
        return cls(tuple((name, unquote(value)) for name, _, value in pairs))

    @property
    def path(self) -> str:
        """``symbol=BTCUSDT/interval=1h``: hive style, percent-encoded, reversible."""
        return "/".join(f"{name}={quote(value, safe='')}" for name, value in self.values)

    def as_dict(self) -> dict[str, str]:
        """The values by name."""
        return dict(self.values)

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.values) or "all"
