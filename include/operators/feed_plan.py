"""Which feeds a maintenance run works on, and how its mapped tasks are shared among them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.operators import run_plans
from include.operators.access.batches import Reference
from include.operators.dag_support import trigger_form
from include.ticklake.errors import UsageError, UserError, did_you_mean
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.operators.access.lake import LakeAccess
    from include.ticklake.lake.storage import Storage

log = logging.getLogger(__name__)

INVALID_FEEDS = "invalid_feeds"
"""XCom of a plan task: by name, why a feed that has data could not be planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlan:
    """One feed's part of a run."""

    feed: Feed
    start: datetime
    end: datetime
    slices: list[Slice]


def plan_feeds(
    context: Context,
    *,
    storage: Storage,
    range_of: Callable[[Feed], tuple[datetime, datetime] | None],
    applies_to: Callable[[Feed], bool] = lambda _: True,
) -> list[FeedPlan]:
    """The selected feeds that have data, each with its own range and slices.

    A feed whose file is invalid stops no other: it goes to the XCom ``INVALID_FEEDS``, and
    the run fails at its end. ``UsageError`` where the form selects something that does not
    exist, or a range of which no window is complete.
    """
    params = context["params"]
    feeds, invalid = _with_data(params.get("feeds"), storage=storage)
    context["ti"].xcom_push(key=INVALID_FEEDS, value=invalid)
    feeds = [feed for feed in feeds if applies_to(feed)]
    by_feed = trigger_form.select_slices(feeds, params.get("slices") if feeds else None)
    ranges = {feed.name: range_of(feed) for feed in feeds}
    if feeds and not any(ranges.values()):
        raise UsageError("`start`: no window of the range is complete yet; choose an earlier one")
    plans = [
        FeedPlan(
            feed=feed,
            start=range_[0],
            end=range_[1],
            slices=feed.all_slices if by_feed is None else by_feed[feed.name],
        )
        for feed in feeds
        if (range_ := ranges[feed.name]) and (by_feed is None or feed.name in by_feed)
    ]
    log.info("plan.feeds planned=%s", ",".join(plan.feed.name for plan in plans) or "none")
    return plans


@dataclass(frozen=True, slots=True)
class PlannedUnits:
    """The units of one feed's part of a run, of which one after the other is made."""

    units: Iterable[Unit]
    count: int

    @classmethod
    def of_range(cls, part: FeedPlan, *, window: timedelta | None = None) -> PlannedUnits:
        """All of the range of *part*, in windows of the feed or of this length."""
        from include.ticklake.feed import plan

        feed = part.feed.model_copy(update={"window": window}) if window else part.feed
        of: dict[str, Any] = {"start": part.start, "end": part.end, "slices": part.slices}
        return cls(plan.plan_units(feed, **of), plan.count_units(feed, **of))


def split_by_feed(
    plans: Sequence[FeedPlan],
    units: Sequence[PlannedUnits],
    *,
    context: Context,
    lake: LakeAccess,
    feed_batches_max: int | None = None,
) -> Iterator[tuple[dict[str, Any], Reference]]:
    """References to batches of the *units* of each plan, with the ``feed`` and ``runner`` of each.

    All feeds together have at most ``batches_max`` of the settings; see ``share_batches``.
    """
    from include.ticklake.feed import plan

    settings, by_feed = lake.settings, list(zip(plans, units, strict=True))
    if sum(of_feed.count for of_feed in units) > run_plans.MAX_UNITS:
        raise UsageError(
            f"the range has more than {run_plans.MAX_UNITS:,} windows of slices, too many for one "
            "run; choose a shorter range, fewer `feeds` or fewer `slices`"
        )
    shares = share_batches(
        {part.feed.name: of_feed.count for part, of_feed in by_feed if of_feed.count},
        batches_max=settings.batches_max,
        feed_batches_max=feed_batches_max,
    )
    for part, of_feed in by_feed:
        feed = part.feed
        batches = plan.batches(
            of_feed.units, total=of_feed.count, batches_max=shares.get(feed.name, 1)
        )
        task = {"feed": feed.name, "runner": feed.runner or settings.runner}
        for reference in run_plans.save(feed.name, batches, context=context, storage=lake.storage):
            yield task, reference


def share_batches(
    sizes: Mapping[str, int], *, batches_max: int, feed_batches_max: int | None = None
) -> dict[str, int]:
    """How many of a run's *batches_max* each feed gets: the more, the greater its size.

    At least one, at most *feed_batches_max*, and never more than its size.
    """
    if len(sizes) > batches_max:
        raise UsageError(
            f"{len(sizes)} feeds have data, more than the {batches_max} batches of a run; "
            "raise TICKLAKE_BATCHES_MAX, or choose some `feeds`"
        )
    spare, total = batches_max - len(sizes), sum(sizes.values()) or 1
    most = feed_batches_max or batches_max
    return {name: min(size, most, 1 + size * spare // total) for name, size in sizes.items()}


def _with_data(names: list[str] | None, *, storage: Storage) -> tuple[list[Feed], dict[str, str]]:
    from include.ticklake.lake import feed_record, slice_lists

    paths = loader.feed_paths()
    for name in names or ():
        if name not in paths:
            raise UsageError(f"`feeds`: unknown feed {name!r}{did_you_mean(name, list(paths))}")
    feeds: list[Feed] = []
    invalid: dict[str, str] = {}
    for name in names or paths:
        if not any(storage.folders(layout.feed_folder(layout.Area.MANIFESTS, name))):
            log.info("plan.no_data feed=%s", name)
            continue
        try:
            feed = loader.read_feed(paths[name])
            feed_record.check(feed, storage=storage)
            feeds.append(slice_lists.with_known(feed, storage=storage))
        except UserError as error:
            log.error("plan.invalid_feed feed=%s error=%s", name, error)
            invalid[name] = str(error)
    return feeds, invalid
