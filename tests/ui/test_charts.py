"""Charts: where values are drawn, what is named, and that no text in them is markup."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from include.ticklake.model.sizes import MIB
from include.ui.charts.axes import Axis, byte_ticks, number_ticks, time_ticks
from include.ui.charts.memory_chart import HEIGHT, MemoryPoint, memory_chart, summarize
from include.ui.charts.price_chart import PriceChart, format_number, price_chart
from include.ui.price_bars import PriceBar

AT_S = 1_795_323_600
HOSTILE = '"><script>alert(1)</script>'


def point(**changes) -> MemoryPoint:
    """A run with 64 MiB of 128."""
    base = MemoryPoint(at_s=AT_S, peak_bytes=64 * MIB, limit_bytes=128 * MIB, rows=1_000, units=2,
                       dag_id="d", run_id="r")  # fmt: skip
    return replace(base, **changes)


def bar(number: int, low: str, high: str, **changes) -> PriceBar:
    """A minute that opened at its low and closed at its high."""
    base = PriceBar(
        start_s=AT_S + 60 * number, first_event=0, last_event=0, open=Decimal(low),
        high=Decimal(high), low=Decimal(low), close=Decimal(high), volume=Decimal(1), rows=1,
    )  # fmt: skip
    return replace(base, **changes)


def prices(*bars: PriceBar, **changes) -> PriceChart:
    """An hour of candles."""
    base = PriceChart(bars=bars, start_s=AT_S, end_s=AT_S + 3_600, bar_s=60, gap_s=180,
                      are_candles=True, price_name="close", volume_name="volume")  # fmt: skip
    return replace(base, **changes)


def tree(markup: object) -> ElementTree.Element:
    """The chart as a browser reads it."""
    return ElementTree.fromstring(str(markup))  # noqa: S314 - our own


def of_class(markup: object, name: str) -> list[ElementTree.Element]:
    """The elements of a class."""
    return [e for e in tree(markup).iter() if name in (e.get("class") or "").split()]


def test_a_peak_is_as_high_as_its_share_of_the_limit():
    """Half of the limit is half as high as the limit's line; the titles say both."""
    chart = memory_chart("convert", [point(), point(at_s=AT_S + 60, peak_bytes=128 * MIB)])
    circles = [e for p in of_class(chart, "point") for e in p if e.get("class") != "hit"]
    half, whole = (HEIGHT - float(c.get("cy")) for c in circles if c.get("cy"))
    [line] = of_class(chart, "limit")
    assert whole == pytest.approx(HEIGHT - float(line.get("y1")))
    assert half == pytest.approx(whole / 2, abs=0.1)
    assert "2026-11-22 05:00 UTC: 64 MiB of 128 MiB (50%), 1,000 rows in 2 units" in str(chart)


def test_a_run_near_its_limit_is_marked():
    """From nine tenths on."""
    runs = [point(), point(at_s=AT_S + 60, peak_bytes=116 * MIB)]
    near = [mark.get("class") for mark in of_class(memory_chart("convert", runs), "point")]
    assert ["near" in name for name in near] == [False, True]
    assert summarize(runs).near_limit == 1


def test_each_limit_has_its_line_where_it_held():
    """None before there was one, and none for a step without."""
    runs = [point(at_s=AT_S + 60 * n, limit_bytes=limit * MIB)
            for n, limit in enumerate((0, 128, 128, 256))]  # fmt: skip
    lines = of_class(memory_chart("convert", runs), "limit")
    places = [(float(e.get("x1").rstrip("%")), float(e.get("x2").rstrip("%"))) for e in lines]
    assert places[0][0] > 30
    assert places[0][1] == places[1][0]
    assert places[1][1] == 100
    assert not of_class(memory_chart("extract", [point(limit_bytes=0)]), "limit")


@pytest.mark.parametrize("runs", [1, 2, 500])
def test_a_chart_of_any_number_of_runs_is_drawn(runs):
    """One point for each, inside of the chart, though all have one peak."""
    chart = memory_chart("convert", [point(at_s=AT_S + 3_600 * n) for n in range(runs)])
    places = [float(p.get("data-x").rstrip("%")) for p in of_class(chart, "point")]
    assert len(places) == runs
    assert all(0 <= place <= 100 for place in places)


@pytest.mark.parametrize(
    "changes",
    [{"peak_bytes": 0}, {"peak_bytes": -1}, {"peak_bytes": 2**80}, {"at_s": -1}, {"at_s": 1e300},
     {"limit_bytes": -5}, {"rows": -1}],
    ids=str,
)  # fmt: skip
def test_what_no_run_can_be_is_not_plausible(changes):
    """The summary is a file that anyone with the bucket's keys may have written."""
    assert not point(**changes).is_plausible
    assert point().is_plausible


def test_a_candle_has_its_body_and_its_exact_numbers():
    """Up and down are different; a title has every digit, without zeros at the end."""
    chart = price_chart(prices(
        bar(0, "1.10", "2"), bar(1, "1.10", "2", open=Decimal(2), close=Decimal("1.10")),
        bar(2, "0.123456789012345678901", "3"),
    ))  # fmt: skip
    classes = [p.get("class") for p in of_class(chart, "point")]
    assert classes == ["point up", "point down", "point up"]
    titles = [e.text for e in tree(chart).iter("title")]
    assert titles[0] == "2026-11-22 05:00:00 UTC: open 1.1, high 2, low 1.1, close 2, volume 1"
    assert "low 0.123456789012345678901, close 3" in titles[2]


def test_a_line_is_broken_where_data_are_missing():
    """Two lines, each with its band; one point has no neighbour."""
    chart = price_chart(prices(
        bar(0, "1", "2"), bar(1, "1", "2"), bar(30, "1", "2"),
        are_candles=False, price_name="price",
    ))  # fmt: skip
    lines = [e.get("points").count(",") for e in of_class(chart, "price")]
    assert lines == [2, 1]
    assert [e.get("points").count(",") for e in of_class(chart, "band")] == [4, 2]


@pytest.mark.parametrize(
    "bars",
    [[], [bar(0, "5", "5")], [bar(0, "-3", "-1")], [bar(0, "1E+400", "1E+400")],
     [bar(0, "1", "2", volume=None)], [bar(0, "1E-30", "2E-30")], [bar(0, "1", "1E+299")]],
    ids=["none", "flat", "negative", "beyond floats", "no volume", "tiny", "huge"],
)  # fmt: skip
def test_any_prices_are_drawn_or_left_out(bars):
    """Never an error."""
    text = str(price_chart(prices(*bars)))
    assert "nan" not in text
    assert "inf" not in text


def test_no_text_of_a_chart_is_markup():
    """Names of steps, columns and runs come from files."""
    memory = memory_chart(HOSTILE, [point(run_id=HOSTILE, dag_id=HOSTILE)])
    price = price_chart(prices(bar(0, "1", "2"), price_name=HOSTILE, volume_name=HOSTILE,
                               are_candles=False))  # fmt: skip
    for chart in (memory, price):
        assert "<script" not in str(chart)
        assert not list(tree(chart).iter("script"))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (91_000, 91_400, ["91,000", "91,100", "91,200", "91,300", "91,400"]),
        (0.000125, 0.000158, ["0.00013", "0.00014", "0.00015"]),
    ],
)
def test_an_axis_names_round_numbers(low, high, expected):
    """With as many digits as tell them apart."""
    assert [tick.text for tick in number_ticks(Axis(low, high), height=100)] == expected


def test_an_axis_of_memory_names_powers_of_two():
    """32 MiB and so on, not 30,000,000."""
    ticks = byte_ticks(Axis(0, 140 * MIB), height=100)
    assert [tick.text for tick in ticks] == ["0", "32 MiB", "64 MiB", "96 MiB", "128 MiB"]


@pytest.mark.parametrize(
    ("length_s", "pattern"),
    [(60, r"\d\d:\d\d:\d\d"), (3_600, r"\d\d:\d\d"), (86_400, r"\d\d:\d\d|\d+ \w{3}"),
     (30 * 86_400, r"\d+ \w{3}"), (400 * 86_400, r"\w{3} \d{4}"), (10**9, r"\d{4}")],
)  # fmt: skip
def test_an_axis_of_time_names_what_people_call_it(length_s, pattern):
    """A few of them, whatever the length of the range."""
    texts = [tick.text for tick in time_ticks(Axis(AT_S, AT_S + length_s)) if tick.text]
    assert 1 <= len(texts) <= 9
    assert all(re.fullmatch(pattern, text) for text in texts)


@pytest.mark.parametrize(
    ("number", "text"),
    [(Decimal("1.500"), "1.5"), (Decimal("1E+3"), "1000"), (Decimal("1E-10"), "0.0000000001"),
     (0.1, "0.1"), (1e-7, "1e-07"), (100, "100"), (None, ""), (Decimal("100"), "100")],
)  # fmt: skip
def test_a_number_keeps_its_digits(number, text):
    """And loses the zeros that say nothing."""
    assert format_number(number) == text
