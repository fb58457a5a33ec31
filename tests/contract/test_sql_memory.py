"""Rows of a database take the same memory, however many they are and however large."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from include.ticklake.memory.child_process import ChildProcess
from tests.conftest import REPOSITORY
from tests.support.sql_feeds import HOUR, feed
from tools.servers.databases import Database

pytestmark = pytest.mark.memory

MIB = 1024**2

# A set in the list of a SELECT is made as it is read; one in FROM is stored first.
QUERY = """
    SELECT n AS id, to_timestamp(:start_s + n / 4096.0) AS at, n / 8::numeric AS price
    FROM (SELECT generate_series(1, {}) AS n) AS numbers WHERE :start < :end"""

PRICE = {"price": {"type": "decimal(18,3)"}}
NOTE = {"note": {"type": "string"}}


def extraction(query: str, *, url: str, folder: Path, **described: Any) -> tuple[int, str, int]:
    """A process of its own that extracts what *query* gives: exit code, output, peak memory."""
    found = feed(query, order="none", source={"timezone": "UTC"}, **described)
    text = found.model_dump_json(by_alias=True, exclude={"name"}, exclude_defaults=True)
    folder.mkdir()
    (folder / "shop_events.yaml").write_text(text)
    argv = [
        sys.executable, "-m", "include.ticklake", "extract", "shop_events",
        "--root", (folder / "lake").as_uri(),
        "--start", HOUR.start.isoformat(), "--end", HOUR.end.isoformat(),
    ]  # fmt: skip
    env = os.environ | {
        "TICKLAKE_FEEDS": str(folder), "AIRFLOW_CONN_SHOP": url, "PYTHONPATH": str(REPOSITORY),
    }  # fmt: skip
    with ChildProcess(argv, env=env) as child:
        output = b"".join(child.chunks()).decode()
        exit_code = child.wait()
    return exit_code, output, child.peak_bytes


def extracted(query: str, **options: Any) -> dict[str, Any]:
    """What that process says of itself."""
    exit_code, output, _ = extraction(query, **options)
    assert exit_code == 0, output
    return json.loads(output.splitlines()[-1])


def test_two_million_rows_take_the_memory_of_ten_thousand(postgresql, tmp_path):
    """Peak memory of the whole process, within 4 MB."""
    url = postgresql.url("psycopg")
    few = extracted(QUERY.format(10_000), url=url, folder=tmp_path / "few", fields=PRICE)
    many = extracted(QUERY.format(2_000_000), url=url, folder=tmp_path / "many", fields=PRICE)
    for done in (few, many):
        print(f"{done['rows']:>10,} rows: {done['peak_bytes'] / MIB:.1f} MiB, {done['seconds']} s")
    assert (few["rows"], many["rows"]) == (10_000, 2_000_000)
    assert many["peak_bytes"] - few["peak_bytes"] < 4_000_000


@pytest.fixture(params=["psycopg", "psycopg2", "pymysql", "pysqlite"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An SQLAlchemy URL for each driver of each of the three engines."""
    if request.param == "pysqlite":
        (tmp_path / "shop.db").touch()
        return f"sqlite:///{tmp_path}/shop.db"
    server = "mariadb" if request.param == "pymysql" else "postgresql"
    database: Database = request.getfixturevalue(server)
    return database.url(request.param)


def notes_query(url: str, *, rows: int, characters: int, after: int = 0) -> str:
    """A query for *rows* notes of *characters*, after others that have one."""
    total = after + rows
    if "postgresql" in url:
        number, at, note = "n", "to_timestamp(:start_s)", f"repeat('x', {characters})"
        table = f"(SELECT generate_series(1, {total}) AS n) AS numbers"
    elif "sqlite" in url:
        number, at, note = "n", ":start", f"printf('%.*c', {characters}, 'x')"
        table = (
            "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
            f"WHERE n < {total}) SELECT n FROM numbers)"
        )
    else:
        number, at, note = "seq", "CAST(:start AS DATETIME)", f"REPEAT('x', {characters})"
        table = f"seq_1_to_{total}"
    note = f"CASE WHEN {number} > {after} THEN {note} ELSE 'x' END"
    return f"SELECT {number} AS id, {at} AS at, {note} AS note FROM {table} WHERE :start < :end"


def test_two_thousand_rows_of_1_mb_take_the_memory_of_ten(any_url, tmp_path, report_line):
    """They took 5.8 GB: rows are bounded in bytes, not only in number."""
    few, many = (
        extracted(
            notes_query(any_url, rows=rows, characters=10**6),
            url=any_url, folder=tmp_path / str(rows), fields=NOTE,
        )
        for rows in (10, 2_000)
    )  # fmt: skip
    assert many["rows"] == 2_000
    report_line(
        f"{any_url.partition(':')[0]}: 2,000 rows of 1 MB in {many['peak_bytes'] / MIB:.0f} MiB, "
        f"10 in {few['peak_bytes'] / MIB:.0f} MiB"
    )
    assert many["peak_bytes"] - few["peak_bytes"] < 32 * MIB


def test_rows_that_grow_take_the_memory_of_a_few_large_ones(any_url, tmp_path):
    """The rows before them say nothing of what the next ones take."""
    small = extracted(
        notes_query(any_url, rows=10_000, characters=1),
        url=any_url, folder=tmp_path / "small", fields=NOTE,
    )  # fmt: skip
    grown = extracted(
        notes_query(any_url, rows=200, characters=10**6, after=10_000),
        url=any_url, folder=tmp_path / "grown", fields=NOTE,
    )  # fmt: skip
    assert grown["rows"] == 10_200
    assert grown["peak_bytes"] - small["peak_bytes"] < 128 * MIB


def test_a_row_above_the_limit_is_refused_before_it_is_multiplied(any_url, tmp_path):
    """The message says which limit it is; memory is what the driver itself takes of the row."""
    least = extracted(
        notes_query(any_url, rows=10, characters=1),
        url=any_url, folder=tmp_path / "small", fields=NOTE,
    )  # fmt: skip
    query = notes_query(any_url, rows=10, characters=12 * 10**6)
    exit_code, output, peak_bytes = extraction(
        query, url=any_url, folder=tmp_path / "large", fields=NOTE
    )
    assert exit_code == 3
    assert "limits.max_record_bytes: 8388608; select less, or raise it" in output
    assert peak_bytes - least["peak_bytes"] < 7 * 12 * MIB
