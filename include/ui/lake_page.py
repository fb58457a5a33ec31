"""The newest events of each feed in, one page out: what the lake holds, and what that took.

Served by Airflow's API server inside its own pages, to whoever may see assets there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from include.ticklake.model.sizes import format_bytes

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy.orm import Session

LAKE, AUDIT = "x-ticklake://lake/", "x-ticklake://audit/"
"""What the URIs of our assets begin with: those of the runs that publish, and of the audits."""

Event = tuple[dict[str, Any], str, str, datetime]
"""(extra, DAG, run, time)"""

_COLUMNS = (
    "feed", "window (UTC)", "rows", "quarantined", "JSON", "Parquet", "peak memory", "cap",
    "published (UTC)", "last audit",
)  # fmt: skip

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lake</title><style>
:root {{ color-scheme: light dark }}
body {{ font: 14px/1.5 system-ui, sans-serif; margin: 1.5rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ padding: .4rem .8rem; text-align: right; border-bottom: 1px solid #8884 }}
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) {{ text-align: left }}
td {{ font-variant-numeric: tabular-nums; white-space: nowrap }}
</style></head><body><h1>Lake</h1>
<p>The last run of each feed that was published.</p>
<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></body></html>"""


def application() -> FastAPI:
    """The application that the plugin mounts; one page, at its root."""
    from airflow.api_fastapi.common.db.common import SessionDep
    from airflow.api_fastapi.core_api.security import requires_access_asset
    from fastapi import Depends, FastAPI
    from fastapi.responses import HTMLResponse

    app = FastAPI(title="ticklake", openapi_url=None)
    may_see = Depends(requires_access_asset(method="GET"))

    def page(session: SessionDep) -> HTMLResponse:
        return HTMLResponse(html(newest(session, LAKE), newest(session, AUDIT)))

    # The annotation is a name of this function: FastAPI could not find it as text.
    page.__annotations__["session"] = SessionDep
    app.get("/", response_class=HTMLResponse, dependencies=[may_see])(page)
    return app


def newest(session: Session, uris: str) -> list[Event]:
    """The newest event of each asset whose URI begins with *uris*, in the order of the feeds."""
    from airflow.models.asset import AssetEvent, AssetModel
    from sqlalchemy import func, select

    ours = select(AssetModel.id).where(AssetModel.uri.startswith(uris))
    last = select(func.max(AssetEvent.id)).where(AssetEvent.asset_id.in_(ours))
    events = session.scalars(
        select(AssetEvent).where(AssetEvent.id.in_(last.group_by(AssetEvent.asset_id)))
    )
    rows = [
        (event.extra, event.source_dag_id or "", event.source_run_id or "", event.timestamp)
        for event in events
    ]
    return sorted(rows, key=lambda row: str(row[0].get("feed")))


def html(rows: Iterable[Event], audits: Iterable[Event] = ()) -> str:
    """The page; every value from the database is escaped."""
    verdicts = {extra.get("feed"): _verdict(extra, dag, run) for extra, dag, run, _ in audits}
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    body = "".join(_row(*row, verdicts.get(row[0].get("feed"), "")) for row in rows)
    return _PAGE.format(
        head=head, body=body or f'<tr><td colspan="{len(_COLUMNS)}">No run yet.</td></tr>'
    )


def _row(extra: dict[str, Any], dag_id: str, run_id: str, at: datetime, verdict: str) -> str:
    windows = extra.get("windows", 1)
    cells = (
        _link(str(extra.get("feed")), dag_id, run_id),
        escape(_moment(extra.get("start"))) + (f" +{windows - 1}" if windows > 1 else ""),
        f"{extra.get('rows', 0):,}",
        f"{extra.get('quarantined_rows', 0):,}",
        format_bytes(extra.get("json_bytes", 0)),
        format_bytes(extra.get("parquet_bytes", 0)),
        format_bytes(extra.get("peak_bytes", 0)),
        format_bytes(extra.get("cap_bytes", 0)),
        f"{at:%Y-%m-%d %H:%M:%S}",
        verdict,
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _verdict(extra: dict[str, Any], dag_id: str, run_id: str) -> str:
    count = int(extra.get("findings", 0))
    return _link(f"{count:,} findings" if count else "nothing found", dag_id, run_id)


def _link(text: str, dag_id: str, run_id: str) -> str:
    link = f"../dags/{quote(dag_id)}/runs/{quote(run_id)}"
    return f'<a href="{escape(link)}" target="_top">{escape(text)}</a>'


def _moment(text: object) -> str:
    return str(text)[:16].replace("T", " ")
