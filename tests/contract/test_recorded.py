"""Real pages arrive whole: every record and every digit is in the parts and in the Parquet.

The bodies that Binance and CoinGecko sent are served on loopback and read by the shipped feeds;
what is staged and converted is compared with the same bodies read whole, as Decimals.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from tests.contract.feeds.ingest import Ingested, ingest, rows
from tests.support.json_texts import exact
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply
from tests.support.shipped_feeds import FEEDS

NOW_MS = 1_798_000_000_500  # after the last of them: no candle is still open


@dataclass(frozen=True, kw_only=True)
class Real:
    """Pages that one feed reads one after the other, and the unit that needs them."""

    feed: str
    files: tuple[str, ...]
    slice: dict[str, str]
    window: str
    counts: tuple[int, ...]


REAL = [
    pytest.param(
        Real(
            feed="binance_klines",
            files=(
                "binance/klines/gct_klines_endTime_1591880400000_interval_1h_limit_1000"
                "_startTime_1588280400000_symbol_BTC.json",
                "binance/klines/gct_klines_endTime_1593572400000_interval_1h_limit_1000"
                "_startTime_1591880400000_symbol_BTC.json",
            ),
            slice={"symbol": "BTCUSDT", "interval": "1h"},
            window="20200430T210000Z-20200701T040000Z",
            counts=(1_000, 468),
        ),
        id="two pages of candles",
    ),
    pytest.param(
        Real(
            feed="binance_agg_trades",
            files=("binance/aggTrades/gct_aggTrades_fromId_202790190_limit_1000_symbol_BTCUSDT.json",),
            slice={"symbol": "BTCUSDT"},
            window="20200102T150000Z-20200102T160000Z",
            counts=(1_000,),
        ),
        id="a page of trades",
    ),
    pytest.param(
        Real(
            feed="coingecko_coins",
            files=("coingecko/coins_list/list.json",),
            slice={},
            window="20261122T050000Z-20261122T060000Z",
            counts=(7_248,),
        ),
        id="all coins in one page",
    ),
]  # fmt: skip


def serve(server: HttpServer, source: HttpSource, bodies: list[bytes]) -> list[ReceivedRequest]:
    """Answer with the pages in turn, and with an empty one after them."""
    left = iter([*bodies, b"[]"])
    server.answer_by(source.path, lambda _: Reply(body=next(left)))
    return server.asked


def staged(done: Ingested) -> list[dict[str, Any]]:
    parts = done.manifest.json.parts
    bodies = [gzip.decompress((done.root / part.key).read_bytes()) for part in parts]
    return [record for body in bodies for record in exact(body)]  # type: ignore[union-attr]


MEANINGS: dict[str, Callable[[Any], object]] = {
    "int64": int, "string": str, "bool": bool, "timestamp": lambda ms: int(ms) * 10**6,
}  # fmt: skip


def meant(record: dict[str, Any], feed: Feed) -> dict[str, object]:
    """A record of the body as a row of the lake, by the plainest reading of its feed."""
    row = {}
    for name, field in feed.fields.items():
        if field.source != "$fetched_at":
            meaning = MEANINGS.get(field.type, Decimal)
            row[name] = meaning(record[field.source])
    return row


@pytest.mark.parametrize("real", REAL)
def test_every_record_and_digit_of_a_real_page_arrives(recorded: Path, http_server, tmp_path, real):
    """In the parts as the source wrote them, in the Parquet as the same numbers."""
    feed = FEEDS[real.feed]
    bodies = [(recorded / name).read_bytes() for name in real.files]
    whole = [row for body in bodies for row in exact(body)]  # type: ignore[union-attr]
    assert [len(json.loads(body)) for body in bodies] == list(real.counts)
    asked = serve(http_server, feed.source, bodies)

    window = Window.parse(real.window)
    now_ms = window.end_ms + 5_000 if feed.snapshot else NOW_MS
    done = ingest(
        feed, Slice.of(real.slice), window,
        base_url=http_server.url, root=tmp_path, now_ms=now_ms,
    )  # fmt: skip

    assert len(asked) - len(bodies) in (0, 1)  # a page without a cap may need an empty one after it
    columns = feed.source.columns
    records = [dict(zip(columns, row, strict=True)) for row in whole] if columns else whole
    assert repr(staged(done)) == repr(records)  # in order; 1.10 is not 1.1 here
    account = done.manifest
    assert account.json.received_rows == account.json.rows == sum(real.counts)
    assert account.json.page_bytes == sum(map(len, bodies[: len(asked)])) + 2 * (
        len(asked) - len(bodies)
    )

    found = rows(done)
    assert account.parquet is not None
    assert (account.parquet.rows, account.parquet.quarantined_rows) == (sum(real.counts), 0)
    names = [name for name, field in feed.fields.items() if field.source != "$fetched_at"]
    expected = [meant(record, feed) for record in records]
    if feed.snapshot:  # whose rows all have one time: their order is the source's
        assert {row["fetched_at"] for row in found} == {now_ms * 10**6}
    assert [{name: row[name] for name in names} for row in found] == expected
