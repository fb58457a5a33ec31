"""The path to the records: where their array opens, and what there is instead if none does.

``$`` is the body itself, dots separate names, ``*`` is any one name, and ``item`` goes into each
value of an array.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from include.ticklake.errors import SourceRefusedError, did_you_mean
from include.ticklake.redaction.masking import mask

_MAX_NAMES = 20
_MAX_NAME = 40
_MAX_PATH = 160
_MAX_OPENED = 100_000
"""Paths that are remembered: of more arrays in one body, nobody sees that a name occurs twice."""
_KINDS = {"start_map": "an object", "start_array": "an array", "string": "a text",
          "number": "a number", "null": "null"}  # fmt: skip
_CONTAINERS = ("an object", "an array")
_WORDS = {"an object": "empty_object", "a text": "empty_text", "false": "false"}


class RecordsPath:
    """Follows ijson's events along the path; ``arrays`` counts the arrays at its end."""

    def __init__(self, path: str) -> None:
        self.arrays = 0
        self._path = path
        self._names = [] if path == "$" else path.split(".")
        self._patterns = [_pattern(self._names[:depth]) for depth in range(len(self._names) + 1)]
        self._opened: set[int] = set()
        # What there is at the deepest name of the path that is in the body.
        self._depth = -1
        self._at = ""
        self._kind = ""
        self._inside: list[str] = []
        self._is_empty = True
        self._other_arrays: list[str] = []

    def opens(self, path: str) -> bool:
        """Whether the array that starts at *path* is one of records.

        ``SourceRefusedError`` where an object has two of them under one name.
        """
        if self._patterns[-1].fullmatch(path) is None:
            if len(self._other_arrays) < _MAX_NAMES and "item" not in path.split("."):
                self._other_arrays.append(_printable(path, _MAX_PATH) or "$")
            return False
        self.arrays += 1
        if "item" not in path.split("."):
            self._refuse_repeated(path)
        return True

    def follow(self, path: str, event: str, value: Any, *, depth: int) -> None:  # noqa: ANN401 - any JSON
        """Take one event, inside *depth* objects and arrays, until an array of records opens."""
        if event == "map_key":
            if path == self._at and depth - 1 == self._depth:
                self._is_empty = False
                if len(self._inside) < _MAX_NAMES:
                    self._inside.append(_printable(str(value), _MAX_NAME))
        elif event.startswith("end_"):
            return
        elif self._is_closer(path, event, depth):
            self._depth, self._at, self._inside = depth, path, []
            self._kind = _KINDS.get(event) or str(value).lower()
            self._is_empty = event.startswith("start_") or value == ""
        elif self._kind == "an array" and path == (f"{self._at}.item" if self._at else "item"):
            self._is_empty = False

    def no_records_words(self) -> Iterator[str]:
        """The words of ``source.no_records`` that say that such a body has no records.

        The empty word needs no entry in the feed: the source says so itself.
        """
        kind, is_whole = self._kind, self._depth == len(self._names)
        is_empty = self._is_empty or kind == "null"
        if kind == "null" and is_whole and not self._has_wildcard:
            yield ""
        if kind == "an array" and self._is_empty and self._next_name == "item":
            yield ""
        if kind in _WORDS and (self._is_empty or kind == "false"):
            yield _WORDS[kind]
        if is_whole:
            is_missing = self._has_wildcard and (is_empty or kind not in _CONTAINERS)
        else:
            is_missing = is_empty or kind == "an object"
        if is_missing:
            yield "missing"

    def problem(self) -> str:
        """What there is instead of an array of records, for a message."""
        at = repr(_printable(self._at, _MAX_PATH)) if self._at else "the body"
        what = f"an empty {self._kind.split()[-1]}" if self._is_empty else self._kind
        if self._inside:
            what += f" with the names {', '.join(self._inside)}"
        return f"no array of records at {self._path!r}: {at} is {what}{self._hint()}"

    @property
    def _has_wildcard(self) -> bool:
        return "*" in self._names

    @property
    def _next_name(self) -> str:
        """The name of the path that is not in the body; empty where all of them are."""
        return self._names[self._depth] if self._depth < len(self._names) else ""

    def _is_closer(self, path: str, event: str, depth: int) -> bool:
        """Whether this is a value on the path, and deeper than what was there so far.

        Of all that a ``*`` stands for, an object or array says more than a plain value.
        """
        says_more = (
            depth == self._depth and event.startswith("start_") and self._kind not in _CONTAINERS
        )
        if not (says_more or self._depth < depth < len(self._patterns)):
            return False
        return self._patterns[depth].fullmatch(path) is not None

    def _refuse_repeated(self, path: str) -> None:
        if hash(path) in self._opened:
            raise SourceRefusedError(
                f"two arrays of records at {_printable(path, _MAX_PATH)!r}: the body has a name "
                "twice, and nobody can say which one counts"
            )
        if len(self._opened) < _MAX_OPENED:
            self._opened.add(hash(path))

    def _hint(self) -> str:
        if hint := did_you_mean(self._next_name, self._inside):
            return hint
        arrays = ", ".join(map(repr, self._other_arrays[:3]))
        return f"; there is an array at {arrays}" if arrays else ""


def _pattern(names: list[str]) -> re.Pattern[str]:
    """A pattern for ijson's paths."""
    return re.compile(r"\.".join(r"[^.]+" if name == "*" else re.escape(name) for name in names))


def _printable(name: str, max_characters: int) -> str:
    # Masked before it is cut: half of a secret is none that anybody would find.
    shown = name if len(name) <= max_characters else mask(name[: 2 * max_characters])
    return "".join(sign if sign.isprintable() else " " for sign in shown[:max_characters])
