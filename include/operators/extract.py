"""One batch of works in, the URIs of their manifests out: pages become staged JSON."""

from __future__ import annotations

import json
import logging
import os
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.credentials import login, storage_env
from include.operators.databases import engine
from include.ticklake.settings import Settings

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

PROGRESS = "progress"
"""Key in the task state store: how many works of which batch are committed."""

SAVE_EVERY_S = 5.0
"""What a killed task fetches again, at most; one that fails saves where it was."""


class ExtractOperator(BaseOperator):
    """Extract a batch, one work after the other.

    A retry goes on with the work that failed: how far the batch got is in Airflow's
    task state store, which outlives a try. Clearing a task that succeeded starts anew.

    :param feed: name of the feed
    :param works: the batch, as ``PlanOperator`` returns it
    """

    template_fields = ("works",)

    def __init__(self, *, feed: str, works: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.works = works

    def execute(self, context: Context) -> list[str]:
        """The manifests' URIs, in the order of the works."""
        from include.ticklake import feed_files, manifest
        from include.ticklake.extraction import extract
        from include.ticklake.plan import Work
        from include.ticklake.storage import Storage

        settings = Settings.from_env(os.environ)
        storage = Storage.open(settings.root_uri, storage_env(settings, os.environ))
        feed = feed_files.load(self.feed)
        works = [Work.of(work) for work in self.works]
        store = context["task_state_store"]
        batch = sha256(json.dumps(self.works, sort_keys=True).encode()).hexdigest()
        first, saved_s = _committed(store, batch), time.monotonic()
        for done in range(first, len(works)):
            try:
                extract.extract(
                    feed,
                    works[done],
                    storage=storage,
                    base_url=settings.base_url,
                    lookup=login,
                    connect=engine,
                )
            except Exception:
                if done > first:
                    store.set(PROGRESS, {"batch": batch, "works": done})
                raise
            # Each of these is a call of Airflow's API, and takes longer than a tiny work.
            if time.monotonic() - saved_s > SAVE_EVERY_S:
                store.set(PROGRESS, {"batch": batch, "works": done + 1})
                saved_s = time.monotonic()
        store.delete(PROGRESS)
        return [storage.uri(manifest.key(feed.name, work.slice, work.window)) for work in works]


def _committed(store: Any, batch: str) -> int:
    progress = store.get(PROGRESS) or {}
    if progress.get("batch") != batch:  # the plan was made anew since
        return 0
    log.info("extract.resume works_done=%d", progress["works"])
    return int(progress["works"])
