"""After a `regrid` the table has each row once: it publishes every day that a window spans."""

from __future__ import annotations

from include.ticklake.publish import iceberg
from tests.support.rows_lake import RowsLake, record


def test_rows_of_old_windows_leave_the_table(tmp_path, http_server, monkeypatch):
    """Two days of hours become a week."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ICEBERG", "sqlite")
    lake = RowsLake(tmp_path, http_server)
    days = ("--start", "2026-11-22T05:00Z", "--end", "2026-11-23T06:00Z")
    lake.describe(may_be_outside=True)
    lake.send(record(1, "1.5"), record(24 * 3_600_000, "2.5"))
    assert lake.ingest(*days) == 0
    assert lake.run("publish", *days) == 0
    lake.describe(may_be_outside=True, window="1w")
    assert lake.run("regrid") == 0
    with iceberg.catalog("sqlite", storage=lake.storage, env={}) as catalog:
        [name] = [
            name for space in catalog.list_namespaces() for name in catalog.list_tables(space)
        ]
        table = catalog.load_table(name).scan().to_arrow()
    assert sorted(table["id"].to_pylist()) == [1, 24 * 3_600_000]
