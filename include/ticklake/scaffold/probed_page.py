"""What is known of the one page that a feed is drafted from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from include.ticklake.scaffold.infer_window import TimeParam

_MORE = re.compile(r"has_?(more|next)|^more$|is_?truncated", re.IGNORECASE)
_TOTAL = re.compile(
    r"(total(_?(count|results?|items|elements|records|rows|hits))?|count|\w+_num|num_\w+)",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"\$?(limit|per_?page|page_?(size|limit)|max_?results|count|size|rows|top|limit_\w+|num|n|len)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedPage:
    """A page with its URL's parameters, its headers, and what stands around its records."""

    params: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    siblings: Mapping[str, object] = field(default_factory=dict)
    """Path -> value of the scalars outside the records."""
    rows: int
    window: Mapping[str, TimeParam] = field(default_factory=dict)
    """Parameters that hold a time, by name."""
    ids: str | None = None
    """The source's name of a key of integers."""
    order: str | None = None
    """Of the event times; None where the page does not show one."""
    is_snapshot: bool = False
    is_whole: bool = False
    """Whether there is no other page: of one object, or of an order book."""

    @property
    def limit_param(self) -> str | None:
        """The parameter for the number of records in a page."""
        return next((name for name in self.params if _LIMIT.fullmatch(name)), None)

    @property
    def cap(self) -> int | None:
        """The number of records that was asked for, if that many came."""
        limits = (value for name, value in self.params.items() if _LIMIT.fullmatch(name))
        full = any(value.isdecimal() and int(value) == self.rows for value in limits)
        return self.rows if full and self.rows else None

    @property
    def more_flag(self) -> str | None:
        """The path of a flag that is true while there are more pages."""
        flags = (path for path, value in self.siblings.items() if isinstance(value, bool))
        return next((path for path in flags if is_more_name(path)), None)

    @property
    def total(self) -> str | None:
        """The path of the number of all records; not one that is less than the page has."""
        for path, value in self.siblings.items():
            is_number = type(value) is int or (isinstance(value, str) and value.isdecimal())
            is_total = _TOTAL.fullmatch(path.removesuffix(".value").rpartition(".")[2])
            if is_number and is_total and int(str(value)) >= self.rows:
                return path
        return None


def is_limit(name: str) -> bool:
    """Whether a parameter of that name is the number of records in a page."""
    return _LIMIT.fullmatch(name) is not None


def is_more_name(path: str) -> bool:
    """Whether the value at *path* says that there are more pages."""
    return _MORE.search(path.rpartition(".")[2]) is not None
