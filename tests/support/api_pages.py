"""Pages of an API that a local server is, and the waits between them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from include.ticklake.feed.feed import Feed
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.auth import Credentials
from include.ticklake.sources.http import api
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.source import SourceContext
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
START = WINDOW.start_ms
UNIT = Unit(Slice(), WINDOW)
ROWS = [{"id": n, "t": START + n, "text": "é" * n} for n in range(30)]


def body(rows: list[dict]) -> bytes:
    return json.dumps(rows, ensure_ascii=False).encode()


BODY = body(ROWS)


class Waits(list[float]):
    """The waits of one client: nobody sleeps here."""

    def retry_policy(self, **options) -> SourceRetryPolicy:
        return SourceRetryPolicy(sleep=self.append, **options)


def pages(
    feed: Feed, server: HttpServer | None, waits: Waits, *, unit: Unit = UNIT, **options
) -> Iterator[tuple[str | None, api.HttpPage]]:
    url = server.url if server else None
    cursor = options.pop("cursor", None)
    options = {
        "base_url": url,
        "get_credentials": no_login,
        "retry_policy": waits.retry_policy(),
    } | options
    context = SourceContext(connect=no_login, **options)
    return api.pages(feed, feed.source, unit, context=context, cursor=cursor)


def no_login(connection: str) -> Credentials:
    raise AssertionError(f"nobody asked for {connection}")


def read(*args, **options) -> list[list[dict]]:
    """The records of every page."""
    return [[json.loads(bytes(r)) for r in page] for _, page in pages(*args, **options)]


BY_TIME = {"paging": {"kind": "time_forward", "start_param": "from", "end_param": "to"}}


def by_time(size: int):
    """A source that gives *size* rows from a time on."""

    def answer(asked: ReceivedRequest) -> Reply:
        first = int(asked.params["from"])
        return Reply(body=body([row for row in ROWS if row["t"] >= first][:size]))

    return answer
