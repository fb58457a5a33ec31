"""What a run of ``ingest_<feed>`` fetches, in batches: the only task that decides anything."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators import run_plans
from include.operators.access.batches import Reference
from include.operators.access.connections import credentials
from include.operators.access.lake import open_lake
from include.operators.access.settings import OperatorSettings
from include.operators.dag_support import pools, trigger_form
from include.operators.dag_support.interval import interval
from include.ticklake.convert.budget import budget_for
from include.ticklake.errors import UsageError
from include.ticklake.model.unit import Unit

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context

    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.storage import Storage
    from include.ticklake.model.slice import Slice

log = logging.getLogger(__name__)


class PlanOperator(BaseOperator):
    """Split a run of ``ingest_<feed>`` into batches; the XCom ``scope`` says what they cover.

    The batches lie in the lake, as the run's plan, so that a run may have hundreds of thousands of
    units; mapped tasks get references to them.

    Invalid params fail here, at once and without retries, before anything is fetched. A run for
    which no range was chosen also takes up units that earlier runs left unfinished.

    :param feed: name of the feed
    """

    def __init__(self, *, feed: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed

    def execute(self, context: Context) -> list[Reference]:
        """A reference to each batch."""
        from include.ticklake.extract import renew_slices
        from include.ticklake.extract.endpoint_values import EndpointAccess
        from include.ticklake.feed import loader, plan
        from include.ticklake.lake import feed_record

        feed = loader.load(self.feed)
        settings = OperatorSettings.from_env(os.environ)
        budget_for(feed.cap or settings.cap_bytes)  # a limit that no step fits in fails here
        pools.check_exists(feed.host)
        params = context["params"]
        start, end = interval(
            params,
            data_interval=_data_interval(context),
            run_after=context["dag_run"].run_after,
            window=feed.window,
        )
        lake = open_lake()
        storage = lake.storage
        feed_record.check(feed.target, storage=storage)
        slices = _selected(feed, params, storage)
        feed = renew_slices.renew(
            feed,
            storage=storage,
            now_ms=int(time.time() * 1000),
            access=EndpointAccess(base_url_for=lake.settings.base_url_for, lookup=credentials),
        )
        total = plan.count_units(feed, start=start, end=end, slices=slices)
        if total > run_plans.MAX_UNITS:
            raise UsageError(
                f"the range from {start.isoformat()} to {end.isoformat()} has more than "
                f"{run_plans.MAX_UNITS:,} windows of slices, too many for one run; choose a "
                "shorter range or fewer `slices`, or use Airflow's backfill, which makes a run for "
                "each window"
            )
        earlier: list[Unit] = []
        if not params.get("start") and context["dag_run"].run_type != "backfill":
            earlier = list(islice(
                _unfinished(feed, start, end, slices, context["dag_run"].run_after, storage),
                run_plans.MAX_UNITS - total,
            ))  # fmt: skip
            log.info("plan.taken_up feed=%s units=%d", feed.name, len(earlier))
        scope = run_plans.Scope()
        units = scope.note(
            chain(earlier, plan.plan_units(feed, start=start, end=end, slices=slices))
        )
        total += len(earlier)
        references = run_plans.save(
            feed.name,
            plan.batches(units, total=total, batches_max=settings.batches_max),
            context=context,
            storage=storage,
            options=trigger_form.unit_options(params),
        )
        log.info("plan.done feed=%s units=%d scope=%s", feed.name, total, scope.to_dict())
        context["ti"].xcom_push(key="scope", value=scope.to_dict())
        return references


def _unfinished(
    feed: Feed,
    start: datetime,
    end: datetime,
    slices: Iterable[Slice] | None,
    now: datetime,
    storage: Storage,
) -> Iterator[Unit]:
    """The units of earlier runs that were not over then, and are *now*; none of this run's own."""
    from include.ticklake.lake import unfinished

    selected = set(slices or feed.all_slices)
    for unit in unfinished.due_units(feed, now=now, storage=storage):
        is_planned = unit.window.start < end and start < unit.window.end
        if unit.slice in selected and not is_planned:
            yield unit


def _selected(feed: Feed, params: Any, storage: Storage) -> list[Slice] | None:
    """The slices that the form selects; also one that left its list."""
    from include.ticklake.lake import slice_lists

    if not params.get("slices"):
        return None
    known = slice_lists.with_known(feed, storage=storage)
    return trigger_form.selected_slices(known, params["slices"])


def _data_interval(context: Context) -> tuple[Any, Any] | None:
    # None without a logical date or a schedule: there the interval is missing or empty.
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    return (start, end) if start and end and start < end else None
