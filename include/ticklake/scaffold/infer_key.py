"""Choose the key of a feed: the column that makes a record unique in its slice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_times import UNNAMED, name_says_time
from include.ticklake.scaffold.infer_types import as_numbers
from include.ticklake.scaffold.name_words import words

_KEY_TYPES = {"int64", "string", "timestamp"}
_IDS = {"tid", "uuid", "guid", "tradeid", "execid", "eventid"}
_EVENTS = {
    "trade", "trades", "exec", "execution", "event", "tx", "transaction", "match", "fill", "deal",
    "record", "entry", "row", "message", "msg", "agg", "tick", "log", "payment", "transfer",
}  # fmt: skip
_WRAPPERS = {"attributes", "properties", "node", "data", "source", "fields"}
_SYMBOLS = {
    "symbol", "pair", "instrument", "inst", "market", "ticker", "product", "contract", "isin",
    "pairs", "instid",
}  # fmt: skip
_NAMES = {"coin", "currency", "asset", "name", "code", "slug"}
_PARTS = {
    "base", "quote", "settle", "settlement", "fee", "underlying", "margin", "type", "family",
    "first", "last", "id",
}  # fmt: skip
"""Words of what several instruments have in common, or that say nothing of an instrument."""


def with_key(
    fields: list[InferredField],
    *,
    is_snapshot: bool,
    step_ns: int | None,
    first_id: str | None = None,
    map_key: str | None = None,
) -> list[InferredField]:
    """*fields* with the columns of the key marked; none where no column is surely a key.

    A key that is not unique removes records, so being unique in one page is not enough: an
    id, a symbol in a snapshot, or the time of candles, which are *step_ns* apart. *first_id*
    is the id that the page was requested from: the column that starts there holds ids. *map_key*
    is what the names in a map are called: each is there once.
    """
    unique = [field for field in fields if field.type in _KEY_TYPES and _is_unique(field.values)]
    ids = [field for field in unique if field.type != "timestamp" and _is_id(field)]
    symbols = sorted(filter(is_symbol, unique if is_snapshot else ()), key=_symbol_rank)
    candles = [field for field in unique if field.event_time and step_ns]
    asked = [field for field in unique if first_id and _starts_at(field, first_id)]
    names = [field for field in fields if field.source == map_key]
    chosen = next(iter([*names, *asked, *ids, *symbols, *candles]), None)
    if chosen is None:
        return fields
    reason = "; ".join(filter(None, (chosen.reason, "unique in this page")))
    marked = replace(chosen, key=True, reason=reason)
    return [marked if field is chosen else field for field in fields]


def _starts_at(field: InferredField, first_id: str) -> bool:
    """Whether the page starts at or soon after *first_id* in this column: there may be gaps."""
    if field.type != "int64" or not first_id.isdecimal():
        return False
    ids = [int(str(value)) for value in field.values]
    return 0 <= min(ids) - int(first_id) <= max(1, int(first_id) // 10_000)


def is_symbol(field: InferredField) -> bool:
    """Whether the column names what a record is about: a symbol, a pair, a coin."""
    return field.type in ("string", "int64") and _symbol_rank(field) < _NO_SYMBOL


def _symbol_rank(field: InferredField) -> int:
    """Least for a symbol; a name or a currency needs two records that differ in it."""
    named = set(_own_words(field))
    if field.type == "string" and named & _SYMBOLS and not named & (_PARTS - {"id"}):
        return 0
    if field.type == "string" and named & _NAMES and not named & _PARTS:
        return 1 if len(field.values) > 1 else _NO_SYMBOL
    return _NO_SYMBOL


_NO_SYMBOL = 2
SYMBOL_WORDS = frozenset(_SYMBOLS | {"coin", "currency", "asset"})
"""Words in the names of what a record is about."""


def _is_id(field: InferredField) -> bool:
    """Whether the column is the id of the record itself, not of a thing that it names."""
    named = _own_words(field)
    if named == ["id"] or (named and "".join(named) in _IDS):
        return True
    if named[-1:] == ["id"] and _EVENTS.intersection(named):
        return True
    return name_says_time(field.source) is None and _counts(field.values)


def _own_words(field: InferredField) -> list[str]:
    """The words of the column's name; none where it belongs to another thing: ``user.id``."""
    *parents, name = field.source.split(".")
    is_own = not parents or (_EVENTS | _WRAPPERS).intersection(words(parents[-1]))
    return words(name) if is_own and not name.startswith(UNNAMED) else []


def _counts(values: tuple[object, ...]) -> bool:
    """Whether the values of a column whose name says nothing are ids: each is the next number."""
    numbers = as_numbers(list(values)) or []
    if len(numbers) < 3 or any(number != number.to_integral_value() for number in numbers):
        return False
    steps = {b - a for a, b in pairwise(numbers)}
    return steps in ({Decimal(1)}, {Decimal(-1)})


def _is_unique(values: tuple[object, ...]) -> bool:
    return "" not in values and None not in values and len(set(map(str, values))) == len(values)
