"""Bars of prices as candles, or as a line with the range around it; volume below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.ui.charts.axes import Axis, at, number_ticks, time_ticks
from include.ui.charts.markup import draw
from include.ui.price_bars import Number, PriceBar

if TYPE_CHECKING:
    from markupsafe import Markup

HEIGHT = 300
VOLUME_HEIGHT = 60
_BARS_HEIGHT = 44
"""Of the volumes, below their text."""
TABLE_ROWS = 100
"""Of the newest bars."""
_WIDTH = 1_000
_GREATEST = 1e300
"""Beyond it the space around a price overflows: such a price is not drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChart:
    """What is drawn, and of which range."""

    bars: Sequence[PriceBar]
    start_s: float
    end_s: float
    bar_s: int
    gap_s: float
    """A line is broken where nothing is known for longer."""
    are_candles: bool
    price_name: str
    volume_name: str | None


def price_chart(chart: PriceChart) -> Markup:
    """The chart; of bars without a finite price nothing is drawn."""
    bars = [bar for bar in chart.bars if abs(float(bar.high)) < _GREATEST > abs(float(bar.low))]
    across = Axis(chart.start_s, chart.end_s)
    up = Axis.around([float(price) for bar in bars for price in (bar.low, bar.high)])
    volumes = [_volume(bar) for bar in bars]
    volume_up = Axis(0, max(volumes, default=0) or 1)
    half_s = chart.bar_s / 2
    return draw(
        "price.svg",
        chart=chart,
        height=HEIGHT,
        table_rows=TABLE_ROWS,
        number=format_number,
        volume_height=VOLUME_HEIGHT if chart.volume_name else 0,
        width=_WIDTH,
        y_ticks=number_ticks(up, height=HEIGHT),
        x_ticks=time_ticks(across),
        segments=[] if chart.are_candles else _segments(bars, chart, across, up),
        most_volume=format_number(max((bar.volume for bar in bars if bar.volume is not None),
                                      default=None, key=float)),
        candle_width=f"{100 * 0.7 * chart.bar_s / max(chart.end_s - chart.start_s, 1):.3f}%",
        bars=[
            {
                "x": across.across(bar.start_s + half_s),
                "left": across.across(bar.start_s + 0.15 * chart.bar_s),
                "high": up.up(float(bar.high), HEIGHT),
                "low": up.up(float(bar.low), HEIGHT),
                "top": up.up(float(max(bar.open, bar.close)), HEIGHT),
                "body": _body(up, bar),
                "close": up.up(float(bar.close), HEIGHT),
                "volume": round(volume_up.share(volume) * _BARS_HEIGHT, 2),
                "is_up": bar.close >= bar.open,
                "text": bar_text(bar, chart),
                "bar": bar,
                "at": f"{at(bar.start_s):%Y-%m-%d %H:%M:%S}",
            }
            for bar, volume in zip(bars, volumes, strict=True)
        ],
    )  # fmt: skip


def bar_text(bar: PriceBar, chart: PriceChart) -> str:
    """A bar in words, with its exact numbers."""
    prices = (
        f"open {format_number(bar.open)}, high {format_number(bar.high)}, "
        f"low {format_number(bar.low)}, close {format_number(bar.close)}"
    )
    if not chart.are_candles and bar.rows == 1:
        prices = f"{chart.price_name} {format_number(bar.close)}"
    volume = ""
    if chart.volume_name and bar.volume is not None:
        volume = f", {chart.volume_name} {format_number(bar.volume)}"
    rows = f", {bar.rows:,} rows" if bar.rows > 1 else ""
    return f"{at(bar.start_s):%Y-%m-%d %H:%M:%S} UTC: {prices}{volume}{rows}"


def format_number(number: Number | None) -> str:
    """All of its digits, without zeros at the end of its fraction."""
    if number is None:
        return ""
    text = repr(number) if isinstance(number, float) else f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _volume(bar: PriceBar) -> float:
    volume = float(bar.volume or 0)
    return volume if 0 <= volume < _GREATEST else 0.0


def _body(up: Axis, bar: PriceBar) -> float:
    """How high a candle's body is: at least a line."""
    height = abs(up.up(float(bar.open), HEIGHT) - up.up(float(bar.close), HEIGHT))
    return round(max(height, 1.0), 2)


def _segments(
    bars: Sequence[PriceBar], chart: PriceChart, across: Axis, up: Axis
) -> list[dict[str, str]]:
    """The line of the prices, and the band from the lowest to the highest, where nothing lacks."""
    runs: list[list[PriceBar]] = []
    for bar in bars:
        if not runs or bar.start_s - runs[-1][-1].start_s > chart.gap_s:
            runs.append([])
        runs[-1].append(bar)
    half_s = chart.bar_s / 2

    def place(bar: PriceBar, price: Number) -> str:
        x = across.share(bar.start_s + half_s) * _WIDTH
        return f"{x:.1f},{up.up(float(price), HEIGHT):.1f}"

    return [
        {
            "line": " ".join(place(bar, bar.close) for bar in run),
            "band": " ".join(
                [*(place(bar, bar.high) for bar in run),
                 *(place(bar, bar.low) for bar in reversed(run))]
            ),
        }
        for run in runs
    ]  # fmt: skip
