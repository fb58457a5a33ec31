"""Feeds as tests need them: a small valid one, and changes to it."""

from __future__ import annotations

from typing import Any

from include.ticklake.feed.feed import Feed

SMALL: dict[str, Any] = {
    "name": "small",
    "source": {"kind": "http", "base_url": "https://api.example.com", "path": "/rows"},
    "fields": {
        "id": {"type": "int64", "key": True},
        "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
    },
}


def feed(**changes: Any) -> Feed:
    """The small feed with *changes*; ``source`` is changed in place, other names replaced.

    Slices that the changes do not use are sent as parameters.
    """
    slices = {name: f"{{{name}}}" for name in changes.get("slices", ())}
    source = SMALL["source"] | {"params": slices} | changes.pop("source", {})
    return Feed.model_validate(SMALL | {"source": source} | changes)
