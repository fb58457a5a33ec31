"""What a task reads and writes, as OpenLineage names datasets.

Airflow's OpenLineage provider calls ``get_openlineage_facets_on_start`` of an operator when the
task starts and when it ends; without the provider nobody does, and nothing of it is imported.

A dataset is a feed's folder in the lake, not each of its objects: a graph with a node for every
hour of every slice could not be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from include.operators.access.settings import OperatorSettings
from include.ticklake.lake.layout import Area, feed_folder

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from include.ticklake.feed.feed import Feed

Name = tuple[str, str]
"""Namespace and name of a dataset."""


def of_extract(feed_name: str) -> OperatorLineage[Any, Any]:
    """From the source to staged JSON."""
    from include.ticklake.feed import loader

    feed = loader.load(feed_name)
    return _lineage([source_name(feed)], [lake_name(Area.JSON, feed.target.name)])


def of_step(step: str, feed_name: str) -> OperatorLineage[Any, Any]:
    """What the memory-limited step named *step* reads and writes."""
    if step == "extract":
        return of_extract(feed_name)
    inputs = Area.JSON if step == "convert" else Area.PARQUET
    return _lineage([lake_name(inputs, feed_name)], [lake_name(Area.PARQUET, feed_name)])


def of_publish(feed_name: str) -> OperatorLineage[Any, Any]:
    """From Parquet to the newest records, which other programs look up."""
    return _lineage([lake_name(Area.PARQUET, feed_name)], [lake_name(Area.LATEST, feed_name)])


def source_name(feed: Feed) -> Name:
    """An API and its path, files by their address, or a connection and the feed of its query."""
    source: Any = feed.source
    if source.kind == "http":
        parts = urlsplit(source.base_url)
        path = f"{parts.path.rstrip('/')}/{source.path.lstrip('/')}"
        return f"{parts.scheme}://{feed.host}", path
    if source.kind == "files":
        parts = urlsplit(source.address)
        return (
            "file" if parts.scheme == "file" else f"{parts.scheme}://{parts.netloc}"
        ), parts.path
    return f"airflow-connection://{feed.host}", feed.name


def lake_name(area: Area, feed: str) -> Name:
    """A feed's folder: ``s3://bucket`` and ``prefix/parquet/<feed>``, or ``file`` and a path."""
    parts = urlsplit(OperatorSettings.from_env(os.environ).root_uri)
    path = f"{parts.path.rstrip('/')}/{feed_folder(area, feed).rstrip('/')}"
    if parts.scheme == "file":
        return "file", path
    return f"{parts.scheme}://{parts.netloc}", path.lstrip("/")


def _lineage(inputs: Iterable[Name], outputs: Iterable[Name]) -> OperatorLineage[Any, Any]:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    def datasets(names: Iterable[Name]) -> list[Dataset]:
        return [Dataset(namespace=namespace, name=name) for namespace, name in names]

    return OperatorLineage(inputs=datasets(inputs), outputs=datasets(outputs))
