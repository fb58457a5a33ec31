"""Members that a record gets from around it, such as the name that it stood under."""

from __future__ import annotations

from collections.abc import Sequence

from include.ticklake.model.record import Record
from include.ticklake.sources.json.member_splitter import encode_text


class KeyMember:
    """The feed's ``key_as``: the name that the last ``*`` of the path stands for, as a member."""

    def __init__(self, name: str, *, path: str) -> None:
        self._name = encode_text(name) + b":"
        names = path.split(".")
        self._at = len(names) - 1 - names[::-1].index("*")

    def member(self, names: Sequence[str]) -> bytes:
        """The member that records at *names* get."""
        return self.of(names[self._at])

    def of(self, name: str) -> bytes:
        """The member that says *name*."""
        return self._name + encode_text(name)


def with_members(record: Record, members: bytes) -> Record:
    """*record* with *members*, as JSON, before its own; any other value stays as it is."""
    text = bytes(record)
    if not members or not text.startswith(b"{"):
        return record
    comma = b"," if text[1:2] == b'"' or text[1:-1].strip() else b""
    return Record(b"{" + members + comma + text[1:])
