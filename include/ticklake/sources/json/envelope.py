"""Everything in a page but its records, read with ijson.

ijson never sees a record. It stops at the bracket that opens the array of records, which
``array_splitter.py`` reads up to its closing bracket, and continues after that. To ijson
the page is a small document with an empty array, so values before and after the records
are read in the same single pass, at any page size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import ijson

from include.ticklake.errors import MalformedPageError
from include.ticklake.sources.json.added_values import AddedValues
from include.ticklake.sources.json.captures import Captures
from include.ticklake.sources.json.literals import LiteralQuoter
from include.ticklake.sources.json.records_path import RecordsPath

MAX_DEPTH = 64
"""Nesting beyond this is refused, as ijson's paths grow with the depth."""

MAX_DIGITS = 4_000
"""ijson 3.6 crashes the interpreter at an integer of more than 4,300 digits."""

MAX_VALUE_BYTES = 1024 * 1024
"""ijson holds a value whole, and reads it from its start again with every chunk."""

# A fragment ends at an opening bracket: only there can the records start. It is short, so
# that an error is located closely.
_FRAGMENT = re.compile(rb"[^\[{]{0,255}[\[{]|[^\[{]{1,256}")


class Envelope:
    """Finds the arrays of records in a page, and captures values around them.

    Raises ``MalformedPageError`` with the approximate byte for what is not JSON.
    """

    def __init__(
        self,
        *,
        records: RecordsPath,
        added: AddedValues | None = None,
        capture: Mapping[str, str],
        capture_plain: Mapping[str, str],
        capture_every: Mapping[str, str],
    ) -> None:
        self.records = records
        """Where the records are, or what there is instead."""
        self._added = added
        self._captures = Captures(capture, plain=capture_plain, every=capture_every)
        self._literals = LiteralQuoter()
        self._events: Any = ijson.sendable_list()
        self._parser = ijson.parse_coro(self._events)
        self._names: list[str] = []
        self._digits = 0
        self._silent_bytes = 0

    @property
    def captured(self) -> Mapping[str, Any]:
        """The values captured so far."""
        return self._captures.values

    def feed(self, chunk: bytes, *, at: int) -> int | None:
        """Read *chunk*, which starts at byte *at* of the body.

        Returns the position after the bracket that opens records, or None.
        """
        for fragment in _FRAGMENT.finditer(chunk):
            where = at + fragment.start()
            self._bound(fragment[0], at=where)
            self._send(self._literals.feed(fragment[0]), at=where)
            if self._take_events(at=where):
                return fragment.end()
        return None

    def feed_whole(self, text: bytes, *, at: int) -> None:
        """Read *text*, of what has opened: nothing else opens in it."""
        while text and (end := self.feed(text, at=at)) is not None:
            text = text[end:]

    def captured_names(self) -> tuple[frozenset[str], frozenset[str]]:
        """The names in what opened last on the way to captured values.

        The second are those whose objects and arrays are not captured.
        """
        names, plain = self._captures.names_below(self.names)
        return names | (self._added.names_below(self.names) if self._added else set()), plain

    def close(self, *, at: int) -> None:
        """Check that the document is complete where the body ends, at byte *at*."""
        self._send(self._literals.close(), at=at)
        try:
            self._parser.close()
        except (ijson.JSONError, UnicodeDecodeError):
            raise MalformedPageError(f"the body ends early, at byte {at}") from None
        except ArithmeticError:
            raise MalformedPageError(f"a number out of range near byte {at}") from None
        self._take_events(at=at)

    def _send(self, text: bytes, *, at: int) -> None:
        if text:  # nothing is the end, to ijson
            _step(self._parser.send, text, at=at)

    def _bound(self, fragment: bytes, *, at: int) -> None:
        """Refuse a value before it grows in ijson's own memory."""
        self._silent_bytes += len(fragment)
        if self._silent_bytes > MAX_VALUE_BYTES:
            raise MalformedPageError(
                f"a value outside the records is longer than {MAX_VALUE_BYTES} bytes, at byte {at}"
            )
        self._digits = self._digits + len(fragment) if fragment.isdigit() else 0
        if self._digits > MAX_DIGITS:
            raise MalformedPageError(f"a number of more than {MAX_DIGITS} digits near byte {at}")

    def _take_events(self, *, at: int) -> bool:
        opens_records = False
        names = self._names
        for path, event, value in self._events:
            self._silent_bytes = 0
            self._captures.take(path, event, value)
            if not self.records.opened:
                self.records.follow(path, event, value, depth=len(names))
            if event == "map_key":
                names[-1] = value
                continue
            if event.startswith("end_"):
                names.pop()
            if self._added:
                self._added.take(event, names, value)
            if event.startswith("start_"):
                opens_records = self.records.opens(path, event, names)
                names.append("item" if event == "start_array" else "")
        self._events.clear()
        if len(names) > MAX_DEPTH:
            raise MalformedPageError(f"nested deeper than {MAX_DEPTH} levels at byte {at}")
        return opens_records

    @property
    def names(self) -> tuple[str, ...]:
        """The names on the way to what opened last."""
        return tuple(self._names[:-1])


def _step(send: Callable[[bytes], object], fragment: bytes, *, at: int) -> None:
    """Call ijson; raise ``MalformedPageError`` for all that it may raise over odd bytes."""
    try:
        send(fragment)
    except ijson.JSONError as error:
        raise MalformedPageError(f"not JSON near byte {at}: {_reason(error)}") from None
    except UnicodeDecodeError:
        raise MalformedPageError(f"invalid UTF-8 near byte {at}") from None
    except ArithmeticError:
        raise MalformedPageError(f"a number out of range near byte {at}") from None


def _reason(error: Exception) -> str:
    """The first line of ijson's message, which may be bytes; never the text of the body."""
    text = error.args[0] if error.args else ""
    line = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return line.partition("\n")[0]
