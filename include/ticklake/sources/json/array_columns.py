"""Records that are arrays become objects with the feed's column names, value by value.

Values stay the source's text. An array that grew keeps its further values as ``column_9``,
``column_10``, ...; they have their names once the feed's ``columns`` do, also in JSON that was
staged before. An array that lacks a value stays an array: nobody knows which one is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count

import msgspec

from include.ticklake.errors import SourceRefusedError
from include.ticklake.model.column_names import position_of, unnamed_column
from include.ticklake.model.json_members import has_more_elements
from include.ticklake.model.record import Record
from include.ticklake.sources.json.array_splitter import split_whole_array

MAX_VALUES = 100_000
"""A longer array stays one, and is refused: a name for each of a million numbers would take many
times their text."""

_BRACKETS = b"{["
_MARK = b'"column_'
_NAMES = msgspec.json.Decoder(list[str])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class ArrayColumns:
    """The feed's ``columns``; a name that ends in ``?`` may be missing at the end of a record."""

    def __init__(self, columns: Sequence[str], *, where: str = "source.columns") -> None:
        self._where = where
        self._names = [name.rstrip("?") for name in columns]
        self._min_values = max(1, sum(not name.endswith("?") for name in columns))
        self._prefixes = [_prefix(name, number) for number, name in enumerate(self._names)]
        self._max_values = 0
        self._latest: Sequence[Record] = ()
        positions = (str(n) for n, name in enumerate(self._names, 1) if name != unnamed_column(n))
        self._renamed_since = re.compile(rb'"column_(?:%b)":' % "|".join(positions).encode())

    @property
    def unnamed(self) -> Iterator[str]:
        """The names that values beyond the feed's columns were given so far."""
        positions = range(len(self._names) + 1, self._max_values + 1)
        return map(unnamed_column, positions)

    @property
    def last_object(self) -> Record | None:
        """The last of the latest records that became an object."""
        for record in reversed(self._latest):
            if record is not (named := next(self._named([record]))):
                return named
        return None

    def as_objects(self, records: Sequence[Record]) -> Iterator[Record]:
        """Yield arrays as objects, and plain values where there is one name; others as they are.

        An array that lacks a value is such a one.
        """
        self._latest = records
        return self._named(records)

    def _named(self, records: Iterable[Record]) -> Iterator[Record]:
        prefixes, min_values, max_values = self._prefixes, self._min_values, len(self._prefixes)
        for record in records:
            try:
                values = _split(record)
            except msgspec.ValidationError:
                yield self._one_value(record)
                continue
            if min_values <= len(values) <= max_values:
                pairs = zip(prefixes, values, strict=False)  # optional values may be missing
                yield Record(b"".join(chain.from_iterable(pairs)) + b"}")
            else:
                yield record if len(values) < min_values else self._grown(values)

    def _one_value(self, record: Record) -> Record:
        """A plain value with the one name that there is for it; others as they are."""
        if len(self._prefixes) > 1 or memoryview(record)[0] in _BRACKETS:
            return record
        return Record(self._prefixes[0] + bytes(record) + b"}")

    def staged(self, record: bytes) -> bytes:
        """The text of a staged *record* with the names that ``columns`` has now."""
        if record.startswith(b"["):
            try:
                return bytes(next(self.as_objects([Record(record)])))
            except (msgspec.MsgspecError, RecursionError):
                return record  # it is refused, with its own reason
        return self._renamed(record) if self._has_old_name(record) else record

    def may_need_names(self, lines: bytes) -> bool:
        """Whether ``staged`` may change one of *lines*: fast, and never False if it does."""
        return lines.startswith(b"[") or b"\n[" in lines or self._has_old_name(lines)

    def misfit(self, record: bytes) -> str | None:
        """Why *record* is an array that ``staged`` leaves as it is, if it is one."""
        try:
            values = len(_split(record)) if record.startswith(b"[") else None
        except _TooManyValuesError as error:
            return str(error)
        except (msgspec.MsgspecError, RecursionError):
            return None
        if values is None or values >= self._min_values:
            return None
        optional = len(self._names) - self._min_values
        names = f"{len(self._names)} names" + (f", {optional} of them optional" if optional else "")
        return f"the record is an array of {values} values, and {self._where} has {names}"

    def _has_old_name(self, text: bytes) -> bool:
        return _MARK in text and self._renamed_since.search(text) is not None

    def _grown(self, values: list[Record]) -> Record:
        self._max_values = max(self._max_values, len(values))
        further = (
            _prefix(unnamed_column(number + 1), number) for number in count(len(self._names))
        )
        pairs = zip(chain(self._prefixes, further), values, strict=False)
        return Record(b"".join(chain.from_iterable(pairs)) + b"}")

    def _renamed(self, record: bytes) -> bytes:
        """*record* with the present names of values that had none when it was staged."""
        if has_more_elements(record, MAX_VALUES):
            return record  # of the source's own
        try:
            members = _OBJECT.decode(record)
        except (msgspec.MsgspecError, RecursionError):
            return record
        names = [self._present_name(name) for name in members]
        # An object of the source's own may have any names, also one of them twice.
        if len(set(names)) < len(names) or _object(members, members.values()) != record:
            return record
        return _object(names, members.values())

    def _present_name(self, name: str) -> str:
        position = position_of(name)
        return self._names[position - 1] if position and position <= len(self._names) else name


class _TooManyValuesError(msgspec.ValidationError):
    """Nothing is split of such an array."""


def first_row_columns(row: Record, *, where: str) -> ArrayColumns:
    """The columns that the *row* before the records at *where* names."""
    try:
        names = _NAMES.decode(row)
    except msgspec.MsgspecError:
        names = []
    # A question mark has no meaning here, and a blank name none either.
    if not names or len(set(names)) < len(names) or any(name != name.rstrip("?") for name in names):
        raise SourceRefusedError(
            f"the first row at {where!r} is not the names of the others; remove "
            "`columns: first_row`, or list the names"
        )
    return ArrayColumns(names, where="the first row")


def _split(array: bytes | Record) -> list[Record]:
    """The values of *array*; ``msgspec.ValidationError`` for what is not one, or too long."""
    if len(memoryview(array)) > 2 * MAX_VALUES and has_more_elements(bytes(array), MAX_VALUES):
        raise _TooManyValuesError(f"the record is an array of more than {MAX_VALUES} values")
    return split_whole_array(array)


def _object(names: Iterable[str], values: Iterable[Record]) -> bytes:
    prefixes = (_prefix(name, number) for number, name in enumerate(names))
    return b"".join(chain.from_iterable(zip(prefixes, values, strict=True))) + b"}"


def _prefix(name: str, number: int) -> bytes:
    return (b"," if number else b"{") + msgspec.json.encode(name) + b":"
