"""Names in the records that no field reads, found in a sample of them.

The staged JSON keeps such values anyway; the names are reported once per run, so that
somebody can decide. ``ignore`` in a feed lists those that are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.read_names import NameTree, is_ignored, read_names
from include.ticklake.model import surrogates
from include.ticklake.model.json_members import decode_name, object_members
from include.ticklake.model.nesting import is_too_deep
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block

MAX_NAMES = 50
"""An object whose names are ids has any number of them."""

_SAMPLE_EVERY_ROWS = 1_000
_MAX_INSPECTED_NAMES = 10_000
_VALIDATE = msgspec.json.Decoder(msgspec.Raw).decode


def unknown_fields_message(feed: Feed, names: Iterable[str]) -> str:
    """The log line about *names*, with what to do."""
    return (
        f"feed={feed.name} fields={','.join(sorted(names))}: the source sends values that no field "
        "reads; the staged JSON keeps them. Add them to the feed's fields and rebuild, or to "
        "`ignore`"
    )


class UnknownFieldCollector:
    """Collects the names that no field reads from a sample of the records."""

    def __init__(self, feed: Feed, *, names: Iterable[str] = ()) -> None:
        self._feed = feed
        self._read = read_names(feed)
        self._names = set(names)

    @property
    def names(self) -> tuple[str, ...]:
        """Dots between the names of objects: ``quotes.USD.change``."""
        return tuple(sorted(self._names))

    def sample(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield *blocks* as they are, and inspect one record in a thousand."""
        rows = 0
        for block in blocks:
            for record in block[-rows % _SAMPLE_EVERY_ROWS :: _SAMPLE_EVERY_ROWS]:
                self.inspect(record)
            rows += len(block)
            yield block

    def inspect(self, record: Record) -> None:
        """Add the names in *record* that no field reads."""
        if len(self._names) >= MAX_NAMES:
            return
        text = bytes(surrogates.without_halves(bytes(record)))
        if _is_readable(text):
            unread = _unread_names(self._read, text, text.index(b"{"), "")
            self._add(set(islice(unread, _MAX_INSPECTED_NAMES)))

    def add_columns(self, names: Iterable[str]) -> None:
        """Add those *names* of values in arrays that no field reads."""
        self._add({name for name in islice(names, MAX_NAMES) if name not in self._read})

    def _add(self, unread: set[str]) -> None:
        new = [name for name in unread - self._names if not is_ignored(self._feed, name)]
        self._names.update(sorted(new)[: MAX_NAMES - len(self._names)])


def _unread_names(read: NameTree, text: bytes, start: int, path: str) -> Iterator[str]:
    for member, begin, _ in object_members(text, start):
        name = decode_name(member)
        if name not in read:
            yield f"{path}{name}"
        elif read[name] and text[begin : begin + 1] == b"{":
            yield from _unread_names(read[name], text, begin, f"{path}{name}.")


def _is_readable(text: bytes) -> bool:
    """Whether *text* is an object; conversion reports one that is not readable."""
    try:
        return (
            text.lstrip(b" \t\r\n").startswith(b"{")
            and not is_too_deep(text)
            and bool(_VALIDATE(text))
        )
    except msgspec.MsgspecError:
        return False
