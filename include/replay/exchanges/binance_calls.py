"""A request in Binance's form in, checked values out; or the error that Binance would give.

Binance reads every parameter or says so: an unknown one is an error, as are an empty one and a
number with other characters than digits.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

from starlette.requests import Request

from include.replay import instruments
from include.replay.responses import ReplayRefusalError, World

_NUMBER = re.compile(r"\d{1,20}")
_SYMBOL = re.compile(r"[A-Z0-9-_.]{1,20}")
_MICROSECONDS = 10**14  # larger numbers are µs: in ms they would be after the year 5138


def refuse(code: int, message: str, *, status: int = 400) -> NoReturn:
    """Say no as Binance does."""
    raise ReplayRefusalError(status, f'{{"code":{code},"msg":"{message}"}}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """``startTime`` and ``endTime`` as they were given: both inclusive, ms."""

    first_ms: int | None = None
    last_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: its parameters, and the time at which it came."""

    world: World
    request: Request
    now_ms: int

    @classmethod
    def read(cls, world: World, request: Request, *, names: Collection[str]) -> Call:
        """Check the names of the parameters; *names* are those that the path reads."""
        sent = [name for name, _ in request.query_params.multi_items()]
        read = sum(name in names for name in set(sent))
        if read < len(sent):
            refuse(
                -1104,
                f"Not all sent parameters were read; read '{read}' parameter(s) "
                f"but was sent '{len(sent)}'.",
            )
        return cls(world=world, request=request, now_ms=world.now_ms())

    @property
    def time_unit(self) -> int:
        """1 for milliseconds, 1,000 for microseconds."""
        unit = self.request.headers.get("x-mbx-time-unit", "MILLISECOND").upper()
        return 1_000 if unit == "MICROSECOND" else 1

    def headers(self, *, weight: int) -> dict[str, str]:
        """Headers of every response. Nothing is limited here, as if a minute had just started."""
        return {"X-MBX-USED-WEIGHT": str(weight), "X-MBX-USED-WEIGHT-1M": str(weight)}

    def get(self, name: str) -> str | None:
        """A parameter, or None; one that was sent without a value is an error."""
        value = self.request.query_params.get(name)
        if value == "":
            refuse(-1105, f"Parameter '{name}' was empty.")
        return value

    def required(self, name: str) -> str:
        """A parameter that has to be there."""
        value = self.request.query_params.get(name)
        if not value:
            refuse(
                -1102,
                f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
            )
        return value

    def integer(self, name: str) -> int | None:
        """A parameter that is a number, or None."""
        value = self.get(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            refuse(
                -1100,
                f"Illegal characters found in parameter '{name}'; "
                "legal range is '^[0-9]{1,20}$'.",
            )
        return int(value)

    def rows(self, *, default: int, most: int) -> int:
        """``limit``: cut to *most*, as Binance cuts it."""
        limit = self.integer("limit")
        if limit == 0:
            refuse(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(default if limit is None else limit, most)

    def symbol(self, quotes: Collection[str]) -> str:
        """``symbol``: in capitals, with one of *quotes* at its end."""
        return listed(self.required("symbol"), quotes=quotes)

    def span(self) -> Span:
        """``startTime`` and ``endTime``, which may be given in ms or in µs."""
        first, last = self.integer("startTime"), self.integer("endTime")
        return Span(first_ms=_in_ms(first), last_ms=_in_ms(last))

    def visible_ms(self, span: Span) -> int:
        """The end, exclusive, of what this call may see: now, or just after its endTime."""
        return self.now_ms if span.last_ms is None else min(span.last_ms + 1, self.now_ms)


def listed(symbol: str, *, quotes: Collection[str]) -> str:
    """*symbol*, where Binance lists such a pair."""
    if not _SYMBOL.fullmatch(symbol):
        refuse(
            -1100,
            "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.",
        )
    if instruments.split(symbol, quotes=quotes) is None:
        refuse(-1121, "Invalid symbol.")
    return symbol


def _in_ms(moment: int | None) -> int | None:
    return moment // 1_000 if moment is not None and moment >= _MICROSECONDS else moment
