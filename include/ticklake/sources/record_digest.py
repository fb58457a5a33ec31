"""A short text that stands for a record: the same again means the same record again."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from include.ticklake.feed.feed import Feed
from include.ticklake.model import json_path
from include.ticklake.model.record import Record

_WHOLE = "="
_LONGEST_KEY = 40


def key_digest(feed: Feed) -> Callable[[Record], str | None]:
    """A digest of a record's key fields; None for a record that lacks one.

    A value that stands for no value is none: two records without a key are not the same.
    """
    fields = [feed.fields[name] for name in feed.key]
    readers = [(json_path.finder(field.source.split(".")), field.nulls) for field in fields]

    def key(record: Record) -> str | None:
        values = []
        for find, nulls in readers:
            text = bytes(find(record) or b"")
            if nulls.matches_json(text):
                return None
            values.append(text)
        joined = b"\n".join(values)
        if len(joined) > _LONGEST_KEY:
            return blake2b(joined, digest_size=8).hexdigest()
        return joined.decode()

    return key


def record_digest(feed: Feed) -> Callable[[Record], str]:
    """A digest of a record's key, or of the whole record where it has none."""
    by_key = key_digest(feed) if feed.key else None

    def digest(record: Record) -> str:
        key = by_key(record) if by_key else None
        return _WHOLE + blake2b(bytes(record), digest_size=8).hexdigest() if key is None else key

    return digest


def is_by_key(digest: str) -> bool:
    """Whether *digest* stands for a record's key: no JSON text starts as the others do."""
    return not digest.startswith(_WHOLE)
