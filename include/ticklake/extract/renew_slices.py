"""The values of listed slices, brought up to date before a run is planned.

The newest window of the feed that lists them is read where it is another one than last time; an
endpoint is asked each time. What is wrong with a list changes nothing: the one in force stays, and
the log and the lake say why.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from include.ticklake.errors import (
    RateLimitedError,
    RetryableError,
    SourceRefusedError,
    TicklakeError,
    UsageError,
    UserError,
)
from include.ticklake.extract import endpoint_values
from include.ticklake.extract.endpoint_values import EndpointAccess
from include.ticklake.extract.listed_values import ListedWindow
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.slice_list import ListingEndpoint
from include.ticklake.lake import list_rules, slice_lists
from include.ticklake.lake.list_rules import RefusedListError
from include.ticklake.lake.slice_lists import ListSource, ValueList
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.model.window_length import longest

log = logging.getLogger(__name__)

_TRIES = 5
_NAMED = 5
_OLD_WINDOWS = 3
"""A list is old when its source committed nothing for so many of its windows."""


def renew(
    feed: Feed,
    *,
    storage: Storage,
    now_ms: int,
    accepts_shrink: bool = False,
    access: EndpointAccess | None = None,
) -> Feed:
    """*feed* with the values that are listed now; ``UsageError`` where no list was ever read.

    A feed that lists its slices itself is returned as it is, and nothing is read. *access* says how
    endpoints are reached, and defaults to what the environment has.
    """
    if not feed.slice_lists:
        return feed
    for _ in range(_TRIES):
        stored = slice_lists.read(feed.name, storage=storage)
        lists = {
            name: _renewed(
                feed, name, stored.lists.get(name), storage=storage, now_ms=now_ms,
                accepts_shrink=accepts_shrink, access=access or EndpointAccess(),
            )
            for name in feed.slice_lists
        }  # fmt: skip
        if lists != stored.lists:
            try:
                slice_lists.write(feed.name, lists, storage=storage, expect=stored.version)
            except LostRaceError:
                continue  # another run has renewed it
        for name, listed in lists.items():
            _tell(feed, name, stored.lists.get(name), listed, now_ms=now_ms)
        return slice_lists.with_listed(feed, lists)
    # Whatever others made of it meanwhile is as new.
    return slice_lists.with_listed(feed, slice_lists.read(feed.name, storage=storage).lists)


def _renewed(
    feed: Feed,
    name: str,
    current: ValueList | None,
    *,
    storage: Storage,
    now_ms: int,
    accepts_shrink: bool,
    access: EndpointAccess,
) -> ValueList:
    listed = feed.slice_lists[name]
    known = current.values if current else ()
    try:
        if isinstance(listed, ListingEndpoint):
            reading = endpoint_values.read(feed, name, known=known, access=access, now_ms=now_ms)
        else:
            source = ListSource.of(name, listed)
            window = ListedWindow(loader.load(listed.feed), source, storage=storage)
            is_known = current is not None and current.source == source
            if current and is_known and current.digest == window.digest and not current.problem:
                return current
            reading = window.read(target=feed, slice_name=name, known=known)
        return list_rules.renewed(
            current, reading, may_shrink=listed.may_shrink, now_ms=now_ms,
            feed=feed.name, accepts_shrink=accepts_shrink,
        )  # fmt: skip
    except (RefusedListError, TicklakeError) as error:
        if current is None:
            raise _no_list(feed, name, error) from None
        return list_rules.with_problem(current, str(error), now_ms=now_ms)


def _no_list(feed: Feed, name: str, error: Exception) -> TicklakeError:
    """What to raise where there is nothing to plan by; a list may be there for the next attempt."""
    listed = feed.slice_lists[name]
    where = f"{feed.name}: the values of slices.{name} are not known yet"
    text = f"{where}: {error}"
    if isinstance(error, UserError):
        return UsageError(text)
    if not isinstance(listed, ListingEndpoint):
        return RetryableError(
            f"{text}; run ingest_{listed.feed}, or `extract` a window of {listed.feed}, first"
        )
    if isinstance(error, RateLimitedError):
        return RateLimitedError(f"{where}: {error.where}", retry_after_s=error.retry_after_s)
    if isinstance(error, RefusedListError):
        return RetryableError(f"{text}; if it should have values, correct records, column or where")
    return (
        SourceRefusedError(text) if isinstance(error, SourceRefusedError) else RetryableError(text)
    )


def _tell(
    feed: Feed, name: str, before: ValueList | None, listed: ValueList, *, now_ms: int
) -> None:
    """Log what changed, and what should be looked at."""
    where = f"feed={feed.name} slice={name} from={listed.source.origin}"
    old, new = set(before.in_force if before else ()), set(listed.in_force)
    if old != new:
        log.info(
            "slices.renewed %s listed=%d joined=%s left=%s", where, len(new),
            _named(new - old), _named(old - new),
        )  # fmt: skip
    if listed.left_out_rows:
        log.warning(
            "slices.left_out %s rows=%d: %s", where, listed.left_out_rows,
            "; ".join(listed.left_out),
        )  # fmt: skip
    if listed.problem:
        log.warning(
            "slices.kept %s: the newest list is not in force: %s; the %d values of %s stay",
            where, listed.problem.text, len(new), _time(listed.as_of_ms),
        )  # fmt: skip
    elif (age := _age(listed, now_ms=now_ms)) is not None:
        log.warning(
            "slices.old %s: the list is of %s, %s ago; see why ingest_%s fetches nothing newer",
            where, _time(listed.as_of_ms), age, listed.source.feed,
        )  # fmt: skip


def _age(listed: ValueList, *, now_ms: int) -> timedelta | None:
    """How old a list is that should be newer; an endpoint's is as new as the run."""
    if not listed.source.feed:
        return None
    age = timedelta(milliseconds=now_ms - listed.as_of_ms)
    try:
        window = longest(loader.load(listed.source.feed).window)
    except TicklakeError:
        return None
    return timedelta(seconds=age // timedelta(seconds=1)) if age > _OLD_WINDOWS * window else None


def _named(values: set[str]) -> str:
    first = sorted(values)[:_NAMED]
    more = f" and {len(values) - _NAMED} more" if len(values) > _NAMED else ""
    return f"{len(values)}" + (f" ({', '.join(first)}{more})" if first else "")


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
