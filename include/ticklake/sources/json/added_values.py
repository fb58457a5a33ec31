"""The feed's ``add``: values beside or above the records, in each of them.

A value may come after the records that it belongs to. They wait in a temporary file then, until it
comes or the object that would hold it has ended: memory stays what it is.

Each value belongs to the object of the records' path that is nearest to it: ``data.item.ts`` to
one element of ``data`` and the records in it, ``ts`` to all of the body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from include.ticklake.errors import SourceRefusedError
from include.ticklake.model.record import Record
from include.ticklake.model.record_path import shared_depth
from include.ticklake.sources.json.added_members import with_members
from include.ticklake.sources.json.line_spool import LineSpool
from include.ticklake.sources.json.member_splitter import encode_text

_HELD_RECORDS = 1_000
"""That are written at once."""
_READ_BYTES = 64 * 1024

Names = Sequence[str]


@dataclass(slots=True)
class _Scope:
    """An object on the way to the records, and the values that its records get."""

    at: Names
    wanted: dict[str, Names] = field(default_factory=dict)
    values: dict[str, bytes] = field(default_factory=dict)
    """Name -> member, of those that came."""
    held: LineSpool = field(default_factory=LineSpool)
    """Records that lack a value."""

    @property
    def is_complete(self) -> bool:
        return len(self.values) == len(self.wanted)

    @property
    def members(self) -> bytes:
        """In the order of the feed."""
        return b",".join(self.values[name] for name in self.wanted if name in self.values)

    def hold(self, records: Iterator[Record]) -> None:
        while some := list(islice(records, _HELD_RECORDS)):
            self.held.write(some)


class AddedValues:
    """Takes ijson's events, and the records of one body; close it to give the disk back."""

    def __init__(self, paths: Mapping[str, str], *, records: str, shape: str = "array") -> None:
        self._has_one_of_each = shape == "columns"
        records_at = [] if records == "$" else records.split(".")
        scopes: dict[int, _Scope] = {}
        for name, path in paths.items():
            depth = shared_depth(path, records, shape=shape)
            scope = scopes.setdefault(depth, _Scope(records_at[:depth]))
            scope.wanted[name] = path.split(".")
        self._inner_first = [scopes[depth] for depth in sorted(scopes, reverse=True)]
        self._ended: list[tuple[_Scope, bytes]] = []

    def take(self, event: str, names: Names, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Take one event of the value at *names*."""
        for scope in self._inner_first:
            if event.startswith("end_"):
                if _is_at(scope.at, names):
                    self._end(scope)
                continue
            for name, path in scope.wanted.items():
                if _is_at(path, names):
                    scope.values[name] = _member(name, event, value, scope, path)

    def names_below(self, names: Names) -> frozenset[str]:
        """The next names on the paths that lead through the object at *names*."""
        depth = len(names)
        paths = (path for scope in self._inner_first for path in scope.wanted.values())
        return frozenset(
            path[depth] for path in paths if len(path) > depth and _is_at(path[:depth], names)
        )

    def added(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield *records*, which just came, with their values; keep them where one is lacking."""
        return self._through(iter(records), self._inner_first)

    def due(self) -> Iterator[Record]:
        """Yield the records that were kept and lack nothing by now, in their order."""
        ended = [scope for scope, _ in self._ended]
        for scope in reversed(self._inner_first):
            if scope.held.size and scope.is_complete and scope not in ended:
                yield from self._release(scope, scope.members, until_end=ended)
        while self._ended:
            scope, members = self._ended.pop(0)
            ended = [later for later, _ in self._ended]
            yield from self._release(scope, members, until_end=ended)

    def completed(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield *records*, which come after all values."""
        for scope in self._inner_first:
            records = _with(records, scope.members)
        return iter(records)

    def close(self) -> None:
        """Delete what is kept."""
        for scope in self._inner_first:
            scope.held.close()

    def _end(self, scope: _Scope) -> None:
        """No value comes any more; another object may be next at the same place."""
        if scope.held.size or self._ended:
            self._ended.append((scope, scope.members))
        if scope.at and not self._has_one_of_each:
            scope.values = {}

    def _release(
        self, scope: _Scope, members: bytes, *, until_end: Sequence[_Scope]
    ) -> Iterator[Record]:
        lines = scope.held.read(0, scope.held.size, read_bytes=_READ_BYTES)
        records = _with(map(Record, lines), members)
        outer = self._inner_first[self._inner_first.index(scope) + 1 :]
        yield from self._through(records, outer, until_end=until_end)
        scope.held.clear()

    def _through(
        self,
        records: Iterator[Record],
        scopes: Sequence[_Scope],
        *,
        until_end: Sequence[_Scope] = (),
    ) -> Iterator[Record]:
        for scope in scopes:
            if scope in until_end or not scope.is_complete:
                scope.hold(records)
                return iter(())
            records = _with(records, scope.members)
        return records


def _with(records: Iterable[Record], members: bytes) -> Iterator[Record]:
    return (with_members(record, members) for record in records) if members else iter(records)


def _is_at(path: Names, names: Names) -> bool:
    """Whether *names* are a place that *path* means."""
    return len(path) == len(names) and all(
        name in ("*", found) for name, found in zip(path, names, strict=True)
    )


def _member(name: str, event: str, value: Any, scope: _Scope, path: Names) -> bytes:  # noqa: ANN401
    """A value as a member of records; ``SourceRefusedError`` where it is none that they can get."""
    at = ".".join(path)
    if event not in _TEXTS:
        what = "an object" if event == "start_map" else "an array"
        raise SourceRefusedError(
            f"the value at {at!r} is {what}; correct source.add.{name}, which copies plain values"
        )
    if name in scope.values:
        raise SourceRefusedError(
            f"two values at {at!r}: the body has a name twice, and nobody can say which one counts"
        )
    return encode_text(name) + b":" + _TEXTS[event](value)


_TEXTS: dict[str, Callable[[Any], bytes]] = {
    "string": encode_text,
    "number": lambda value: str(value).encode(),
    "boolean": lambda value: b"true" if value else b"false",
    "null": lambda _: b"null",
}
