"""What the name of a parameter says of a time in it: the start of a window, its end, or neither."""

from __future__ import annotations

import re
from typing import Literal

from include.ticklake.scaffold.name_words import words

Role = Literal["start", "end"]

_STARTS = {
    "start", "starting", "starts", "from", "since", "after", "begin", "beginning", "begins", "min",
    "gte", "gt", "ge", "oldest", "lower", "earliest", "newer",
}  # fmt: skip
_ENDS = {
    "end", "ending", "ends", "to", "until", "till", "before", "max", "lte", "lt", "le", "latest",
    "upper", "stop", "finish", "through", "older",
}  # fmt: skip
_EXCLUSIVE = {"after", "gt", "since"}
_REVERSIBLE = {"after", "before"}
_ABOUT = (
    r"(?:time|date|datetime|timestamp|stamp|ts|at|on|day|ms|sec|s|utc|created|updated|trade|event)*"
)
_GLUED_START = re.compile(rf"{_ABOUT}(?:start|from|since|begin|after|min){_ABOUT}")
_GLUED_END = re.compile(rf"{_ABOUT}(?:end|to|until|till|before|max){_ABOUT}")
_NUMBERED = {"period1": "start", "period2": "end", "t0": "start", "t1": "end", "sdate": "start",
             "edate": "end"}  # fmt: skip
_NOT_TIMES = {
    "id", "ids", "tid", "uid", "uuid", "cursor", "page", "offset", "skip", "limit", "count", "size",
    "nonce", "key", "token", "hash", "block", "height", "seq", "sequence", "number", "num",
    "amount", "qty", "quantity", "volume", "price", "value", "version", "cik", "account", "user",
    "phone", "zip", "isin", "window", "rand", "random", "cb", "cachebuster", "signature", "sign",
    "symbol", "symbols", "instrument", "instruments", "contract", "contracts", "product",
    "products", "market", "markets", "pair", "pairs", "ticker", "tickers", "inst", "strike",
}  # fmt: skip
_TIME_WORDS = {"time", "timestamp", "ts", "date", "datetime"}
_NOT_WINDOWS = {"expiry", "expiration", "expires", "exp", "maturity", "delivery", "settlement"}


def role_of(name: str) -> Role | None:
    """The end of a window that *name* says: ``startTime``, ``date_from``, ``ts[lt]``, ``until``."""
    glued = re.sub(r"[^a-z0-9]", "", name.lower())
    if glued in _NUMBERED:
        return "start" if _NUMBERED[glued] == "start" else "end"
    is_start = bool(_STARTS.intersection(words(name))) or _GLUED_START.fullmatch(glued) is not None
    is_end = bool(_ENDS.intersection(words(name))) or _GLUED_END.fullmatch(glued) is not None
    if is_start != is_end:
        return "start" if is_start else "end"
    return None


def is_other_name(name: str) -> bool:
    """Whether the name says that its value is not a window: an id, a cursor, an expiry."""
    named = set(words(name))
    is_other = _NOT_TIMES & named and not _TIME_WORDS & named
    return name == "_" or bool(is_other or _NOT_WINDOWS & named)


def may_be_zero(name: str) -> bool:
    """Whether 0 means a time in a parameter of that name: ``since=0``."""
    return bool((_TIME_WORDS | {"since"}).intersection(words(name)))


def is_exclusive(name: str) -> bool:
    """Whether records at the very time may be left out, so that one instant earlier is asked for.

    Most APIs leave out the record at ``after``, some the one at ``since``.
    """
    return bool(_EXCLUSIVE.intersection(words(name)))


def is_reversible(name: str) -> bool:
    """Whether *name* means later to most APIs and older to some, as ``after`` does."""
    return bool(_REVERSIBLE.intersection(words(name)))
