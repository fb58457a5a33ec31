"""What all workers know of a host's rate limit, and how each request changes that.

Nothing is read or written here: a change takes what is known and the time, and returns what is
known then. Times are seconds since 1970, by one clock for all who share it.

A host has a pace and its bans. An endpoint has a quota, as its responses report it: how much of it
is left, when it is renewed, and what one request costs, which is measured, as sources weigh their
endpoints. What is left counts without those requests that are still on their way.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

_PACE = 0.95
"""Share of ``requests_per_s`` that is used. A source counts by the second, when a request arrives:
sent at the full rate, one that is late counts with those of the next second, and the last of them
is refused."""
_CATCH_UP_S = 0.02
"""How late a request may be sent, after all before it, without all that follow being late, too."""
_LOST_AFTER_S = 10.0
"""After that a request counts as over that is not answered: its worker may have been killed."""
_LOOK_AGAIN_S = 0.02
"""How often to look whether the first request to an endpoint has been answered."""
_NO_LIMIT = 1e18
_UNSAID_S = 1.0
"""How long one response without a word of the quota, from a source that has one, is believed."""


class QuotaReport(msgspec.Struct, frozen=True):
    """What one response says of a quota."""

    left: float
    renewed_s: float
    margin: float = 0.0
    """What there is beyond *left*, for others at the same address."""


class Endpoint(msgspec.Struct, frozen=True, array_like=True):
    """The quota of one path of a host."""

    has_quota: bool | None = None
    """None until the first response."""
    left: float = 0.0
    margin: float = 0.0
    renewed_s: float = 0.0
    """From then on nothing is known of what is left."""
    first_left: float = 0.0
    answers: int = 0
    """The responses since *first_left*."""
    cost: float = 1.0
    read_s: float = 0.0
    """When *left* was read."""
    sent_s: tuple[float, ...] = ()
    """When each request was sent that is not answered yet."""

    def wait_s(self, now_s: float) -> float:
        """How long the next request must wait for the quota; 0 if it may be sent."""
        if self.has_quota is False:
            return 0.0
        pending = len(self._pending(now_s))
        if self.renewed_s <= now_s:
            # The first one asks what is left: of a small quota, eight at once would be too many.
            return _LOOK_AGAIN_S if pending else 0.0
        left = self.left - self.cost * pending
        if left > 0 and left + self.margin >= self.cost:
            return 0.0
        return self.renewed_s - now_s

    def send(self, now_s: float) -> Endpoint:
        """One more is on its way."""
        if self.has_quota is False:
            return self
        return replace(self, sent_s=(*self._pending(now_s), now_s))

    def end(self, sent_s: float, *, now_s: float) -> Endpoint:
        """The request of *sent_s* is over, whatever became of it."""
        pending = list(self._pending(now_s))
        if sent_s in pending:
            pending.remove(sent_s)
        return replace(self, sent_s=tuple(pending))

    def read(self, reading: QuotaReport | None, *, sent_s: float, now_s: float) -> Endpoint:
        """Learn from the response to the request of *sent_s*."""
        is_renewed = self.renewed_s <= now_s
        if reading is None:
            if not self.has_quota:
                return replace(self, has_quota=False)
            unsaid = QuotaReport(_NO_LIMIT, now_s + _UNSAID_S)
            return self._begin(unsaid, now_s=now_s) if is_renewed else self
        # Responses overtake each other: only one to a later request can say that there is more.
        has_more = sent_s >= self.read_s and reading.left > self.left
        if is_renewed or self.left >= _NO_LIMIT or has_more:
            return self._begin(reading, now_s=now_s)
        left, answers = min(self.left, reading.left), self.answers + 1
        return replace(
            self,
            left=left,
            read_s=now_s,
            margin=reading.margin,
            # Some say how long a whole period is, each time: the first of them is right.
            renewed_s=min(self.renewed_s, reading.renewed_s),
            answers=answers,
            cost=max(1.0, (self.first_left - left) / answers),
        )

    def forget(self) -> Endpoint:
        """The source refused a request, so what it said before is no longer so."""
        return replace(self, renewed_s=0.0)

    def _begin(self, reading: QuotaReport, *, now_s: float) -> Endpoint:
        return replace(
            self,
            has_quota=True,
            left=reading.left,
            margin=reading.margin,
            renewed_s=reading.renewed_s,
            first_left=reading.left,
            read_s=now_s,
            answers=0,
        )

    def _pending(self, now_s: float) -> tuple[float, ...]:
        return tuple(sent for sent in self.sent_s if now_s - _LOST_AFTER_S < sent <= now_s)


class HostRate(msgspec.Struct, frozen=True, array_like=True):
    """The pace of a host, until when it refuses everything, and its endpoints by their paths."""

    next_s: float = 0.0
    refused_until_s: float = 0.0
    endpoints: dict[str, Endpoint] = {}

    def wait_s(self, path: str, *, now_s: float, has_waited: float = 0.0) -> float:
        """How long a request to *path* must wait; 0 if it may be sent.

        *has_waited* is the end of a refusal that the caller has waited for already.
        """
        refused_s = self.refused_until_s if self.refused_until_s > has_waited else 0.0
        if (wait_s := max(refused_s, self.next_s) - now_s) > 0:
            return wait_s
        return self._endpoint(path).wait_s(now_s)

    def send(self, path: str, *, now_s: float, requests_per_s: float | None) -> HostRate:
        """A request to *path* is sent now; one of a feed with a lower rate takes more time."""
        rate = self._with(path, self._endpoint(path).send(now_s))
        if not requests_per_s:
            return rate
        from_s = self.next_s if now_s - self.next_s <= _CATCH_UP_S else now_s
        return replace(rate, next_s=from_s + 1 / (_PACE * requests_per_s))

    def answer(
        self, path: str, *, sent_s: float, reading: QuotaReport | None, now_s: float
    ) -> HostRate:
        """The request of *sent_s* was answered."""
        endpoint = self._endpoint(path).end(sent_s, now_s=now_s)
        return self._with(path, endpoint.read(reading, sent_s=sent_s, now_s=now_s))

    def refuse(self, path: str, *, sent_s: float, wait_s: float, now_s: float) -> HostRate:
        """The source refused it, and says for how long it will refuse all others."""
        endpoint = self._endpoint(path).end(sent_s, now_s=now_s).forget()
        until_s = max(self.refused_until_s, now_s + wait_s)
        return replace(self._with(path, endpoint), refused_until_s=until_s)

    def lose(self, path: str, *, sent_s: float, now_s: float) -> HostRate:
        """There is no response to the request of *sent_s*."""
        return self._with(path, self._endpoint(path).end(sent_s, now_s=now_s))

    def _endpoint(self, path: str) -> Endpoint:
        return self.endpoints.get(path, Endpoint())

    def _with(self, path: str, endpoint: Endpoint) -> HostRate:
        if self.endpoints.get(path) == endpoint:
            return self
        return replace(self, endpoints={**self.endpoints, path: endpoint})
