"""The page that our plugin adds to Airflow's."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from include.ui import lake_page
from include.ui.lake_page import AssetEventInfo
from tests.conftest import REPOSITORY

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

EXTRA = {
    "feed": "bars",
    "start": "2026-01-02T02:00:00+00:00",
    "windows": 1,
    "rows": 1_234_567,
    "quarantined_rows": 3,
    "json_bytes": 5 * 1024**2,
    "parquet_bytes": 1024**2,
    "peak_bytes": 86 * 1024**2,
    "cap_bytes": 128 * 1024**2,
}

# Airflow's own application, with the plugin mounted by Airflow; the events are made up.
SERVE = """
import json, sys
from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session

with create_session() as session:
    for name, uris in (("ours", "x-ticklake://lake"), ("theirs", "x://lake")):
        name += sys.argv[1]
        asset = AssetModel(name=name, uri=f"{uris}/{name}", group="asset")
        session.add(asset)
        session.flush()
        for rows in (111, 222):
            extra = {"feed": asset.name, "rows": rows}
            session.add(AssetEvent(asset_id=asset.id, extra=extra, source_dag_id="d"))

from airflow.api_fastapi.app import create_app
from starlette.testclient import TestClient

answer = TestClient(create_app(apps="core")).get("/ticklake/")
print(json.dumps({"status": answer.status_code, "text": answer.text}))
"""


def event(extra: object = EXTRA, dag_id: str = "d", run_id: str = "r") -> AssetEventInfo:
    return AssetEventInfo(extra=extra, dag_id=dag_id, run_id=run_id, at=AT)


@pytest.mark.parametrize(
    "shown",
    [
        '<a href="../dags/ingest_bars/runs/manual__2026-01-02T03%3A00%3A00" target="_top">bars</a>',
        "<td>2026-01-02 02:00</td>",
        "<td>1,234,567</td>",
        "<td>86 MiB</td>",
        "<td>2026-01-02 03:04:05</td>",
    ],
)
def test_a_feed_is_shown_with_its_last_run(shown):
    """Window, counts and memory, and a way to the run itself."""
    page = lake_page.html([event(EXTRA, "ingest_bars", "manual__2026-01-02T03:00:00")])
    assert shown in page


def test_a_range_shows_how_many_windows_more():
    """A run by hand may cover many."""
    assert "2026-01-02 02:00 +23" in lake_page.html([event(EXTRA | {"windows": 24})])


def test_nothing_from_the_database_is_markup():
    """Whoever can emit an event cannot put a script into the page."""
    planted = "<script>alert(1)</script>"
    extra = {"feed": planted, "start": planted, "rows": planted}
    audit = event({"feeds": {planted: {"findings": planted}}}, planted, planted)
    assert "<script>" not in lake_page.html([event(extra, planted, planted)], [audit])


NONSENSE = ["many", "", None, True, [1], {"a": 1}, float("nan"), -1, 10**400, 1.5]


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: repr(value)[:9])
@pytest.mark.parametrize("name", [*EXTRA])
def test_nonsense_in_an_event_is_shown_beside_the_other_feeds(name, value):
    """One who may emit events cannot take the page away."""
    page = lake_page.html([event(EXTRA | {name: value}), event(EXTRA | {"feed": "ticks"})])
    assert ">ticks</a>" in page


@pytest.mark.parametrize(
    "value",
    [*NONSENSE, {"bars": 7}, {"bars": {"findings": "x"}}],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.parametrize("name", ["feeds", "failures"])
def test_nonsense_in_an_audit_takes_nothing_away(name, value):
    """The feeds are shown all the same."""
    assert ">bars</a>" in lake_page.html([event()], [event({name: value})])


@pytest.mark.parametrize(
    ("audit", "shown"),
    [
        pytest.param({"feeds": {"bars": {"findings": 0}}}, "no findings", id="none"),
        pytest.param({"feeds": {"bars": {"findings": 1_200}}}, "1,200 findings", id="many"),
        pytest.param({"failures": {"bars": "why"}}, "failed", id="failed"),
    ],
)
def test_a_feed_shows_what_its_last_audit_found(audit, shown):
    """In the row of its last run, as a link to the newest audit that it was part of."""
    audits = [
        event({"feeds": {"ticks": {"findings": 7}}}, "audit", "manual__3"),
        event(audit, "audit", "scheduled__2"),
        event({"feeds": {"bars": {"findings": 8}}}, "audit", "scheduled__1"),
    ]
    page = lake_page.html([event()], audits)
    link = f'<a href="../dags/audit/runs/scheduled__2" target="_top">{shown}</a>'
    assert f"<td>{link}</td>" in page
    assert "7 findings" not in page
    assert "8 findings" not in page


def test_a_lake_without_runs_says_so():
    """Instead of an empty table."""
    assert "No run yet" in lake_page.html([])


@pytest.mark.dag
@pytest.mark.parametrize(("everybody", "status"), [("True", 200), ("False", 401)])
def test_airflow_serves_the_page_to_those_who_may_see_assets(airflow_env, everybody, status):
    """Airflow does not ask who is there on a plugin's behalf: the page does."""
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(status)],
        env={**airflow_env, "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": everybody},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["status"] == status
    shown = {
        text: text in answer["text"]
        for text in (f"ours{status}", "<td>222</td>", "theirs", "<td>111</td>")
    }
    newest_of_ours = status == 200
    assert shown == {
        f"ours{status}": newest_of_ours,
        "<td>222</td>": newest_of_ours,
        "theirs": False,
        "<td>111</td>": False,
    }
