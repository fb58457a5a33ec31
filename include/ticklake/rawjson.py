"""Records' text in, the text of one ``json`` column out, to the byte.

``pyarrow.json`` cannot give the text of a nested value; msgspec can (``Raw``), in a pass
of its own over the block. Only feeds with a ``json`` column pay for it.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pyarrow as pa

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_ .-]+")
_NO_VALUE = (b"", b"null")


class RawColumn:
    """Reads the text of the value at one path."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self._path = path
        kind: Any = msgspec.Raw
        default: object = msgspec.Raw()
        for name in reversed(path):
            fields = [("value", kind, msgspec.field(default=default, name=name))]
            kind = msgspec.defstruct("Found", fields) | None
            default = None
        self._one = msgspec.json.Decoder(kind)
        self._many = msgspec.json.Decoder(list[kind])

    def text(self, record: bytes) -> str | None:
        """The value's text in *record*, None where there is none; ``ValueError`` if unreadable."""
        try:
            return self._value(self._one.decode(record))
        except (msgspec.MsgspecError, RecursionError) as wrong:
            raise ValueError(str(wrong)) from None

    def array(self, text: bytes) -> pa.Array | None:
        """The values of all records of *text*, lines that end with a comma.

        None where that needs a look at each: also where a name of the path may stand twice
        in a record, of which msgspec takes the last.
        """
        try:
            records = self._many.decode(b"[" + text.rstrip(b",\n") + b"]")
        except (msgspec.MsgspecError, RecursionError):
            return None
        here = records
        for name in self._path:
            here = [found.value for found in here if found is not None]
            present = sum(1 for found in here if found is not None and found != msgspec.Raw())
            if text.count(f'"{name}"'.encode()) != present or _may_be_escaped(name, text):
                return None
        return pa.array([self._value(record) for record in records], type=pa.string())

    def _value(self, found: Any) -> str | None:  # noqa: ANN401 - a struct made above
        for _ in self._path:
            if found is None:
                return None
            found = found.value
        raw = bytes(found)
        return None if raw in _NO_VALUE else raw.decode()


def _may_be_escaped(name: str, text: bytes) -> bool:
    escape = b"\\u00" if _PLAIN_NAME.fullmatch(name) else b"\\"
    return escape in text
