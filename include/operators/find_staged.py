"""One batch of works in, the URIs of those that have staged JSON out: what can be rebuilt."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.connections import storage_env
from include.operators.settings import OperatorSettings

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class FindStagedOperator(BaseOperator):
    """Find the manifests of a batch; a window without staged JSON is left out.

    :param feed: name of the feed
    :param works: the batch, as ``PlanOperator`` returns it
    """

    template_fields = ("works",)

    def __init__(self, *, feed: str, works: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.works = works

    def execute(self, context: Context) -> list[str]:  # noqa: ARG002
        """The manifests' URIs, in the order of the works."""
        from include.ticklake.lake import layout, manifest
        from include.ticklake.lake.storage import Storage
        from include.ticklake.model.unit import Unit

        settings = OperatorSettings.from_env(os.environ)
        storage = Storage.open(settings.root_uri, storage_env(settings, os.environ))
        works = [Unit.of(work) for work in self.works]
        keys = [layout.manifest_key(self.feed, work.slice, work.window) for work in works]
        found = list(manifest.staged(keys, storage=storage))
        log.info("staged.found feed=%s found=%d of=%d", self.feed, len(found), len(keys))
        return [storage.uri(key) for key in found]
