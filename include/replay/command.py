"""The command line of the replay server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from include.replay import faults, server
from include.replay.faults import Faults
from include.replay.limits import REAL
from include.replay.market import TRADES_PER_HOUR, Market
from include.ticklake.errors import UsageError
from include.ticklake.model.window import parse_instant


def main(argv: Sequence[str]) -> int:
    """Serve; 0 when interrupted. Raises ``UsageError`` for arguments that cannot work."""
    given = _parser().parse_args(argv)
    kinds = faults.ALL if given.faults == "all" else tuple(filter(None, given.faults.split(",")))
    spoilt = Faults(
        kinds=kinds, every=given.fault_every, retry_after_s=given.retry_after_s
    ) if kinds else None  # fmt: skip
    stopped_ms = int(parse_instant(given.now).timestamp() * 1_000) if given.now else None
    application = server.app(
        market=_market(given),
        coins=given.coins,
        now_ms=server.clock_ms if stopped_ms is None else lambda: stopped_ms,
        faults=spoilt,
        limits=REAL if given.limits else None,
    )
    server.serve(application, port=given.port, host=given.host)
    return 0


def _market(given: argparse.Namespace) -> Market:
    if given.trades_per_hour < 1:
        raise UsageError(f"--trades-per-hour {given.trades_per_hour}: it must be at least 1")
    return Market(seed=given.seed, trades_per_hour=given.trades_per_hour)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.replay",
        description="Answer for every shipped feed's API from a simulated market.",
    )
    add = parser.add_argument
    add("--port", type=int, default=8900, help="0 takes a free one")
    add("--host", default="127.0.0.1")
    add("--seed", type=int, default=7, help="which market; the same seed is the same market")
    add("--trades-per-hour", type=int, default=TRADES_PER_HOUR, help="of each symbol")
    add("--coins", type=int, default=server.COINS, help="how many the aggregators list")
    add("--now", default="", metavar="ISO", help="stop the market's clock at this time")
    add("--faults", default="", metavar="KINDS", help=f"all, or some of {','.join(faults.KINDS)}")
    add("--fault-every", type=int, default=5, metavar="N", help="spoil each N-th request")
    add("--retry-after-s", type=int, default=1, help="what 429 and 418 ask for")
    add("--limits", action="store_true", help="refuse what goes over the exchanges' rate limits")
    return parser
