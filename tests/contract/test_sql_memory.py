"""Ten million rows of PostgreSQL take the memory of ten thousand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.support.sql_feeds import HOUR, feed
from tools.servers.databases import Database

pytestmark = pytest.mark.memory

MIB = 1024**2

# A set in the list of a SELECT is made as it is read; one in FROM is stored first.
QUERY = """
    SELECT n AS id, to_timestamp(:start_s + n / 4096.0) AS at, n / 8::numeric AS price
    FROM (SELECT generate_series(1, {}) AS n) AS numbers WHERE :start < :end"""


def extracted(rows: int, *, database: Database, folder: Path) -> dict[str, Any]:
    """What a process of its own says of an extraction of that many rows."""
    found = feed(QUERY.format(rows), fields={"price": {"type": "decimal(18,3)"}}, order="none")
    text = found.model_dump_json(by_alias=True, exclude={"name"}, exclude_defaults=True)
    folder.mkdir()
    (folder / "shop_events.yaml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "include.ticklake", "extract", "shop_events",
         "--root", (folder / "lake").as_uri(),
         "--start", HOUR.start.isoformat(), "--end", HOUR.end.isoformat()],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False,
        env=os.environ
        | {"TICKLAKE_FEEDS": str(folder), "AIRFLOW_CONN_SHOP": database.url("psycopg")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ten_million_rows_take_the_memory_of_ten_thousand(postgresql, tmp_path):
    """Peak memory of the whole process, within 4 MB."""
    few = extracted(10_000, database=postgresql, folder=tmp_path / "few")
    many = extracted(10_000_000, database=postgresql, folder=tmp_path / "many")
    for done in (few, many):
        print(f"{done['rows']:>10,} rows: {done['peak_bytes'] / MIB:.1f} MiB, {done['seconds']} s")
    assert (few["rows"], many["rows"]) == (10_000, 10_000_000)
    assert many["peak_bytes"] - few["peak_bytes"] < 4_000_000
