"""Addresses of ticklake's pages inside Airflow's UI."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from include.ticklake.model.slice import Slice

_PAGES = "/plugin/lake/ticklake"
"""The plugin's ``url_route``, then what its own addresses begin with."""


def coverage_url(feed: str, slice_: Slice | None = None) -> str:
    """The calendar of a slice, or of the feed's first one."""
    return _url("coverage", feed=feed, slice=None if slice_ is None else str(slice_))


def unit_url(feed: str, slice_: Slice, start: datetime) -> str:
    """What the lake holds of one window of a slice: its manifest, objects and versions."""
    text = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _url("unit", feed=feed, slice=str(slice_), start=text)


def quarantine_url(feed: str) -> str:
    """The records of *feed* that could not be converted."""
    return _url("quarantine", feed=feed)


def dag_url(dag_id: str, run_id: str | None = None) -> str:
    """Airflow's own page of a DAG, or of one of its runs."""
    return f"{_base_url()}/dags/{dag_id}" + (f"/runs/{run_id}" if run_id else "")


def _url(page: str, **query: str | None) -> str:
    named = {name: value for name, value in query.items() if value}
    return f"{_base_url()}{_PAGES}/{page}?{urlencode(named)}"


def _base_url() -> str:
    """``api.base_url``; empty where it is not set, which is right for links inside the UI."""
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
