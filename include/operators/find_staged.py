"""Finds what a rebuild can read: the windows of a batch that have staged JSON."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access.lake import open_lake

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class FindStagedOperator(BaseOperator):
    """Find the manifests of a batch; windows without staged JSON are left out.

    :param feed: name of the feed
    :param units: the batch, as ``PlanRebuildOperator`` returns it
    """

    template_fields = ("feed", "units")

    def __init__(self, *, feed: str, units: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.units = units

    def execute(self, context: Context) -> list[str]:  # noqa: ARG002
        """The manifests' URIs, in the order of the units."""
        from include.ticklake.lake import layout, manifest
        from include.ticklake.model.unit import Unit

        storage = open_lake().storage
        units = [Unit.of(unit) for unit in self.units]
        keys = [layout.manifest_key(self.feed, unit.slice, unit.window) for unit in units]
        staged = list(manifest.staged(keys, storage=storage))
        log.info("staged.found feed=%s found=%d of=%d", self.feed, len(staged), len(keys))
        return [storage.uri(key) for key in staged]
