"""One batch of units in, the URIs of their manifests out: pages become staged JSON."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.connections import login, storage_env
from include.operators.databases import engine
from include.operators.runners.extract_step import BatchProgress
from include.operators.settings import OperatorSettings

if TYPE_CHECKING:
    from airflow.sdk import Context


class ExtractOperator(BaseOperator):
    """Extract a batch, one unit after the other.

    A retry goes on with the unit that failed: how far the batch got is in Airflow's
    task state store, which outlives a try. Clearing a task that succeeded starts anew.

    :param feed: name of the feed
    :param units: the batch, as ``PlanOperator`` returns it
    """

    template_fields = ("units",)

    def __init__(self, *, feed: str, units: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.units = units

    def execute(self, context: Context) -> list[str]:
        """The manifests' URIs, in the order of the units."""
        from include.ticklake.extract import extract
        from include.ticklake.feed import loader
        from include.ticklake.lake import layout
        from include.ticklake.lake.storage import Storage
        from include.ticklake.model.unit import Unit

        settings = OperatorSettings.from_env(os.environ)
        storage = Storage.open(settings.root_uri, storage_env(settings, os.environ))
        feed = loader.load(self.feed)
        units = [Unit.of(unit) for unit in self.units]
        progress = BatchProgress(context["task_state_store"], self.units)
        for unit in units[progress.first :]:
            try:
                extract.extract(
                    feed,
                    unit,
                    storage=storage,
                    base_url=settings.base_url,
                    lookup=login,
                    connect=engine,
                )
            except Exception:
                progress.save()
                raise
            progress.add()
        progress.forget()
        return [
            storage.uri(layout.manifest_key(feed.name, unit.slice, unit.window)) for unit in units
        ]
