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

LAST_PORT = 65_535


def main(argv: Sequence[str]) -> int:
    """Serve; 0 when interrupted. Raises ``UsageError`` for arguments that cannot work."""
    arguments = _parser().parse_args(argv)
    if not 0 <= arguments.port <= LAST_PORT:
        raise UsageError(f"--port {arguments.port}: choose one from 0 to {LAST_PORT}")
    kinds = (
        faults.ALL
        if arguments.faults == "all"
        else tuple(filter(None, arguments.faults.split(",")))
    )
    faults_ = Faults(
        kinds=kinds, every=arguments.fault_every, retry_after_s=arguments.retry_after_s
    ) if kinds else None  # fmt: skip
    stopped_ms = int(parse_instant(arguments.now).timestamp() * 1_000) if arguments.now else None
    application = server.app(
        market=_market(arguments),
        coins=arguments.coins,
        now_ms=server.clock_ms if stopped_ms is None else lambda: stopped_ms,
        faults=faults_,
        limits=REAL if arguments.limits else None,
    )
    server.serve(application, port=arguments.port, host=arguments.host)
    return 0


def _market(arguments: argparse.Namespace) -> Market:
    if arguments.trades_per_hour < 1:
        raise UsageError(f"--trades-per-hour {arguments.trades_per_hour}: it must be at least 1")
    return Market(seed=arguments.seed, trades_per_hour=arguments.trades_per_hour)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.replay",
        description="Serve every shipped feed's API from a simulated market.",
    )
    add = parser.add_argument
    add("--port", type=int, default=8900, help="defaults to 8900; 0 for a free port")
    add("--host", default="127.0.0.1", help="address to listen on; defaults to 127.0.0.1")
    add("--seed", type=int, default=7, help="the market; the same seed gives the same market")
    add(
        "--trades-per-hour",
        type=int,
        default=TRADES_PER_HOUR,
        help="trades per hour of each symbol",
    )
    add("--coins", type=int, default=server.COINS, help="coins that the aggregators list")
    add("--now", default="", metavar="ISO", help="stop the market's clock at this time")
    add("--faults", default="", metavar="KINDS", help=f"all, or some of {','.join(faults.KINDS)}")
    add("--fault-every", type=int, default=5, metavar="N", help="fail every N-th request")
    add("--retry-after-s", type=int, default=1, help="Retry-After of 429 and 418")
    add("--limits", action="store_true", help="enforce the exchanges' rate limits")
    return parser
