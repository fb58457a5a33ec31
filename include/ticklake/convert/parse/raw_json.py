"""The text of a ``json`` column, cut out of the records' text to the byte.

``pyarrow.json`` cannot give the text of a nested value; msgspec can (``Raw``), in a pass
of its own over the block. Only feeds with a ``json`` column pay for it: a microsecond a
record. Of a name that occurs twice in its object the last one counts.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa

from include.ticklake.model import json_path, surrogates


class RawColumn:
    """Reads the text of the value at one path."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self._path = path
        self._find = json_path.finder(path) if json_path.has_positions(path) else None
        kind: Any = json_path.type_with(path)
        self._decoder = msgspec.json.Decoder(kind)
        self._list_decoder = msgspec.json.Decoder(list[kind])

    def text(self, record: bytes) -> str | None:
        """The value's text in *record*, None where there is none; ``ValueError`` if unreadable."""
        if self._find:
            value = bytes(self._find(record) or b"null").decode()
            return None if value == "null" else value
        try:
            clean, restore = surrogates.mask_lone_surrogates(record)
            text = self._value(self._decoder.decode(clean))
            return text if text is None else restore(text.encode()).decode()
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError(str(error)) from None

    def array(self, text: bytes) -> pa.Array | None:
        """The values of all records of *text*, lines that end with a comma; None if unreadable."""
        try:
            records = self._list_decoder.decode(b"[" + text.rstrip(b",\n") + b"]")
            return pa.array([self._value(record) for record in records], type=pa.string())
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None

    def _value(self, record: object) -> str | None:
        raw = bytes(json_path.value_in(record, self._path) or b"null")
        return None if raw == b"null" else raw.decode()
