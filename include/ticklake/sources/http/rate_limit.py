"""When the next request may be sent: all workers together slow down before a rate limit is reached.

What is known of a host is in a ``RateStore``, which they share; a limiter is one unit's view of it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from include.ticklake.errors import NotThereYetError, RateLimitedError
from include.ticklake.feed.rate_limit import RateLimit
from include.ticklake.sources.host_rate import HostRate, QuotaReport
from include.ticklake.sources.http.waits import read_wait_s
from include.ticklake.sources.rate_store import RateStore

log = logging.getLogger(__name__)

_FULL = 0.9
"""Share of a quota from which on a client waits for the next period: others may share its IP."""
_MOMENT_S = 0.1
"""So long a unit may always wait, for the first answer to another one of its batch."""
_SAID_FROM_S = 5.0
"""A wait longer than this is logged as it begins."""


class RateLimiter:
    """When the requests of one unit to *path* of *host* may be sent.

    Threads may share it, except that a refusal counts as waited for by the one that was refused.
    """

    def __init__(
        self,
        rate_limit: RateLimit,
        *,
        store: RateStore,
        host: str,
        path: str,
        max_wait_s: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate_limit, self._max_wait_s, self._sleep = rate_limit, max_wait_s, sleep
        self._store, self._host, self._path = store, host, path
        self._has_waited = 0.0

    @contextmanager
    def turn(self, request: object, *, within_s: float = math.inf) -> Iterator[Turn]:
        """Wait until *request* may be sent; the block sends it, and says what was answered.

        ``RateLimitedError`` where the wait takes too long, which is before anything is sent. One
        that the block raises has all workers of the host wait.
        """
        turn = Turn(self._acquire(request, within_s=within_s), self._answer)
        try:
            yield turn
        except NotThereYetError:
            self._lose(turn.sent_s)
            raise
        except RateLimitedError as error:
            self._refuse(turn.sent_s, error.retry_after_s)
            raise
        except BaseException:
            if not turn.is_over:
                self._lose(turn.sent_s)
            raise

    def _acquire(self, request: object, *, within_s: float) -> float:
        """Wait; then when the request is sent, on the store's clock."""
        waited_s, slept_from_s, slept_s = 0.0, 0.0, 0.0
        while True:
            wait_s, now_s = self._try()
            if wait_s <= 0:
                return now_s
            if now_s < slept_from_s + slept_s / 2:
                return now_s  # its clock was set back: what it asked for is over
            if wait_s > min(max(self._max_wait_s, _MOMENT_S), within_s - waited_s):
                raise RateLimitedError(str(request), retry_after_s=wait_s)
            if wait_s > _SAID_FROM_S:
                log.info("rate_limit.wait wait_s=%.0f: %s", wait_s, request)
            self._sleep(wait_s)
            waited_s, slept_from_s, slept_s = waited_s + wait_s, now_s, wait_s

    def _try(self) -> tuple[float, float]:
        """Send now, or how long to wait first; and the time."""
        wait_s, at_s = 0.0, 0.0

        def send(rate: HostRate, now_s: float) -> HostRate:
            nonlocal wait_s, at_s
            at_s = now_s
            wait_s = rate.wait_s(self._path, now_s=now_s, has_waited=self._has_waited)
            if wait_s > 0:
                return rate
            rps = self._rate_limit.requests_per_s
            return rate.send(self._path, now_s=now_s, requests_per_s=rps)

        self._change(send)
        return wait_s, at_s

    def _answer(self, sent_s: float, headers: Mapping[str, str]) -> None:
        def answer(rate: HostRate, now_s: float) -> HostRate:
            reading = self._reading(headers, now_s)
            return rate.answer(self._path, sent_s=sent_s, reading=reading, now_s=now_s)

        self._change(answer)

    def _refuse(self, sent_s: float, wait_s: float) -> None:
        def refuse(rate: HostRate, now_s: float) -> HostRate:
            refused = rate.refuse(self._path, sent_s=sent_s, wait_s=wait_s, now_s=now_s)
            self._has_waited = refused.refused_until_s
            return refused

        self._change(refuse)

    def _lose(self, sent_s: float) -> None:
        self._change(lambda rate, now_s: rate.lose(self._path, sent_s=sent_s, now_s=now_s))

    def _change(self, change: Callable[[HostRate, float], HostRate]) -> None:
        self._store.change(self._host, change)

    def _reading(self, headers: Mapping[str, str], now_s: float) -> QuotaReport | None:
        """What *headers* say of the quota: the least that is left, and the longest wait."""
        limit = self._rate_limit
        readings = [
            self._of_used(headers, now_s),
            _of_left(
                headers.get(limit.remaining_header or ""),
                headers.get(limit.reset_ms_header or ""),
                now_s=now_s,
                unit_s=0.001,
            ),
            # The IETF's draft: seconds from now.
            _of_left(
                headers.get("RateLimit-Remaining"),
                headers.get("RateLimit-Reset"),
                now_s=now_s,
                unit_s=1.0,
            ),
        ]
        known = [reading for reading in readings if reading is not None]
        return min(known, key=lambda one: (max(one.left, 0), -one.renewed_s), default=None)

    def _of_used(self, headers: Mapping[str, str], now_s: float) -> QuotaReport | None:
        limit = self._rate_limit
        used = _number(headers.get(limit.used_header or ""))
        if used is None or not limit.quota or not limit.quota_period:
            return None
        period_s = limit.quota_period.total_seconds()
        return QuotaReport(
            left=_FULL * limit.quota - used,
            renewed_s=(now_s // period_s + 1) * period_s,
            margin=(1 - _FULL) * limit.quota,
        )


class Turn:
    """One request on its way."""

    def __init__(self, sent_s: float, answer: Callable[[float, Mapping[str, str]], None]) -> None:
        self.sent_s = sent_s
        self.is_over = False
        self._answer = answer

    def end(self, headers: Mapping[str, str]) -> None:
        """It was answered, with *headers*."""
        self.is_over = True
        self._answer(self.sent_s, headers)


def _of_left(
    remaining: str | None, reset: str | None, *, now_s: float, unit_s: float
) -> QuotaReport | None:
    """What is left, and when the quota is renewed, if the source says both."""
    left = _number(remaining)
    wait_s = read_wait_s(reset or "", now_s=now_s, unit_s=unit_s)
    if left is None or not wait_s:
        return None
    return QuotaReport(left=math.floor(left), renewed_s=now_s + wait_s)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None
