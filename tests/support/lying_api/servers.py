"""What every server of the lying API has: its paging as a feed says it, and its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.lying_api.records import Row
from tests.support.servers.http import ReceivedRequest


@dataclass(frozen=True, kw_only=True)
class ServedPage:
    """One answer before it is written: the records, and what stands beside them."""

    rows: list[Row]
    beside: Mapping[str, object] = field(default_factory=dict)
    """Values beside the records, by their names in the body."""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, kw_only=True)
class LyingServer:
    """A source of one paging kind, and how its feed describes it."""

    rows: list[Row]
    """All that it shows; what hides is not among them."""
    paging: dict[str, Any]
    serve: Callable[[ReceivedRequest], ServedPage]
    order: str = "ascending"
    capture: tuple[str, ...] = ()
    """Names of the values beside the records that paging refers to."""
    needs_key: bool = False
    """Whether only a key can tell a record that came before: its other values have changed."""
    restart: Callable[[], None] = lambda: None
    """Forget earlier requests: the next one is the first of a new run."""
