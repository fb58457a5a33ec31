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
_ID_WORDS = {"id", "tid", "uid", "oid", "uuid", "guid", "key", "hash", "txid", "tradeid", "orderid"}
_SYMBOL_WORDS = {
    "symbol", "pair", "instrument", "market", "ticker", "product", "contract", "coin", "currency",
    "asset", "name", "code", "slug", "isin",
}  # fmt: skip


def with_key(
    fields: list[InferredField],
    *,
    is_snapshot: bool,
    step_ns: int | None,
    first_id: str | None = None,
) -> list[InferredField]:
    """*fields* with the columns of the key marked; none where no column is surely a key.

    A key that is not unique removes records, so being unique in one page is not enough: an
    id, a symbol in a snapshot, or the time of candles, which are *step_ns* apart. *first_id*
    is the id that the page was requested from: the column that starts there holds ids.
    """
    unique = [field for field in fields if field.type in _KEY_TYPES and _is_unique(field.values)]
    ids = [field for field in unique if field.type != "timestamp" and _is_id(field)]
    symbols = [field for field in unique if is_snapshot and is_symbol(field)]
    candles = [field for field in unique if field.event_time and step_ns]
    asked = [field for field in unique if first_id and _starts_at(field, first_id)]
    chosen = next(iter([*asked, *ids, *symbols, *candles]), None)
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
    named = words(field.source.rpartition(".")[2])
    text = field.type == "string" or (field.type == "int64" and named[-1:] == ["id"])
    return text and (named[-1:] == ["id"] or bool(_SYMBOL_WORDS.intersection(named)))


def _is_id(field: InferredField) -> bool:
    named = words(field.source.rpartition(".")[2])
    if named and named[-1] in _ID_WORDS and not field.name.startswith(UNNAMED):
        return True
    return name_says_time(field.source) is None and _counts(field.values)


def _counts(values: tuple[object, ...]) -> bool:
    """Whether the values of a column whose name says nothing are ids: each is the next number."""
    numbers = as_numbers(list(values)) or []
    if len(numbers) < 3 or any(number != number.to_integral_value() for number in numbers):
        return False
    steps = {b - a for a, b in pairwise(numbers)}
    return steps in ({Decimal(1)}, {Decimal(-1)})


def _is_unique(values: tuple[object, ...]) -> bool:
    return "" not in values and None not in values and len(set(map(str, values))) == len(values)
