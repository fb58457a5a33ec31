"""A query that breaks, or whose process is killed, is read again from its start."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from itertools import islice

import pytest

from include.ticklake.errors import (
    SourceRefusedError,
)
from include.ticklake.feed import loader
from tests.conftest import REPOSITORY
from tests.support.sql_feeds import (
    HOUR,
    PRICE,
    connect,
    events_table,
    feed,
    records,
    run,
    trades_query,
)

BROKEN = trades_query(60_000).replace(
    "AS price", "AS price, 1 / ((SELECT fails FROM events) - n) AS v"
)


def test_an_attempt_that_failed_starts_again(postgresql_url, tmp_path):
    """No row is staged twice, and the whole parts of the first attempt are gone."""
    described = feed(BROKEN, fields=PRICE, order="none", part_bytes=100_000)
    with events_table(postgresql_url, "fails int", [(50_000,)]):
        with pytest.raises(SourceRefusedError, match="division by zero"):
            run(described, postgresql_url, tmp_path)
        assert not list(tmp_path.rglob("part-*"))
        with closing(connect("shop", url=postgresql_url).connect()) as session, session.begin():
            session.exec_driver_sql("UPDATE events SET fails = 70000")
        done = run(described, postgresql_url, tmp_path)
    assert done.manifest.json.rows == len({record["id"] for record in records(done, tmp_path)})
    assert done.manifest.json.rows == 60_000
    assert not list(tmp_path.rglob("part-*"))


def test_a_killed_attempt_is_not_resumed(postgresql, tmp_path):
    """A query cannot start in the middle: all its rows are fetched again."""
    folder, root = tmp_path / "feeds", tmp_path / "lake"
    folder.mkdir()
    described = feed(trades_query(100_000), fields=PRICE, order="none", part_bytes=65_536)
    text = described.model_dump_json(by_alias=True, exclude={"name"}, exclude_defaults=True)
    (folder / "shop_events.yaml").write_text(text)
    with subprocess.Popen(
        [sys.executable, "-m", "include.ticklake", "--verbose", "extract", "shop_events",
         "--root", root.as_uri(), "--start", HOUR.start.isoformat(), "--end", HOUR.end.isoformat()],
        cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ
        | {"TICKLAKE_FEEDS": str(folder), "AIRFLOW_CONN_SHOP": postgresql.url("psycopg")},
    ) as child:  # fmt: skip
        read = (line for line in child.stderr if "page.read" in line)
        assert len(list(islice(read, 20))) == 20
        child.kill()
        child.stderr.read()
    assert len(list(root.rglob("part-*"))) > 1
    assert not list(root.rglob("progress.json"))
    done = run(loader.read_feed(folder / "shop_events.yaml"), postgresql.url("psycopg"), root)
    assert done.manifest.json.rows == len({record["id"] for record in records(done, root)})
    assert done.manifest.json.rows == 100_000
