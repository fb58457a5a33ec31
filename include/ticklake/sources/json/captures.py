"""The values around the records that a feed asks for: paging's cursors and flags, error codes.

A value may be a text, a number, ``true``, ``null``, an object or an array; of an array of
records inside it, only that it is an array is seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ijson

from include.ticklake.errors import MalformedPageError

SCALARS = frozenset({"string", "number", "boolean", "null"})

MAX_CAPTURED_SIZE = 256 * 1024
"""Of one object or array: its values, and the characters of its texts and names."""


MAX_KEPT = 1_000
"""Values of one path that goes into arrays."""


class Captures:
    """Takes ijson's events; several names may ask for one path, and paths may lie in each other.

    Of the paths of *plain*, objects and arrays are not captured, of any size; those of *every*
    go into arrays, and all that comes there is captured, in a list.
    """

    def __init__(
        self, capture: Mapping[str, str], *, plain: Mapping[str, str], every: Mapping[str, str]
    ) -> None:
        self.values: dict[str, Any] = {}
        """Name -> value, of those that came so far; of a path that occurs twice, the last."""
        self._names = _by_path({**capture, **every})
        self._every = frozenset(every)
        self._plain = _by_path(plain)
        self._open: list[_OpenValue] = []

    def take(self, path: str, event: str, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Take one event of the document, in order."""
        for open_value in self._open:
            open_value.add(event, value)
        if event in SCALARS and path in self._plain:
            self.values.update(dict.fromkeys(self._plain[path], value))
        if event == "map_key" or path not in self._names:
            return
        if event in SCALARS:
            self._keep(path, value)
        elif event.startswith("start_"):
            self._open.append(_OpenValue(path, event))
        else:
            self._keep(path, self._open.pop().value)

    def names_below(self, names: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
        """The next names on the captured paths that lead through the object at *names*.

        The second are those whose objects and arrays are not captured.
        """
        return _next_names(self._names, names), _next_names(self._plain, names)

    def _keep(self, path: str, value: object) -> None:
        for name in self._names[path]:
            if name not in self._every:
                self.values[name] = value
                continue
            kept = self.values.setdefault(name, [])
            if len(kept) == MAX_KEPT:
                raise MalformedPageError(f"there are more than {MAX_KEPT} values at {path!r}")
            kept.append(value)


def _by_path(capture: Mapping[str, str]) -> dict[str, list[str]]:
    names = defaultdict(list)
    for name, path in capture.items():
        names[path].append(name)
    return dict(names)


def _next_names(paths: Iterable[str], names: Sequence[str]) -> frozenset[str]:
    depth = len(names)
    split = (path.split(".") for path in paths)
    return frozenset(
        path[depth] for path in split if len(path) > depth and path[:depth] == list(names)
    )


class _OpenValue:
    """An object or array that has not ended yet."""

    def __init__(self, path: str, event: str) -> None:
        self._path, self._size = path, 0
        self._builder = ijson.ObjectBuilder()
        self._builder.event(event, None)

    @property
    def value(self) -> object:
        return self._builder.value

    def add(self, event: str, value: Any) -> None:  # noqa: ANN401 - any JSON
        self._size += 1 + (len(value) if isinstance(value, str) else 0)
        if self._size > MAX_CAPTURED_SIZE:
            raise MalformedPageError(
                f"the value at {self._path!r} is too large to be captured; correct source.capture"
            )
        self._builder.event(event, value)
