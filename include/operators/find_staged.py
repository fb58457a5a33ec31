"""Finds what a rebuild can read: the windows of a batch that have staged JSON."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access import batches
from include.operators.access.batches import Batch
from include.operators.access.lake import open_lake
from include.operators.dag_support import labels

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class FindStagedOperator(BaseOperator):
    """Find the manifests of a batch; windows without staged JSON are left out.

    :param feed: name of the feed
    :param units: the batch, as ``PlanRebuildOperator`` refers to it
    """

    template_fields = ("feed", "units")

    def __init__(self, *, feed: str, units: Batch, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.units = units

    def execute(self, context: Context) -> Batch:  # noqa: ARG002
        """What is left of the batch; of one that lists its units, the manifests' URIs."""
        from include.ticklake.lake import layout, staged_windows
        from include.ticklake.model.unit import Unit

        storage = open_lake().storage
        units = [Unit.of(unit) for unit in batches.read_units(self.units, lambda: storage)]
        keys = [layout.manifest_key(self.feed, unit.slice, unit.window) for unit in units]
        staged = set(staged_windows.find_staged(keys, storage=storage))
        log.info("staged.found feed=%s found=%d of=%d", self.feed, len(staged), len(keys))
        if not batches.is_reference(self.units):
            return [storage.uri(key) for key in keys if key in staged]
        left = {number: unit for number, unit in enumerate(units) if keys[number] in staged}
        if len(left) == len(units):
            return self.units
        covers = labels.label((unit.slice, unit.window) for unit in left.values())
        return batches.part_of(self.units, left, covers=covers)
