"""The arguments that commands share: how they are declared, and the values they stand for."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from include.ticklake.cli import completion
from include.ticklake.cli.terminal import is_terminal
from include.ticklake.errors import TicklakeError, UsageError
from include.ticklake.model import messages
from include.ticklake.model.messages import Message, UnitFailed
from include.ticklake.model.sizes import parse_bytes
from include.ticklake.model.slice import Slice
from include.ticklake.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.storage import Storage
    from include.ticklake.model.unit import Unit
    from include.ticklake.model.window_length import WindowLength

T = TypeVar("T")
Commands = Any
"""What ``add_subparsers`` returns; argparse has no public name for it."""


def program() -> str:
    """How this command line was started: ``ticklake``, or ``python -m include.ticklake``."""
    return COMMAND if Path(sys.argv[0]).name == COMMAND else "python -m include.ticklake"


COMMAND = "ticklake"
"""The script that `make install` writes."""


def add_command(
    commands: Commands,
    name: str,
    *,
    summary: str,
    description: str = "",
    examples: Sequence[str] = (),
    aliases: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """Add a command whose ``--help`` ends with *examples*."""
    lines = "".join(f"\n  {program()} {example}" for example in examples)
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.{description and ' '}{description}",
        epilog=f"examples:{lines}" if lines else None,
        aliases=aliases,
        formatter_class=HelpFormatter,
    )
    return parser


class HelpFormatter(argparse.HelpFormatter):
    """Wraps what is above and beside the arguments, and keeps the lines of what is below."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


def add_feed(parser: argparse.ArgumentParser) -> None:
    """``FEED``."""
    feed = parser.add_argument("feed", metavar="FEED", help="name of the feed; `feeds` lists them")
    completion.complete(feed, completion.feed_names)


def add_slice(parser: argparse.ArgumentParser, *, default: str = "every slice") -> None:
    """``--slice NAME=VALUE``, once for each name that the feed is sliced by."""
    slice_ = parser.add_argument(
        "--slice",
        action="append",
        metavar="NAME=VALUE",
        help=f"a slice of the feed, such as symbol=BTCUSDT; repeat it for a feed that is sliced "
        f"by several names. Defaults to {default}",
    )
    completion.complete(slice_, completion.slice_values)


def add_range(parser: argparse.ArgumentParser) -> None:
    """``--start`` and ``--end``."""
    parser.add_argument("--start", required=True, metavar="TIME", help=START_HELP)
    parser.add_argument("--end", required=True, metavar="TIME", help=END_HELP)


def add_range_or_manifests(parser: argparse.ArgumentParser, *, of: str) -> None:
    """``--start`` and ``--end``, or ``--manifests``."""
    either = parser.add_mutually_exclusive_group(required=True)
    either.add_argument("--start", metavar="TIME", help=START_HELP)
    either.add_argument(
        "--manifests",
        nargs="+",
        metavar="URI",
        help=f"instead of a range and a slice: manifest URIs of {of}",
    )
    parser.add_argument("--end", metavar="TIME", help=f"{END_HELP}. Required with --start")


START_HELP = "start of the range (ISO 8601, UTC unless it has an offset)"
END_HELP = "end of the range, exclusive; a window that the range touches counts in full"


def add_root(parser: argparse.ArgumentParser) -> None:
    """``--root``."""
    parser.add_argument(
        "--root",
        metavar="URI",
        help="root of the lake: file:///folder or s3://bucket/prefix. Defaults to TICKLAKE_ROOT",
    )


def add_json(parser: argparse.ArgumentParser, *, of: str = "each result") -> None:
    """``--json``."""
    parser.add_argument(
        "--json",
        action="store_true",
        help=f"print {of} as JSON (docs/reference/json.md). Without it, a terminal gets a table",
    )


def add_cap(parser: argparse.ArgumentParser) -> None:
    """``--cap``."""
    parser.add_argument(
        "--cap",
        type=partial(_parse, "--cap", parse_bytes),
        metavar="SIZE",
        help="memory limit that the command runs under, such as 128MiB: a cgroup or RLIMIT_DATA "
        "enforces it, and buffers and batches are sized to fit. Defaults to TICKLAKE_CAP",
    )


def add_base_url(parser: argparse.ArgumentParser) -> None:
    """``--base-url``."""
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="send HTTP requests here instead of to the feed's own host. "
        "Defaults to TICKLAKE_BASE_URL",
    )


def apply_settings(args: argparse.Namespace, settings: Settings) -> None:
    """Give the shared arguments that were left out the values of *settings*."""
    args.settings = settings
    defaults = {
        "root": settings.root_uri,
        "cap": settings.cap_bytes,
    }
    for name, default in defaults.items():
        if getattr(args, name, "") is None:
            setattr(args, name, default)


def base_url_for(args: argparse.Namespace, feed: Feed) -> str | None:
    """Where the requests of *feed* go instead of to its own host, if elsewhere."""
    return base_url_instead(args, getattr(feed.source, "base_url", None))


def base_url_instead(args: argparse.Namespace, own_url: str | None) -> str | None:
    """Where requests to *own_url* go instead, if elsewhere."""
    settings: Settings = args.settings
    return getattr(args, "base_url", None) or settings.base_url_for(own_url)


def with_listed_slices(
    args: argparse.Namespace, feed: Feed, storage: Storage, *, accepts_shrink: bool = False
) -> Feed:
    """*feed* with the slices to plan: where they are listed elsewhere, those that are now."""
    from include.ticklake.extract import renew_slices
    from include.ticklake.extract.endpoint_values import EndpointAccess

    return renew_slices.renew(
        feed,
        storage=storage,
        now_ms=int(time.time() * 1000),
        accepts_shrink=accepts_shrink,
        access=EndpointAccess(base_url_for=partial(base_url_instead, args)),
    )


def open_storage(args: argparse.Namespace) -> Storage:
    """The lake at ``--root``."""
    from include.ticklake.lake.storage import Storage

    return Storage.open(args.root, os.environ)


def report_failure(unit: str, error: TicklakeError) -> None:
    """Write that *unit* failed, for the task that started this command."""
    write_message(UnitFailed.of(unit, error))


def write_message(message: Message) -> None:
    """Write *message* for the task that started this command; people have the log."""
    if not is_terminal(sys.stderr):
        messages.write(message, sys.stderr)


def with_known_slices(args: argparse.Namespace, feed: Feed, storage: Storage) -> Feed:
    """*feed* with every value of its slices that the lake may have, also where a feed lists them.

    Where the arguments name a slice, no list need be there.
    """
    from include.ticklake.lake import slice_lists

    return slice_lists.with_known(feed, storage=storage, may_lack=bool(args.slice))


def planned_units(args: argparse.Namespace, feed: Feed) -> Iterator[Unit]:
    """Every unit of the range and the slice that the arguments name."""
    from include.ticklake.feed import plan

    start, end = parse_range(args)
    slices = [parse_slice(args.slice)] if args.slice else None
    return plan.plan_units(feed, start=start, end=end, slices=slices)


def count_units(args: argparse.Namespace, feed: Feed) -> int:
    """How many units ``planned_units`` yields."""
    return _count_slices(args, feed) * _count_windows(args, feed.window)


def count_days(args: argparse.Namespace, feed: Feed) -> int:
    """How many days of slices the range touches."""
    return _count_slices(args, feed) * _count_windows(args, timedelta(days=1))


def _count_slices(args: argparse.Namespace, feed: Feed) -> int:
    """How many slices the arguments name."""
    return 1 if args.slice else feed.slice_count


def _count_windows(args: argparse.Namespace, length: WindowLength) -> int:
    from include.ticklake.model.window import count_windows

    return count_windows(*parse_range(args), length=length)


def parse_range(args: argparse.Namespace) -> tuple[datetime, datetime]:
    """``--start`` and ``--end``."""
    from include.ticklake.model.window import parse_instant

    if not args.end:
        raise UsageError("--end is missing; a range needs --start and --end")
    return (
        _parse("--start", parse_instant, args.start),
        _parse("--end", parse_instant, args.end),
    )


def _parse(option: str, parse: Callable[[str], T], text: str) -> T:
    """The value of *text*; the ``UsageError`` of a wrong one names the *option*."""
    try:
        return parse(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None


def parse_slice(pairs: Sequence[str]) -> Slice:
    """The slice that ``--slice NAME=VALUE ...`` names."""
    values = [pair.partition("=") for pair in pairs]
    if not all(name and value for name, _, value in values):
        raise UsageError(f"--slice {' '.join(pairs)}: write it as symbol=BTCUSDT")
    return Slice(tuple((name, value) for name, _, value in values))
