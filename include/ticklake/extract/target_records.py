"""A record of a file as the API of the same table would have returned it.

Its values get the names that the table's feed reads, and its times that feed's unit, exactly: zeros
are added, or a fraction where the column is fine enough for it. All else stays, digit by digit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial

import msgspec

from include.ticklake.errors import TimeUnitError
from include.ticklake.extract.window_filter import unit_guard
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FETCHED_AT, FieldSpec
from include.ticklake.model import json_path, times
from include.ticklake.model.record import Record
from include.ticklake.model.times import EPOCH, UNIT_NAMES, Instant
from include.ticklake.types.null_values import NullValues
from include.ticklake.types.timestamp import TimestampType
from include.ticklake.types.values import EXACT

Change = Callable[[Record, bytes], bytes]
"""A record and one of its values, to the value as the table's feed reads it."""

_DECODE = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_DIGITS = {"s": 9, "float_s": 9, "ms": 6, "us": 3, "ns": 0}
_NS = 10**9


class _Tree(dict[str, "_Tree | bytes"]):
    """The members of an object that is put together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """Where the value of one column is in a file's record, and where it goes."""

    source: str
    target: str
    find: Callable[[Record], msgspec.Raw | None]
    change: Change | None

    @property
    def is_flat(self) -> bool:
        """Whether it is a member of the record on both sides."""
        return "." not in self.source and "." not in self.target


class TargetRecords:
    """Rewrites the records of a feed's files for the table of its target."""

    def __init__(self, feed: Feed) -> None:
        columns = feed.target.fields
        self._moves = [
            _Move(
                source=own.source,
                target=columns[name].source,
                find=json_path.finder(own.source.split(".")),
                change=_change(feed, name),
            )
            for name, own in feed.fields.items()
            if own.source != FETCHED_AT
        ]
        self._is_same = not any(move.change or move.target != move.source for move in self._moves)
        self._is_flat = all(move.is_flat for move in self._moves)
        self._members = [
            (move.source, b",%b:" % json.dumps(move.target).encode(), move.change)
            for move in self._moves
        ]
        self._moved = {move.source.partition(".")[0] for move in self._moves}
        self._targets = {move.target.partition(".")[0] for move in self._moves}

    def rewrite(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield *records* as the table's feed reads them.

        ``TimeUnitError`` for a time that its column cannot hold. What is not an object stays as
        it is: its conversion quarantines it.
        """
        return iter(records) if self._is_same else map(self._rewritten, records)

    def _rewritten(self, record: Record) -> Record:
        try:
            members: Mapping[str, msgspec.Raw] = _DECODE(record)
        except (msgspec.MsgspecError, RecursionError):
            if not bytes(record).startswith(b"{"):
                return record
            # Half of a surrogate pair: only what columns read of it is kept.
            return Record(_text(self._tree(record)))
        if not self._is_flat:
            read = _text(self._tree(record))[1:-1]
            return _record(read and b"," + read, self._others(members))
        texts: list[bytes | msgspec.Raw] = []
        for source, name, change in self._members:
            if (value := members.get(source)) is not None:
                texts += (name, change(record, bytes(value)) if change else value)
        others = self._others(members) if 2 * len(members) > len(texts) else b""
        return _record(b"".join(texts), others)

    def _tree(self, record: Record) -> _Tree:
        tree = _Tree()
        for move in self._moves:
            if (value := move.find(record)) is not None:
                text = bytes(value)
                changed = move.change(record, text) if move.change else text
                _put(tree, move.target.split("."), changed)
        return tree

    def _others(self, members: Mapping[str, msgspec.Raw]) -> bytes:
        """The members that no column reads, under their own names."""
        taken = self._moved | self._targets
        return b"".join(
            b",%b:%b" % (json.dumps(name).encode(), value)
            for name, value in members.items()
            if name not in taken
        )


def _record(*members: bytes) -> Record:
    """The record of *members*, each of which begins with its comma."""
    return Record(b"{" + b"".join(members)[1:] + b"}")


def _put(tree: _Tree, path: list[str], value: bytes) -> None:
    for name in path[:-1]:
        inner = tree.setdefault(name, _Tree())
        assert isinstance(inner, _Tree)  # noqa: S101 - no column reads inside of another's value
        tree = inner
    tree[path[-1]] = value


def _text(tree: _Tree) -> bytes:
    members = (
        b"%b:%b" % (json.dumps(name).encode(), _text(value) if isinstance(value, _Tree) else value)
        for name, value in tree.items()
    )
    return b"{" + b",".join(members) + b"}"


def _change(feed: Feed, name: str) -> Change | None:
    """What becomes of the values of the column *name*; None where they stay as they are."""
    own, column = feed.fields[name], feed.target.fields[name]
    nulls = own.nulls if own.null_values != column.null_values else None
    change: Change | None = None
    if isinstance(own.field_type, TimestampType) and not _is_read_as_it_is(own, column):
        change = _TimeChange(feed, name)
    return partial(_null_or, nulls, change) if nulls else change


def _null_or(nulls: NullValues, change: Change | None, record: Record, value: bytes) -> bytes:
    if nulls.matches_json(value):
        return b"null"
    return change(record, value) if change else value


def _is_read_as_it_is(own: FieldSpec, column: FieldSpec) -> bool:
    """Whether the table's feed reads times as the files write them."""
    return own.text_times == column.text_times and set(own.units) <= set(column.units)


class _TimeChange:
    """Writes the times of one column in the unit of the table's feed."""

    def __init__(self, feed: Feed, name: str) -> None:
        self._feed, self._name = feed, name
        self._own, column = feed.fields[name], feed.target.fields[name]
        assert isinstance(column.field_type, TimestampType)  # noqa: S101 - types are the same
        self._precision = column.field_type.unit
        self._finest_ns = _NS // column.field_type.per_second
        units = () if self._own.text_times else self._own.units
        self._units_ns = [10 ** _DIGITS[unit] for unit in units]
        self._unit = None if column.text_times else column.units[-1]
        self._refuse_other_unit = unit_guard(feed) if self._own.event_time else None
        self._plausible_ns = times.plausible_range(feed.years, unit="ns")

    def __call__(self, record: Record, value: bytes) -> bytes:
        first_ns, after_ns = self._plausible_ns
        digits = value[1:-1] if value.startswith(b'"') else value
        if digits.isdigit() and (at_ns := self._usual_ns(int(digits))):
            text = digits.decode()
            instant: Instant | None = Instant(at_ns, is_exact=True)
        else:
            text = str(json.loads(value)) if value.startswith(b'"') else value.decode()
            instant = self._instant(text)
        if self._refuse_other_unit and not (instant and first_ns <= instant.ns < after_ns):
            self._refuse_other_unit(record)
        if instant is None:  # no time at all: its conversion says so
            return value
        if not instant.is_exact or instant.ns % self._finest_ns:
            raise self._too_fine(text, instant)
        return self._written(instant.ns).encode()

    def _usual_ns(self, number: int) -> int | None:
        """A whole number of a unit that gives a plausible year."""
        first_ns, after_ns = self._plausible_ns
        instants = (number * unit_ns for unit_ns in self._units_ns)
        return next((at_ns for at_ns in instants if first_ns <= at_ns < after_ns), None)

    def _instant(self, text: str) -> Instant | None:
        if self._own.text_times:
            return self._own.text_times.parse(text)
        return times.parse_any(text, self._own.units, years=self._feed.years)

    def _written(self, at_ns: int) -> str:
        if self._unit is None:
            seconds, rest_ns = divmod(at_ns, _NS)
            fraction = f".{rest_ns:09}".rstrip("0") if rest_ns else ""
            return f'"{EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}{fraction}Z"'
        digits = _DIGITS[self._unit]
        whole, rest = divmod(at_ns, 10**digits)
        if not rest:
            return str(whole)
        return f"{Decimal(at_ns).scaleb(-digits, context=EXACT):f}".rstrip("0")

    def _too_fine(self, text: str, instant: Instant) -> TimeUnitError:
        target = self._feed.target.name
        where = f"feed {self._feed.name}, field {self._name}: {text}"
        if not instant.is_exact:
            return TimeUnitError(f"{where} is finer than a nanosecond; nothing was committed")
        finer = "ns" if instant.ns % 1_000 else "us"
        return TimeUnitError(
            f"{where} is finer than {UNIT_NAMES[self._precision]}, the precision of its column in "
            f"{target}; write `precision: {finer}` in that field of {target}: nothing was committed"
        )
