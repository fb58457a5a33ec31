"""Records of overlapping pages in, each record once out.

Pages overlap where a cursor is inclusive, or where a ranking shifts between two pages.
The keys of the last records are remembered, a bounded number of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from include.ticklake.feed.feed import Feed
from include.ticklake.model import surrogates
from include.ticklake.model.record import Record
from include.ticklake.model.surrogates import Restore

REMEMBERED = 5_000
"""More than any exchange's page, so that two neighbours are always compared."""


class RecentKeys:
    """Remembers the last keys; ``keys`` is what another process goes on with."""

    def __init__(self, feed: Feed, *, keys: Iterable[str] = ()) -> None:
        self._key_of = _key_of(feed)
        self._recent: OrderedDict[str, None] = OrderedDict.fromkeys(keys)

    def has(self, record: Record) -> bool:
        """Whether a record with this key went by lately; remembers it."""
        key = self._key_of(record)
        if key is None:
            return False
        if key in self._recent:
            return True
        self._recent[key] = None
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        return False

    @property
    def keys(self) -> tuple[str, ...]:
        """The remembered keys, oldest first."""
        return tuple(self._recent)


def _key_of(feed: Feed) -> Callable[[Record], str | None]:
    """A digest of a record's key fields; None for a record that lacks one."""
    paths = [feed.fields[name].source.split(".") for name in feed.key]
    decoders: list[Callable[[Record | bytes], Any]] = [
        msgspec.json.Decoder(_shape(path)).decode for path in paths
    ]

    def key(record: Record | bytes, restore: Restore = bytes) -> str | None:
        digest = blake2b(digest_size=8)
        for decode, path in zip(decoders, paths, strict=True):
            try:
                value = decode(record)
                for _ in path:
                    value = value.value
            except (msgspec.MsgspecError, AttributeError, RecursionError):
                clean, restore = surrogates.mask_lone_surrogates(given := bytes(record))
                return None if clean is given else key(clean, restore)
            digest.update(restore(bytes(value)) + b"\n")
        return digest.hexdigest()

    return key


def _shape(path: list[str]) -> type:
    shape: type = msgspec.Raw
    for name in reversed(path):
        shape = msgspec.defstruct("At", [("value", shape)], rename={"value": name})
    return shape
