"""What the tests of the pages look at: a few feeds, hours of one of them, and hostile texts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import yaml

from include.ticklake.convert.convert import convert
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import summary, summary_windows
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.summary import LastAudit, SliceYear
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support import lake_factory, staged_factory, summary_lake

HOUR = timedelta(hours=1)
SCRIPT = "<script>alert(1)</script>"
SLICES = ["BTC", "ETH", '"><img src=x onerror=alert(1)>', "../../secret"]
BTC, ETH = (Slice.of({"symbol": symbol}) for symbol in SLICES[:2])
WINDOW = Window.parse("20261122T040000Z-20261122T050000Z")
"""Converted, with one record in quarantine; the hour after it is only staged."""
MISSING = Window(WINDOW.start - HOUR, WINDOW.start)
STAGED = Window(WINDOW.end, WINDOW.end + HOUR)

BARS = {
    "description": f"Bars of {SCRIPT}",
    "source": staged_factory.SOURCE,
    "slices": {"symbol": SLICES},
    "fields": staged_factory.FIELDS,
    "limits": {"max_bad_share": 1.0},
}

OLD_BARS = {
    "description": "The bars of the past, from files.",
    "into": "bars",
    "source": {"kind": "files", "address": "https://example.com/{symbol}-{date}.csv"},
    "window": "1d",
}

NONSENSE = {
    "gemini_trades": b"not JSON",
    "coinbase_trades": b'{"feed":"coinbase_trades","window_ms":0,"slice_names":[],"last_end_ms":1}',
    "kraken_ohlc": b'{"feed":"kraken_ohlc","window_ms":3600000,"slice_names":["pair"],'
    b'"slices":["../x=1","pair=<b>"],"last_end_ms":9000000000000000000}',
    "bybit_klines": b'{"feed":"bybit_klines","window_ms":"<script>"}',
}
"""Summaries that somebody else has written."""


def write(folder: Path) -> None:
    """The feeds' files at ``feeds``, and the lake at ``lake``."""
    feeds, lake = folder / "feeds", folder / "lake"
    feeds.mkdir()
    lake.mkdir()
    (feeds / "bars.yaml").write_text(yaml.safe_dump(BARS, sort_keys=False))
    (feeds / "old_bars.yaml").write_text(yaml.safe_dump(OLD_BARS, sort_keys=False))
    (feeds / "broken.yaml").write_text(f"source: {{kind: http}}\n'{SCRIPT}': 1\n")
    storage = Storage.open(f"file://{lake}", {})
    feed = loader.read_feed(feeds / "bars.yaml")
    hours(feed, storage)
    _write_summary(feed, storage)
    for name, body in NONSENSE.items():
        storage.put(summary.feed_key(name), body)
    storage.put("secret/x", b"secret")


def hours(feed: Feed, storage: Storage) -> list[Manifest]:
    """Stage two hours, and convert the first."""

    def stage(texts: list[str], window: Window) -> Manifest:
        return staged_factory.stage(feed, [texts], storage=storage, unit=Unit(BTC, window))

    texts = [staged_factory.record(n, at_ms=WINDOW.start_ms + n * 1000) for n in range(1, 10)]
    bad = f'{{"n":"many","p":"1","s":"x","t":{WINDOW.start_ms}}}'
    first = stage([*texts, bad], WINDOW)
    converted = convert(first.key, feed=feed, storage=storage, budget=lake_factory.BUDGET).manifest
    at_ms = STAGED.start_ms
    return [converted, stage([staged_factory.record(1, at_ms=at_ms)], STAGED)]


def _write_summary(feed: Feed, storage: Storage) -> None:
    end_ms = STAGED.end_ms
    known = msgspec.structs.replace(
        summary_lake.feed_summary("bars", slices=1, days=1, end=STAGED.end),
        slices=tuple(sorted(slice_.path for slice_ in feed.all_slices)),
        first_start_ms=MISSING.start_ms - 3_600_000,
        last_end_ms=end_ms,
        audit=LastAudit(at_ms=end_ms, dag_id=SCRIPT, run_id=SCRIPT, findings=2, failed=SCRIPT),
    )
    storage.put(summary.feed_key("bars"), summary.encode_feed(known))
    first = MISSING.start_ms // 3_600_000 - summary_windows.first_window(2026, HOUR)
    states = "." * (first - 1) + "c.qs"
    years = [
        SliceYear(feed="bars", slice=slice_.path, year=2026, window_ms=3_600_000, states=states)
        for slice_ in feed.all_slices
    ]
    for key, body in summary_lake.encode_years(years).items():
        storage.put(key, body)
