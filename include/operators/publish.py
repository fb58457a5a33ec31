"""A run's batches in, one asset event out: the only thing that other DAGs need to wait for.

Before it, what readers find without a listing is renewed: each slice's ``latest.json``, and
the feed's Iceberg table where ``TICKLAKE_ICEBERG`` is set.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from include.operators.connections import storage_env
from include.operators.settings import OperatorSettings

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

_SUMS = ("manifests", "rows", "quarantined_rows", "json_bytes", "parquet_bytes")
_PEAKS = ("peak_bytes", "cap_bytes")


def lake(feed: str) -> Asset:
    """The asset that stands for the Parquet of *feed*, wherever its root is."""
    return Asset(name=f"ticklake_{feed}", uri=f"x-ticklake://lake/{feed}", group="ticklake")


class PublishOperator(BaseOperator):
    """Emit one event for the whole run, with what it covers and what that took.

    A run that was triggered by the event has no data interval of its own: the window
    travels in ``extra``, as ``start`` and ``end``.

    :param feed: name of the feed
    :param works: the run's batches of works, as ``PlanOperator`` returns them
    :param scope: what the run covers, as ``PlanOperator`` pushes it
    :param converted: the counts of each batch
    """

    template_fields = ("works", "scope", "converted")

    def __init__(
        self,
        *,
        feed: str,
        works: list[list[dict[str, Any]]],
        scope: dict[str, Any],
        converted: Iterable[dict[str, Any]] | dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(outlets=[lake(feed)], **kwargs)
        self.feed = feed
        self.works = works
        self.scope = scope
        self.converted = converted

    def execute(self, context: Context) -> dict[str, Any]:
        """The event's ``extra``."""
        published = self._publish(OperatorSettings.from_env(os.environ))
        # Airflow hands over a mapped group of one as its one value, not as a list of one.
        converted: Any = self.converted
        batches: list[dict[str, Any]] = (
            [converted] if isinstance(converted, dict) else list(converted)
        )
        extra = {"feed": self.feed, **self.scope}
        extra |= {name: sum(batch[name] for batch in batches) for name in _SUMS}
        extra |= {name: max((batch[name] for batch in batches), default=0) for name in _PEAKS}
        extra |= self._new_fields(batches)
        extra |= published
        context["outlet_events"][self.outlets[0]].extra = extra
        log.info("publish.done %s", " ".join(f"{name}={value}" for name, value in extra.items()))
        return extra

    def _new_fields(self, batches: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
        """The names that no field reads, told once for the run; nothing where there are none."""
        names = sorted({name for batch in batches for name in batch.get("new_fields", ())})
        if not names:
            return {}
        from include.ticklake.extract import unknown_fields
        from include.ticklake.feed import loader

        log.warning("publish.new_fields %s", unknown_fields.told(loader.load(self.feed), names))
        return {"new_fields": names}

    def _publish(self, settings: OperatorSettings) -> dict[str, int | str]:
        """Renew what readers find without a listing; what was done, as counts."""
        from include.ticklake.feed import loader
        from include.ticklake.lake.storage import Storage
        from include.ticklake.model.unit import Unit
        from include.ticklake.publish import publish

        env = storage_env(settings, os.environ)
        return publish.publish(
            loader.load(self.feed),
            [Unit.of(work) for batch in self.works for work in batch],
            storage=Storage.open(settings.root_uri, env),
            settings=settings,
            env=env,
        )
