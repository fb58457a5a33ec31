"""A feed in, what is older than it is to be kept out: as a table in the log, deleted on demand."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.connections import storage_env
from include.operators.settings import OperatorSettings

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class RetentionOperator(BaseOperator):
    """Retire what is old at the time of the run; the param ``delete`` says whether for real.

    :param feed: name of the feed
    """

    def __init__(self, *, feed: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Windows, objects and bytes, for JSON and Parquet apart."""
        from include.ticklake.feed import loader
        from include.ticklake.lake.storage import Storage
        from include.ticklake.maintain import expire

        settings = OperatorSettings.from_env(os.environ)
        storage = Storage.open(settings.root_uri, storage_env(settings, os.environ))
        feed, now = loader.load(self.feed), context["dag_run"].run_after
        found = expire.find_expired(feed, now=now, storage=storage)
        if delete := context["params"]["delete"]:
            found = expire.delete(found, storage=storage)
        totals = expire.totals(feed, found, now=now)
        log.info("%s", "\n".join([expire.HEAD, *(total.line() for total in totals)]))
        log.info("retention.%s feed=%s", "done" if delete else "told", feed.name)
        return [asdict(total) | {"before": total.before.isoformat()} for total in totals]
