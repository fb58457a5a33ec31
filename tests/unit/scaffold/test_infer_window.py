"""Times in a URL become placeholders, or one that ``feeds --check`` refuses."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from include.ticklake.scaffold.infer_window import UNKNOWN, starts_and_ends, time_params, time_path

S = 1_795_323_600  # 2026-11-22T05:00:00Z
EVENTS_NS = ((S + 600) * 10**9, (S + 3_000) * 10**9)


def templates(query: str, **options: object) -> dict[str, str]:
    found = time_params(parse_qsl(query), **options)
    return {name: param.template for name, param in found.items()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"startTime={S}000&endTime={S + 3600}000", ["{start_ms}", "{end_ms}"]),
        (f"start={S}&end={S + 3600}", ["{start_s}", "{end_s}"]),
        (f"from={S}000000&to={S + 3600}000000", ["{start_us}", "{end_us}"]),
        (f"ts.gte={S}000000000&ts.lt={S + 3600}000000000", ["{start_ns}", "{end_ns}"]),
        ("from=2026-11-22T05:00:00Z&to=2026-11-22T06:00:00Z", ["{start_iso}", "{end_iso}"]),
        ("start=2026-11-22T05:00:00.000Z", ["{start_iso}"]),
        ("start=2026-11-22T05:00:00+00:00", ["{start_iso}"]),
        ("start=2026-11-22T05:00:00%2B00:00", ["{start_iso}"]),
        ("start=2026-11-22 05:00:00&end=2026-11-22T06", ["{start_iso}", "{end_iso}"]),
        ("utc_start=20261122T050000Z", ["{start_iso}"]),
        ("date_from=2026-11-22&date_to=2026-11-23", ["{start_iso}", "{end_iso}"]),
        (f"since={S}", ["{before_s}"]),
        (f"after={S}000", ["{before_ms}"]),
        (f"range={S},{S + 3600}", ["{start_s},{end_s}"]),
        (f"q=ts>{S}", ["ts>{start_s}"]),
        (f"q=ts<{S}", ["ts<{end_s}"]),
        ('f={"startTime":"2026-11-22T05:00:00Z"}', ['{"startTime":"{start_iso}"}']),
        (f"x={S}&y={S + 3600}", ["{start_s}", "{end_s}"]),
        (f"min_ts={S}.123", ["{start_s}"]),
    ],
)
def test_a_window_becomes_placeholders(query, expected):
    """By name or by position; a range includes its edges, so that none is lost."""
    assert [*templates(query).values()] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"timestamp={S}000", "{start_ms}"),
        (f"timestamp={S + 3600}000", "{end_ms}"),
        (f"after={S + 3600}000", "{end_ms}"),
        (f"before={S}000", "{start_ms}"),
        (f"endTime={S}000", "{end_ms}"),
    ],
)
def test_the_page_shows_what_a_name_does_not_say(query, expected):
    """``after`` means older to some APIs: there, all records are before it."""
    assert [*templates(query, events_ns=EVENTS_NS).values()] == [expected]


def test_zero_is_a_start_where_it_is_a_time():
    """``since=0`` would ask for everything there ever was, each hour."""
    assert templates("since=0", unit="ms") == {"since": "{before_ms}"}
    assert templates("start=0&from=0", unit="ms") == {}


@pytest.mark.parametrize(
    "query",
    ["date=2026-11-22", "day=20261122", "date=22-11-2026", "date=11/22/2026", "month=2026-11",
     "year=2026", "time=2026-11-22T05:30:00Z", "from=22 Nov 2026"],
)  # fmt: skip
def test_what_no_placeholder_expresses_is_left_to_choose(query):
    """It is said why, and the check refuses the draft."""
    (param,) = time_params(parse_qsl(query), events_ns=EVENTS_NS).values()
    assert param.template == UNKNOWN
    assert "one time forever" in param.note


@pytest.mark.parametrize(
    "query",
    ["orderId=1700000000123", "token_id=1700000000", "volume=1700000000", "limit=1000", "page=2",
     "symbol=BTC-2026-12-25", "expiry=2026-12-25", "days=30", "from=USD&to=EUR", "time=hour",
     "cursor=1795323600000", "_=1795323600000", "interval=1h", "start=100"],
)  # fmt: skip
def test_what_is_not_a_window_stays(query):
    """Ids, cursors, numbers and names."""
    assert templates(query, events_ns=EVENTS_NS) == {}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/range/1/day/{S}000/{S + 3600}000", "/range/1/day/{start_ms}/{end_ms}"),
        (f"/from/{S}/to/{S + 3600}", "/from/{start_s}/to/{end_s}"),
        ("/x/2026-11-22/2026-11-23", "/x/{start_iso}/{end_iso}"),
        ("/daily/2026-11-22", f"/daily/{UNKNOWN}"),
        ("/2026/11/22/trades", f"/{UNKNOWN}/trades"),
        ("/files/BTC-2026-11-22.json", f"/files/BTC-{UNKNOWN}.json"),
        ("/orders/1700000000123", "/orders/1700000000123"),
        ("/v2/candles/trade:1m:tBTCUSD/hist", "/v2/candles/trade:1m:tBTCUSD/hist"),
    ],
)
def test_times_in_the_path(path, expected):
    """The same; a number alone may be an id."""
    assert time_path(path)[0] == expected


def test_paging_by_time_needs_numbers():
    """One start and one end."""
    found = time_params([("start", str(S)), ("end", "2026-11-22")])
    start, end = starts_and_ends(found)
    assert (start and start.name, end) == ("start", None)
