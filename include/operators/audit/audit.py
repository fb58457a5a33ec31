"""Reads the data of some slices and compares it with their manifests."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access.lake import open_lake
from include.operators.audit.refetch import contiguous_ranges

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.maintain.audit import Finding
    from include.ticklake.model.unit import Unit

log = logging.getLogger(__name__)

LISTED_MAX = 200
"""How many findings of a batch are listed one by one; all of them are counted."""


class AuditOperator(BaseOperator):
    """Audit a batch.

    :param feed: name of the feed
    :param slices: the slices, as ``PlanAuditOperator`` returns them
    :param scope: the range of time
    """

    template_fields = ("feed", "slices", "scope")

    def __init__(
        self, *, feed: str, slices: list[str], scope: dict[str, Any], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.slices = slices
        self.scope = scope

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Counts by kind, the first findings, and the ranges that another fetch may fix."""
        from include.ticklake.convert.budget import budget_for
        from include.ticklake.feed import loader, plan
        from include.ticklake.lake import slice_lists
        from include.ticklake.maintain import audit, listed_units
        from include.ticklake.maintain.day_rows import DayRows

        lake, file = open_lake(), loader.load(self.feed)
        feed = slice_lists.with_known(file, storage=lake.storage)
        start, end = (datetime.fromisoformat(self.scope[name]) for name in ("start", "end"))
        by_text = {str(slice_): slice_ for slice_ in feed.all_slices}
        units = plan.plan_units(
            feed, start=start, end=end, slices=[by_text[text] for text in self.slices]
        )
        if self.scope["since_first"]:
            units = audit.since_first(feed, units, storage=lake.storage)
        counter = _Counter(units)
        budget = budget_for(feed.cap or lake.settings.cap_bytes)
        kinds: Counter[str] = Counter()
        listed: list[dict[str, str]] = []
        refetch: list[Finding] = []
        day_rows = DayRows()  # other slices of the same days are in other batches
        for finding in audit.audit(
            feed, counter, storage=lake.storage, budget=budget, day_rows=day_rows,
            is_listed=listed_units.is_listed(file, storage=lake.storage),
        ):  # fmt: skip
            kinds[finding.kind] += 1
            log.warning("audit.found %s", " ".join(finding.as_dict().values()))
            if finding.repair == "fetch":
                refetch.append(finding)
            if len(listed) < LISTED_MAX:
                listed.append(finding.as_dict())
        log.info(
            "audit.done feed=%s windows=%d findings=%d", feed.name, counter.units, kinds.total()
        )
        return {
            "windows": counter.units,
            "kinds": dict(kinds),
            "findings": listed,
            "day_rows": day_rows.as_dict(),
            "refetchable": dict(Counter(finding.kind for finding in refetch)),
            "refetch": contiguous_ranges(refetch),
        }


class _Counter:
    """Units, counted as they pass."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self._source = units
        self.units = 0

    def __iter__(self) -> Iterator[Unit]:
        for unit in self._source:
            self.units += 1
            yield unit
