"""The text of a ``json`` column, cut out of the records' text to the byte.

This is the definition of it, one record at a time: msgspec skips everything else. Of a name that
occurs twice in its object the last one counts.
"""

from __future__ import annotations

from typing import Any

import msgspec

from include.ticklake.model import json_path, surrogates


class RawColumn:
    """Reads the text of the value at one path."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self._path = path
        self._find = json_path.finder(path) if json_path.has_positions(path) else None
        kind: Any = json_path.type_with(path)
        self._decoder = msgspec.json.Decoder(kind)

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

    def _value(self, record: object) -> str | None:
        raw = bytes(json_path.value_in(record, self._path) or b"null")
        return None if raw == b"null" else raw.decode()
