"""A number of rows in, made-up but lifelike aggTrades out: as Arrow, as text, as staged parts.

The walk is shaped after a busy hour on a spot exchange: contiguous ids, most rows one
trade, prices that stay or move by a few ticks, sweeps of several rows within one
millisecond on one side, quantities between dust and round lots. It is vectorised, so
that ten million rows are a matter of seconds, and seeded: same arguments, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tools import staging
from tools.staging import PartText

HOUR = Window.parse("20261122T050000Z-20261122T060000Z")
UNIT = Unit(Slice.of({"symbol": "BTCUSDT"}), HOUR)

AGG_TRADES = Feed.model_validate(
    {
        "name": "binance_agg_trades",
        "source": {
            "kind": "http",
            "base_url": "https://data-api.binance.vision",
            "path": "/api/v3/aggTrades",
            "params": {"symbol": "{symbol}"},
        },
        "slices": {"symbol": ["BTCUSDT"]},
        "fields": {
            "agg_trade_id": {"from": "a", "type": "int64", "key": True, "contiguous": True},
            "price": {"from": "p", "type": "decimal(18,8)", "required": True},
            "quantity": {"from": "q", "type": "decimal(18,8)", "required": True},
            "first_trade_id": {"from": "f", "type": "int64"},
            "last_trade_id": {"from": "l", "type": "int64"},
            "traded_at": {"from": "T", "type": "timestamp", "unit": "ms", "event_time": True},
            "buyer_is_maker": {"from": "m", "type": "bool"},
            "best_match": {"from": "M", "type": "bool"},
        },
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Where the next row goes on: state between two chunks of one made-up market."""

    agg_trade_id: int = 3_204_118_377
    trade_id: int = 4_710_220_951
    ticks: int = 6_712_345
    elapsed_us: int = 0
    us_per_row: float = 350.0
    seed: int = 7


def trades(rows: int, *, walk: Walk = Walk()) -> tuple[pa.Table, Walk]:
    """The next *rows* of the walk, and where it stands after them."""

    def uniform(stream: int) -> pa.Array:
        return pc.random(rows, initializer=walk.seed * 1009 + stream)

    # Three rows of four belong to the sweep before them: same side, same millisecond.
    opens = pc.less(uniform(1), 0.45)
    gap_us = pc.multiply(pc.negate(pc.ln(pc.max_element_wise(uniform(2), 1e-12))), walk.us_per_row)
    gap_us = pc.if_else(opens, pc.divide(gap_us, 0.45), 0.0)
    elapsed_us = pc.add(pc.cumulative_sum(pc.cast(pc.floor(gap_us), pa.int64())), walk.elapsed_us)
    buys = _held(pc.less(uniform(3), 0.5), opens)

    size = pc.floor(pc.divide(0.35, pc.max_element_wise(uniform(4), 0.004)))
    moves = pc.less(uniform(5), 0.42)
    steps = pc.cast(pc.if_else(moves, size, 0.0), pa.int64())
    outward = pc.xor(buys, pc.less(uniform(6), 0.30))
    steps = pc.if_else(outward, steps, pc.negate(steps))
    ticks = pc.add(pc.cumulative_sum(steps), walk.ticks)

    lot = pc.exp(pc.multiply(pc.subtract(uniform(7), 0.5), 9.0))
    fine = pc.cast(pc.floor(pc.multiply(lot, 1_000.0)), pa.int64())
    round_lot = pc.multiply(pc.add(pc.divide(fine, 1000), 1), 1000)
    units = pc.if_else(pc.less(uniform(8), 0.25), round_lot, pc.max_element_wise(fine, 1))

    extra = pc.cast(pc.floor(pc.divide(0.06, pc.max_element_wise(uniform(9), 0.002))), pa.int64())
    count = pc.add(extra, 1)
    last = pc.add(pc.cumulative_sum(count), walk.trade_id - 1)
    agg_ids = pc.add(
        pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), rows)), walk.agg_trade_id - 1
    )
    table = pa.table(
        {
            "a": agg_ids,
            "p": pc.multiply(ticks, 1_000_000),
            "q": pc.multiply(units, 1_000),
            "f": pc.add(pc.subtract(last, count), 1),
            "l": last,
            "T": pc.add(pc.divide(elapsed_us, 1000), HOUR.start_ms),
            "m": pc.invert(buys),
        }
    )
    after = replace(
        walk,
        agg_trade_id=walk.agg_trade_id + rows,
        trade_id=last[-1].as_py() + 1,
        ticks=ticks[-1].as_py(),
        elapsed_us=elapsed_us[-1].as_py(),
        seed=walk.seed + 1,
    )
    return table, after


def _held(values: pa.Array, opens: pa.Array) -> pa.Array:
    """Each sweep keeps the value of the row that opened it."""
    held = pc.fill_null_forward(pc.if_else(opens, values, None))
    return pc.fill_null(held, True)


def text(table: pa.Table, *, is_mixed: bool = False) -> pa.Array | pa.ChunkedArray:
    """One JSON object per row, as Binance writes it.

    Where it *is_mixed*, trade ids are now numbers, now texts and now empty texts.
    """
    turn = pc.bit_wise_and(table["a"], 3)

    def whole(name: str) -> pa.ChunkedArray:
        number = pc.cast(table[name], pa.string())
        if not is_mixed or name not in ("f", "l"):
            return number
        quoted = pc.binary_join_element_wise('"', number, '"', "")
        return pc.if_else(pc.equal(turn, 1), quoted, pc.if_else(pc.equal(turn, 2), '""', number))

    def exact(name: str) -> pa.ChunkedArray:
        return pc.cast(_scaled(table[name]), pa.string())

    maker = pc.if_else(table["m"], "true", "false")
    pieces = [
        '{"a":', whole("a"), ',"p":"', exact("p"), '","q":"', exact("q"), '","f":', whole("f"),
        ',"l":', whole("l"), ',"T":', whole("T"), ',"m":', maker, ',"M":true}', "",
    ]  # fmt: skip
    return pc.binary_join_element_wise(*pieces)


def _scaled(units: pa.ChunkedArray) -> pa.ChunkedArray:
    """Units of 1e-8 as decimals, without dividing."""
    wide = pc.cast(units, pa.decimal128(19, 0)).combine_chunks()
    array = wide.chunk(0) if isinstance(wide, pa.ChunkedArray) else wide
    return pa.Array.from_buffers(pa.decimal128(18, 8), len(array), array.buffers())


def stage(
    storage: Storage,
    *,
    rows: int,
    part_rows: int = 290_000,
    us_per_row: float = 350.0,
    is_mixed: bool = False,
) -> Manifest:
    """Stage *rows* trades as parts of *part_rows* and commit their manifest."""
    parts = _parts(rows=rows, part_rows=part_rows, us_per_row=us_per_row, is_mixed=is_mixed)
    return staging.stage(AGG_TRADES, UNIT, parts, storage=storage)


def _parts(*, rows: int, part_rows: int, us_per_row: float, is_mixed: bool) -> Iterator[PartText]:
    walk = Walk(us_per_row=us_per_row)
    for start in range(0, rows, part_rows):
        table, walk = trades(min(part_rows, rows - start), walk=walk)
        events_ns = tuple(table["T"][end].as_py() * 10**6 for end in (0, -1))
        yield PartText.of_lines(
            _joined(text(table, is_mixed=is_mixed)), rows=table.num_rows, events_ns=events_ns
        )


def _joined(lines: pa.Array | pa.ChunkedArray) -> bytes:
    """The texts with a comma and a newline between them."""
    plain = lines.combine_chunks() if isinstance(lines, pa.ChunkedArray) else lines
    whole = pa.ListArray.from_arrays(pa.array([0, len(plain)], pa.int32()), plain)
    joined: str = pc.binary_join(whole, ",\n")[0].as_py()
    return joined.encode()
