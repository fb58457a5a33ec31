"""The page that shows what the lake holds: the newest event of each feed, and its last audit.

Served by Airflow's API server inside its own pages, to everyone who may see assets there.
Anyone who may emit an event decides what is in it: whatever that is, the page is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.ticklake.model.sizes import format_bytes

if TYPE_CHECKING:
    from fastapi import FastAPI
    from jinja2 import Template
    from sqlalchemy.orm import Session

LAKE = "x-ticklake://lake/"
"""What the URIs of the feeds' assets begin with."""
AUDIT = "x-ticklake://audit"
"""The asset whose events are the audits."""

_AUDITS_READ = 100
"""An audit by hand may be about one feed, so the last one of another is further back."""

_UNREADABLE = "?"
_TOO_LARGE = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetEventInfo:
    """An event, and the run that emitted it."""

    extra: dict[str, Any]
    dag_id: str
    run_id: str
    at: datetime

    @property
    def feed(self) -> str:
        """The feed that it is about."""
        return str(self.extra.get("feed"))

    @property
    def start(self) -> object:
        """The start of the range that it is about."""
        return self.extra.get("start", "")

    @property
    def more_windows(self) -> int:
        """How many windows there are besides the first."""
        windows = _number(self.extra.get("windows", 1))
        return int(windows) - 1 if windows and windows > 1 else 0


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit says of one feed."""

    result: str
    event: AssetEventInfo


def application() -> FastAPI:
    """The application that the plugin mounts; one page, at its root."""
    from airflow.api_fastapi.common.db.common import SessionDep
    from airflow.api_fastapi.core_api.security import requires_access_asset
    from fastapi import Depends, FastAPI
    from fastapi.responses import HTMLResponse

    app = FastAPI(title="ticklake", openapi_url=None)
    may_see = Depends(requires_access_asset(method="GET"))

    def page(session: SessionDep) -> HTMLResponse:
        return HTMLResponse(html(newest_of_feeds(session), newest_audits(session)))

    # The annotation is a name of this function: FastAPI could not find it as text.
    page.__annotations__["session"] = SessionDep
    app.get("/", response_class=HTMLResponse, dependencies=[may_see])(page)
    return app


def newest_of_feeds(session: Session) -> list[AssetEventInfo]:
    """The newest event of each feed's asset, sorted by feed."""
    from airflow.models.asset import AssetEvent, AssetModel
    from sqlalchemy import func, select

    assets = select(AssetModel.id).where(AssetModel.uri.startswith(LAKE))
    newest = select(func.max(AssetEvent.id)).where(AssetEvent.asset_id.in_(assets))
    query = select(AssetEvent).where(AssetEvent.id.in_(newest.group_by(AssetEvent.asset_id)))
    return sorted(map(_info, session.scalars(query)), key=lambda event: event.feed)


def newest_audits(session: Session) -> list[AssetEventInfo]:
    """The newest events of audits, the newest first."""
    from airflow.models.asset import AssetEvent, AssetModel
    from sqlalchemy import select

    asset = select(AssetModel.id).where(AssetModel.uri == AUDIT)
    query = select(AssetEvent).where(AssetEvent.asset_id.in_(asset)).order_by(AssetEvent.id.desc())
    return [_info(event) for event in session.scalars(query.limit(_AUDITS_READ))]


def html(events: Iterable[AssetEventInfo], audits: Iterable[AssetEventInfo] = ()) -> str:
    """The page; whatever comes from the database is escaped."""
    results: dict[str, AuditResult] = {}
    for event in audits:
        for feed, result in _results(event.extra):
            results.setdefault(feed, AuditResult(result, event))
    return _template().render(events=list(events), audits=results)


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader

    folder = Path(__file__).with_name("templates")
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True)
    environment.filters |= {"count": _count, "size": _size, "moment": _moment}
    return environment.get_template("lake.html")


def _info(event: Any) -> AssetEventInfo:  # noqa: ANN401 - an AssetEvent, a model of Airflow's
    return AssetEventInfo(
        extra=event.extra if isinstance(event.extra, dict) else {},
        dag_id=event.source_dag_id or "",
        run_id=event.source_run_id or "",
        at=event.timestamp,
    )


def _results(extra: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """What an audit says of each feed."""
    feeds, failures = extra.get("feeds"), extra.get("failures")
    for feed, totals in feeds.items() if isinstance(feeds, dict) else ():
        findings = totals.get("findings") if isinstance(totals, dict) else None
        yield feed, "no findings" if findings == 0 else f"{_count(findings)} findings"
    for feed in failures if isinstance(failures, dict) else ():
        yield feed, "failed"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if -_TOO_LARGE < value < _TOO_LARGE else None


def _count(value: object) -> str:
    number = _number(value or 0)
    return _UNREADABLE if number is None else f"{number:,}"


def _size(value: object) -> str:
    number = _number(value or 0)
    return _UNREADABLE if number is None else format_bytes(int(number))


def _moment(text: object) -> str:
    return str(text)[:16].replace("T", " ")
