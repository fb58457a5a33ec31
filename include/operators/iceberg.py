"""A run's compacted days in, a commit to the feed's Iceberg table out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.connections import storage_env
from include.operators.settings import OperatorSettings

if TYPE_CHECKING:
    from airflow.sdk import Context


class IcebergOperator(BaseOperator):
    """Bring the table to what the folder holds of some days, as ``PublishOperator`` does for works.

    :param feed: name of the feed
    :param batches: URIs of days' manifests, as ``PlanDaysOperator`` returns them
    """

    template_fields = ("batches",)

    def __init__(self, *, feed: str, batches: list[list[str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.batches = batches

    def execute(self, context: Context) -> dict[str, int | str]:  # noqa: ARG002
        """What was done, as counts."""
        from include.ticklake.feed import loader
        from include.ticklake.lake import layout
        from include.ticklake.lake.layout import SliceDay
        from include.ticklake.lake.storage import Storage
        from include.ticklake.publish import publish

        settings = OperatorSettings.from_env(os.environ)
        env = storage_env(settings, os.environ)
        storage = Storage.open(settings.root_uri, env)
        days = [
            layout.parse_manifest(storage.key_of(uri)) for batch in self.batches for uri in batch
        ]
        units = {SliceDay(day.slice, day.window.start.date()) for day in days}
        feed = loader.load(self.feed)
        return publish.commit(feed, units, storage=storage, settings=settings, env=env)
