"""Records that did not fit go through once more when the feed was mended."""

from __future__ import annotations

import json

import pytest

from include.ticklake import __main__ as command_line
from include.ticklake.convert.convert import convert
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest, read
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit, compact
from tests.support import lake_factory, manifests

HOURS = {2: ["1", "2"], 5: ["1", "2.5", "3"], 9: ["1", "2.25", "x"]}
"""Hours and what their records' prices are."""


def described(price: str) -> dict[str, object]:
    return {
        "source": {
            "kind": "http",
            "base_url": "https://api.example.com",
            "path": "/trades/{symbol}",
        },
        "slices": {"symbol": ["BTCUSDT"]},
        "limits": {"max_bad_share": 0.7},
        "fields": {
            "price": {"from": "p", "type": price, "required": True},
            "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
        },
    }


def feed(price: str) -> Feed:
    return Feed.model_validate({"name": "mended", **described(price)})


@pytest.fixture
def lake(tmp_path, monkeypatch) -> Storage:
    """A day of a feed that takes whole prices only; its file says by now that they are not."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    wrong = feed("decimal(18,0)")
    for number in range(24):
        window = lake_factory.hour(number)
        lines = [
            f'{{"p":"{price}","t":{window.start_ms + n}}}'
            for n, price in enumerate(HOURS.get(number, []))
        ]
        made = lake_factory.stage(storage, lines, window=window, feed=wrong)
        convert(made.key, feed=wrong, storage=storage, budget=lake_factory.BUDGET)
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "mended.yaml").write_text(json.dumps(described("decimal(20,2)")))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    return storage


def requarantined(storage: Storage, capsys) -> tuple[int, list[dict[str, object]]]:
    argv = ["requarantine", "mended", "--start", "2026-11-22", "--end", "2026-11-23"]
    code = command_line.main([*argv, "--root", storage.root_uri])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def prices(storage: Storage) -> list[str]:
    found = read.table(feed("decimal(20,2)"), storage=storage, columns=["price"])
    return [str(price) for price in found["price"].to_pylist()]


@pytest.mark.parametrize("whole_day", [False, True], ids=["hourly files", "a compacted day"])
def test_what_fits_now_is_in_its_place_and_the_rest_is_counted(lake, capsys, whole_day):
    """Only windows that have a quarantine are touched; an empty one is gone."""
    if whole_day:
        compact.compact(
            feed("decimal(18,0)"),
            lake_factory.BTC,
            lake_factory.DAY,
            storage=lake,
            budget=lake_factory.BUDGET,
        )
    assert len(list(lake.list("quarantine"))) == 2
    untouched = layout.manifest_key("mended", lake_factory.BTC, lake_factory.hour(2))
    before = lake.read(untouched)
    code, told = requarantined(lake, capsys)
    assert code == 0
    assert [(one["window"][9:11], one["before_rows"], one["after_rows"]) for one in told[:-1]] == [
        ("05", 1, 0), ("09", 2, 1),
    ]  # fmt: skip
    assert told[-1] == {"windows": 2, "before_rows": 3, "after_rows": 1}
    assert lake.read(untouched) == before
    assert len(list(lake.list("quarantine"))) == 1
    assert len(list(lake.list(layout.Area.PENDING))) == (2 if whole_day else 0)
    assert prices(lake) == ["1.00", "2.00", "1.00", "2.50", "3.00", "1.00", "2.25"]
    works = list(
        plan.plan_units(
            feed("decimal(20,2)"), start=lake_factory.hour(5).start, end=lake_factory.hour(5).end
        )
    )
    found = audit.audit(feed("decimal(20,2)"), works, storage=lake, budget=lake_factory.BUDGET)
    assert list(found) == []
    code, told = requarantined(lake, capsys)
    assert (code, told[-1]) == (0, {"windows": 1, "before_rows": 1, "after_rows": 1})


def test_a_window_without_its_json_is_left_and_told(lake, capsys):
    """It says why, and the command ends with 4."""
    from msgspec.structs import replace

    found = manifest.read(
        layout.manifest_key("mended", lake_factory.BTC, lake_factory.hour(5)), storage=lake
    )
    manifests.put(replace(found, json=replace(found.json, removed=True)), storage=lake)
    code, told = requarantined(lake, capsys)
    assert code == 4
    assert [one.get("skipped") for one in told] == ["retention removed its JSON", None, None]


def test_after_the_source_was_fixed_its_windows_are_fetched_again(lake, http_server, capsys):
    """Not only tried again: what the source corrected is no longer in the staged JSON."""
    hour = lake_factory.hour(9)
    rows = [{"p": price, "t": hour.start_ms} for price in ("1", "2.25", "3")]
    http_server.answer("/trades/BTCUSDT", json.dumps(rows).encode())
    argv = ["retry-quarantine", "mended", "--root", lake.root_uri, "--base-url", http_server.url,
            "--start", "2026-11-22T09:00Z", "--end", "2026-11-22T10:00Z"]  # fmt: skip
    assert command_line.main(argv) == 0
    [tried, _] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (tried["before_rows"], tried["after_rows"]) == (2, 1)
    assert command_line.main([*argv, "--fetch"]) == 0
    [fetched, _] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (fetched["before_rows"], fetched["after_rows"]) == (1, 0)
    assert len(http_server.asked) == 1


def test_a_window_that_cannot_be_fetched_again_is_skipped(lake, http_server, capsys):
    """The others are not."""
    http_server.answer("/trades/BTCUSDT", b"{}", status=404)
    argv = ["retry-quarantine", "mended", "--root", lake.root_uri, "--base-url", http_server.url,
            "--fetch", "--start", "2026-11-22T00:00Z", "--end", "2026-11-23T00:00Z"]  # fmt: skip
    assert command_line.main(argv) == 4
    *results, totals = map(json.loads, capsys.readouterr().out.splitlines())
    assert totals["windows"] == len(results) == 2
    assert all("HTTP 404" in result["skipped"] for result in results)
