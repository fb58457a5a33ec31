"""Buttons on the page of a task instance: to the coverage, the manifest and the object of a batch.

A worker stores each address when the task ends; the UI reads it from there, so no other process
imports this. A batch of several units links to its first one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow.sdk import BaseOperatorLink

from include.operators.access import batches
from include.operators.access.settings import OperatorSettings
from include.operators.task_info.page_links import coverage_url, unit_url
from include.ticklake.errors import TicklakeError
from include.ticklake.feed import loader
from include.ticklake.lake import layout

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

    from include.ticklake.model.unit import Unit


class CoverageLink(BaseOperatorLink):
    """The calendar of the batch's first slice."""

    name = "Coverage"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """An address in Airflow's UI."""
        unit = first_unit(operator)
        return coverage_url(_feed(operator), unit.slice if unit else None)


class ManifestLink(BaseOperatorLink):
    """The manifest of the batch's first unit, in words."""

    name = "Manifest"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """An address in Airflow's UI."""
        unit = first_unit(operator)
        return unit_url(_feed(operator), unit.slice, unit.window.start) if unit else ""


class ObjectLink(BaseOperatorLink):
    """What the task wrote of its first unit: staged JSON or Parquet.

    In Amazon's console for a bucket there; elsewhere the list of objects on the unit's own page,
    because other stores have no page that we could name.
    """

    name = "Object"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """An address of Amazon's console, or in Airflow's UI."""
        unit = first_unit(operator)
        if unit is None:
            return ""
        feed, slice_, window = _feed(operator), unit.slice, unit.window
        area = layout.Area.JSON if _is_extract(operator) else layout.Area.PARQUET
        root_uri = OperatorSettings.from_env(os.environ).root_uri
        key = layout.window_folder(area, feed, slice_, window)
        if _is_on_aws(root_uri):
            bucket, _, prefix = root_uri.removeprefix("s3://").partition("/")
            folder = f"{prefix.rstrip('/')}/{key}".lstrip("/").rstrip("/") + "/"
            query = urlencode({"prefix": folder, "showversions": "false"})
            return f"https://console.aws.amazon.com/s3/buckets/{quote(bucket)}?{query}"
        return f"{unit_url(feed, slice_, window.start)}#objects"


BATCH_LINKS = (CoverageLink(), ManifestLink(), ObjectLink())
"""Of a task that works on a batch of units."""

FEED_LINKS = (CoverageLink(),)
"""Of a task that works on a whole run of a feed."""


def first_unit(operator: Any) -> Unit | None:
    """The first unit of a task's batch, or of a run's first batch; None where there is none."""
    named = [getattr(operator, name, None) for name in ("units", "manifests")]
    of_run = next(iter(getattr(operator, "batches", ())), None)
    return next(filter(None, map(batches.first_unit, [*named, of_run])), None)


def _feed(operator: Any) -> str:
    """The feed in whose lake the batch is."""
    name = str(operator.feed)
    if _is_extract(operator):
        with suppress(TicklakeError):  # its file is gone since, or is not valid any more
            return loader.load(name).target.name
    return name


def _is_extract(operator: Any) -> bool:
    return bool(getattr(operator, "units", None))


def _is_on_aws(root_uri: str) -> bool:
    has_endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return root_uri.startswith("s3://") and not has_endpoint
