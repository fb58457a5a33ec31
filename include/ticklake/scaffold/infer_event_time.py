"""Choose the time of a record's event, or say that the page is a snapshot of a state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from include.ticklake.model.times import parse_ns
from include.ticklake.scaffold import infer_times
from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_key import is_symbol
from include.ticklake.scaffold.infer_texts import instant_ns
from include.ticklake.scaffold.name_words import words

_EVENT_NAMES = {
    "t", "ts", "time", "date", "datetime", "timestamp", "at", "mts", "when", "e", "event", "trade",
    "open", "opened", "created", "create", "executed", "filled", "start", "begin", "traded",
    "transact", "block", "match", "funding", "tm",
}  # fmt: skip
_OTHER_TIMES = {
    "update", "updated", "last", "close", "closed", "end", "expiry", "expiration", "expire",
    "expires", "next", "server", "delivery", "launch", "listing", "listed", "list", "onboard",
    "settlement", "ath", "atl", "fetched", "received", "modified", "until", "to", "exp", "prev",
}  # fmt: skip
_STATE_PATHS = {
    "ticker", "tickers", "quote", "quotes", "price", "summary", "summaries", "snapshot",
    "instrument", "instruments", "symbols", "products", "markets", "currencies", "assets",
    "contracts", "latest", "listings", "bookticker", "stats", "spot", "rates", "active", "merged",
    "24hr", "pairs", "exchanges", "status", "info",
    "index", "orderbook", "orderbooks", "book", "books", "depth",
}  # fmt: skip
_HISTORY_PATHS = {
    "trades", "trade", "history", "historical", "transactions", "events", "funding", "chart",
    "fills",
}  # fmt: skip
_CANDLE_PATHS = {
    "candles", "candle", "klines", "kline", "ohlc", "ohlcv", "bars", "aggs", "candlestick",
    "candlesticks",
}  # fmt: skip
_CANDLE_NAMES = ({"open", "high", "low", "close"}, {"o", "h", "l", "c"})
_STATE_NAMES = {"last", "bid", "ask", "best", "change", "percent", "mark", "vwap", "24h", "high",
                "low", "volume", "prev"}  # fmt: skip


def with_event_time(fields: list[InferredField]) -> list[InferredField]:
    """*fields* with the most likely time of the event marked, if every record has one.

    A number since 1970 is preferred to a text without a zone, whose meaning is a guess.
    """
    times = [
        field
        for field in fields
        if field.type == "timestamp" and all(value not in (None, "") for value in field.values)
    ]
    likely = [
        field for field in times if not _OTHER_TIMES.intersection(_words(field)) and _may_be(field)
    ]
    if not likely:
        return fields
    chosen = min(likely, key=_rank)
    others = ", ".join(field.name for field in times if field is not chosen)
    reason = f"when it happened{f', or {others}' if others else ''}; {chosen.reason}".rstrip("; ")
    marked = replace(chosen, event_time=True, reason=reason)
    return [marked if field is chosen else field for field in fields]


def is_snapshot(fields: list[InferredField], *, url_path: str) -> bool:
    """Whether the page is a state, such as a ticker: one current record of each symbol.

    Its times are then those of the last change, and the event is the request.
    """
    if not any(field.event_time for field in fields):
        return True
    last = _last_words(url_path)
    if (_CANDLE_PATHS | {"trades"}).intersection(url_path.lower().split("/")):
        return False
    if (_HISTORY_PATHS | _CANDLE_PATHS).intersection(last):
        return False
    if _STATE_PATHS.intersection(last):
        return True
    return _has_one_per_symbol(fields)


def _has_one_per_symbol(fields: list[InferredField]) -> bool:
    symbols = [field for field in fields if field.type == "string" and is_symbol(field)]
    state = [field for field in fields if _STATE_NAMES.intersection(_words(field))]
    has_quote = {"bid", "ask"} <= {word for field in state for word in _words(field)}
    return (
        len(state) >= 3
        and (has_quote or len(state) >= 5)
        and any(len(set(field.values)) == len(field.values) for field in symbols)
    )


def infer_order(field: InferredField) -> str:
    """The order of the sample by a time: ascending, descending or none."""
    known_ns = event_times_ns(field)
    if known_ns == sorted(known_ns):
        return "ascending"
    return "descending" if known_ns == sorted(known_ns, reverse=True) else "none"


def event_times_ns(field: InferredField) -> list[int]:
    """The times of a column in nanoseconds since 1970."""
    if field.format:
        found = [instant_ns(value, format_=field.format) for value in field.values]
    else:
        found = [parse_ns(value, unit=field.unit or "ms") for value in field.values]
    return [at_ns for at_ns in found if at_ns is not None]


def candle_length(fields: list[InferredField], *, url_path: str, step_ns: int | None) -> str | None:
    """The length of the candles, as a feed writes it: ``15m``, ``1d``; None for other records."""
    named = {word for field in fields for word in [field.name.lower(), *_words(field)[-1:]]}
    is_candle = any(names <= named for names in _CANDLE_NAMES)
    if step_ns is None or not (is_candle or _CANDLE_PATHS.intersection(_last_words(url_path))):
        return None
    seconds = step_ns // 10**9
    for unit, length in (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return None


def _last_words(url_path: str) -> set[str]:
    """The words of the last two parts of a path, which say what the records are."""
    segments = [segment for segment in url_path.split("/") if segment][-2:]
    return {word for segment in segments for word in [segment.lower(), *words(segment)]}


def step_between(fields: Iterable[InferredField]) -> int | None:
    """The step in nanoseconds between event times that are whole minutes a fixed step apart."""
    event = next((field for field in fields if field.event_time), None)
    at_ns = sorted(event_times_ns(event)) if event else []
    minute_ns = 60 * 10**9
    steps = {b - a for a, b in pairwise(at_ns)}
    if not steps or 0 in steps or any(ns % minute_ns for ns in at_ns):
        return None
    shortest = min(steps)
    return shortest if all(step % shortest == 0 for step in steps) else None


def _words(field: InferredField) -> list[str]:
    return words(field.source.rpartition(".")[2])


def _may_be(field: InferredField) -> bool:
    """Whether a time may be the event's: it orders the page, or is called so."""
    if field.name.startswith(infer_times.UNNAMED):
        return True
    has_order = len(set(field.values)) > 1 and infer_order(field) != "none"
    return has_order or _is_event_name(field)


def _is_event_name(field: InferredField) -> bool:
    named = _words(field)
    return bool(_EVENT_NAMES.intersection(named)) or any(
        word.startswith("timestamp") for word in named
    )


def _rank(field: InferredField) -> tuple[bool, bool, bool, bool]:
    """Least for the likeliest: of a known zone, in order, not the same in all records, a name."""
    is_guess = (field.unit == "iso" or field.format is not None) and not (
        {"utc", "gmt"}.intersection(_words(field))
        or all(infer_times.has_zone(str(value)) for value in field.values)
    )
    is_constant = len(field.values) > 1 and len(set(field.values)) == 1
    return (is_guess, infer_order(field) == "none", is_constant, not _is_event_name(field))
