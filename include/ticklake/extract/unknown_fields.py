"""Some of the records in, the names out that nobody reads: what a source has begun to send.

The staged JSON keeps such values whether anybody reads them or not; the names are told
once a run, so that somebody can decide. ``ignore`` in a feed names those that were seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FETCHED_AT
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.model import surrogates
from include.ticklake.model.nesting import is_too_deep
from include.ticklake.model.record import Record

MAX_NAMES = 50
"""An object whose names are ids has no end of them."""

_Tree = dict[str, "_Tree"]
"""Names that fields read, and what they read inside; nothing inside: the whole value."""


def told(feed: Feed, names: Iterable[str]) -> str:
    """What to say of *names* once a run, and what to do."""
    return (
        f"feed={feed.name} fields={','.join(sorted(names))}: the source sends what no field reads; "
        "the staged JSON keeps it. Add it to the feed's fields and rebuild, or to `ignore`"
    )


class UnknownFieldCollector:
    """Collects names from the records that it is shown."""

    def __init__(self, feed: Feed, *, names: Iterable[str] = ()) -> None:
        self._read: _Tree = {}
        for field in feed.fields.values():
            if field.source != FETCHED_AT:
                here = self._read
                for name in field.source.split("."):
                    here = here.setdefault(name, {})
        for name in (feed.source.columns or ()) if isinstance(feed.source, HttpSource) else ():
            self._read.setdefault(name.rstrip("?"), {})
        self._ignored = feed.ignore
        self._names = set(names)

    @property
    def names(self) -> tuple[str, ...]:
        """Dots between the names of objects: ``quotes.USD.change``."""
        return tuple(sorted(self._names))

    def look(self, record: Record) -> None:
        """Take note of the names in *record* that no field reads."""
        if len(self._names) >= MAX_NAMES:
            return
        found = set(_beyond(self._read, _decoded(record), ""))
        new = [name for name in found - self._names if not self._is_ignored(name)]
        self._names.update(sorted(new)[: MAX_NAMES - len(self._names)])

    def _is_ignored(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._ignored)


def _beyond(read: _Tree, value: object, path: str) -> Iterator[str]:
    for name, inside in value.items() if isinstance(value, Mapping) else ():
        if name not in read:
            yield f"{path}{name}"
        elif read[name]:
            yield from _beyond(read[name], inside, f"{path}{name}.")


def _decoded(record: Record) -> Any:  # noqa: ANN401 - any JSON
    """*record* in Python; None where that is not to be had, which the converter will tell."""
    text = surrogates.mask_lone_surrogates(bytes(record))[0]
    try:
        return None if is_too_deep(text) else msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return None
