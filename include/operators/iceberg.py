"""A run's compacted days in, a commit to the feed's Iceberg table out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.credentials import storage_env
from include.ticklake.settings import Settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class IcebergOperator(BaseOperator):
    """Bring the table to what the folder holds of some days, as ``PublishOperator`` does for works.

    :param feed: name of the feed
    :param batches: URIs of days' manifests, as ``DaysOperator`` returns them
    """

    template_fields = ("batches",)

    def __init__(self, *, feed: str, batches: list[list[str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.batches = batches

    def execute(self, context: Context) -> dict[str, int | str]:  # noqa: ARG002
        """What was done, as counts."""
        from include.ticklake import feed_files
        from include.ticklake.lake import publish
        from include.ticklake.lake.folder_files import Unit
        from include.ticklake.storage import Storage
        from include.ticklake.upkeep import days

        settings = Settings.from_env(os.environ)
        env = storage_env(settings, os.environ)
        storage = Storage.open(settings.root_uri, env)
        named = [days.named(storage.key_of(uri)) for batch in self.batches for uri in batch]
        units = {Unit(piece, day.start.date()) for piece, day in named}
        feed = feed_files.load(self.feed)
        return publish.commit(feed, units, storage=storage, settings=settings, env=env)
