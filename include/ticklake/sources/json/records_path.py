"""The path to the records: where they begin, and what there is instead if they do not.

``$`` is the body itself, dots separate names, ``*`` is any one name, and ``item`` goes into each
value of an array.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal

from include.ticklake.errors import SourceRefusedError, did_you_mean
from include.ticklake.redaction.masking import mask

Shape = Literal["array", "object", "columns"]
"""What is at the path: an array of records, one record or a map of them, or arrays of values."""

_MAX_NAMES = 20
_MAX_NAME = 40
_MAX_PATH = 160
_MAX_SEEN = 20_000
"""Names that are remembered: of more in one body, nobody sees that one occurs twice."""
_KINDS = {"start_map": "an object", "start_array": "an array", "string": "a text",
          "number": "a number", "null": "null"}  # fmt: skip
_CONTAINERS = ("an object", "an array")
_THINGS = {"array": "array of records", "object": "object", "map": "object of records",
           "columns": "array of values"}  # fmt: skip
_MANY = {"array": "arrays of records", "object": "objects", "map": "maps of records",
         "columns": "arrays of values"}  # fmt: skip
_WORDS = {"an object": "empty_object", "a text": "empty_text", "false": "false"}


class RecordsPath:
    """Follows ijson's events along the path; ``opened`` counts what it found at its end."""

    def __init__(self, path: str, *, shape: Shape = "array", columns: Collection[str] = ()) -> None:
        self.opened = 0
        self.path = path
        self.shape = shape
        names = [] if path == "$" else path.split(".")
        self.is_map = shape == "object" and names[-1:] == ["*"]
        """Whether the members of an object are the records."""
        if self.is_map:
            names.pop()
        self._whole_depth = len(names)
        if shape == "columns":
            names.append("*")
        self._names = names
        self._columns = frozenset(columns if shape == "columns" else ())
        self._patterns = [_pattern(names[:depth]) for depth in range(len(names) + 1)]
        self._opening = "start_map" if shape == "object" else "start_array"
        self._seen: set[int] = set()
        # What there is at the deepest name of the path that is in the body.
        self._depth = -1
        self._at = ""
        self._kind = ""
        self._inside: list[str] = []
        self._kinds_inside: Counter[str] = Counter()
        self._is_empty = True
        self._other_arrays: list[str] = []

    def opens(self, path: str, event: str, names: Sequence[str]) -> bool:
        """Whether what starts at *path*, whose *names* may have dots, holds records.

        ``SourceRefusedError`` where an object has two of them under one name.
        """
        if event != self._opening or not self._is_at_end(names):
            if event == "start_array" and len(self._other_arrays) < _MAX_NAMES:
                self._add_other(path)
            return False
        self.opened += 1
        if "item" not in names:
            self.refuse_repeated([".".join(names)], what=_MANY[self._form])
        return True

    def is_not_there(self) -> None:
        """What opened last is empty, and no record."""
        self.opened -= 1

    def refuse_repeated(self, names: Sequence[str], *, what: str = "records") -> None:
        """``SourceRefusedError`` where one of *names* came before: nobody knows which one counts.

        The first names only are remembered.
        """
        new = set(map(hash, names))
        if len(new) < len(names) or not self._seen.isdisjoint(new):
            seen = self._seen.copy()
            for name in names:
                if hash(name) in seen:
                    raise SourceRefusedError(
                        f"two {what} at {_printable(name, _MAX_PATH)!r}: the body has a name "
                        "twice, and nobody can say which one counts"
                    )
                seen.add(hash(name))
        if len(self._seen) < _MAX_SEEN:
            self._seen |= new

    def follow(self, path: str, event: str, value: Any, *, depth: int) -> None:  # noqa: ANN401 - any JSON
        """Take one event, inside *depth* objects and arrays, until records open."""
        if event == "map_key":
            if path == self._at and depth - 1 == self._depth:
                self._is_empty = False
                if len(self._inside) < _MAX_NAMES:
                    self._inside.append(_printable(str(value), _MAX_NAME))
        elif event.startswith("end_"):
            return
        elif self._is_closer(path, event, depth):
            self._depth, self._at, self._inside = depth, path, []
            self._kinds_inside.clear()
            self._kind = _KINDS.get(event) or str(value).lower()
            self._is_empty = event.startswith("start_") or value == ""
        elif depth == self._depth + 1 and self._kind in _CONTAINERS:
            if path == (f"{self._at}.item" if self._at else "item") and self._kind == "an array":
                self._is_empty = False
            self._kinds_inside[event] += 1

    def _is_at_end(self, names: Sequence[str]) -> bool:
        expected = self._names
        if len(names) != len(expected):
            return False
        if not all(
            name == "*" or name == found for name, found in zip(expected, names, strict=True)
        ):
            return False
        return not self._columns or names[-1] in self._columns

    def _add_other(self, path: str) -> None:
        if "item" not in path.split("."):
            self._other_arrays.append(_printable(path, _MAX_PATH) or "$")

    @property
    def _form(self) -> str:
        return "map" if self.is_map else self.shape

    def no_records_words(self) -> Iterator[str]:
        """The words of ``source.no_records`` that say that such a body has no records.

        The empty word needs no entry in the feed: the source says so itself.
        """
        kind, is_whole = self._kind, self._depth == len(self._names)
        is_empty = self._is_empty or kind == "null"
        is_null = kind == "null" and self._depth == self._whole_depth
        if is_null and "*" not in self._names[: self._whole_depth]:
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
        """What there is instead of records, for a message."""
        at = repr(_printable(self._at, _MAX_PATH)) if self._at else "the body"
        what = f"an empty {self._kind.split()[-1]}" if self._is_empty else self._kind
        if self._inside:
            what += f" with the names {', '.join(self._inside)}"
        return f"no {_THINGS[self._form]} at {self.path!r}: {at} is {what}{self._hint()}"

    def advice(self) -> str:
        """What to correct in the feed."""
        if self._depth < len(self._names) or self._is_empty:
            return "correct source.records"
        if self.shape == "object" and self._kind == "an array":
            return "correct source.records, or remove `shape: object` to read an array of records"
        if self.shape != "array" or self._kind != "an object":
            return "correct source.records"
        objects, arrays = self._kinds_inside["start_map"], self._kinds_inside["start_array"]
        others = self._kinds_inside.total() - objects - arrays
        if arrays > 1 and not objects and arrays > others:
            option = "add `shape: columns` to read arrays of one length as columns"
        elif objects > 1 and objects > arrays + others:
            path = "*" if self.path == "$" else f"{self.path}.*"
            option = f"write `records: '{path}'` and `shape: object` to read a map of records"
        else:
            option = "add `shape: object` to read it as one record"
        return f"correct source.records, or {option}"

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
