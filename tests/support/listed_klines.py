"""A feed of Binance's candles whose symbols are listed elsewhere, made of the one that ships."""

from __future__ import annotations

from pathlib import Path

from include.ticklake.feed import loader


def listed_klines(folder: Path, listed: str, *, interval: str = "1m") -> None:
    """Write the feed ``usdt_klines`` into *folder*, with the symbols that *listed* says."""
    text = (loader.SHIPPED / "binance_klines.yaml").read_text()
    head, _, rest = text.partition("slices:\n")
    slices = f"slices:\n  symbol: {listed}\n  interval: [{interval}]\n"
    folder.mkdir(exist_ok=True)
    (folder / "usdt_klines.yaml").write_text(head + slices + rest[rest.index("candle:") :])
