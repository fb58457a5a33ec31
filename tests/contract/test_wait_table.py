"""Every wait has one clock: each peer that never finishes, its setting, and how long it took.

The table is at the end of the run. A run ends by the error that names its setting, within ten
times of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.ticklake.errors import MalformedPageError, SourceUnavailableError, TicklakeError
from include.ticklake.lake.storage import Storage
from tests.support import sql_feeds
from tests.support.feed_texts import feed
from tests.support.servers import never_ending
from tests.support.servers.raw import Drip, RawServer
from tests.support.small_source import KEYED, rows_of

TIMEOUT_S = 1
LONGEST_S = 10 * TIMEOUT_S
LATE = (SourceUnavailableError, MalformedPageError)

Report = Callable[[str], None]


@contextmanager
def timed(peer: str, setting: str, report_line: Report) -> Iterator[None]:
    """The line of *peer* in the table, whose wait ends in the block."""
    began_s = time.monotonic()
    yield
    took_s = time.monotonic() - began_s
    report_line(f"{peer:<52} {setting:<32} {took_s:4.1f} s")
    assert 0.9 * TIMEOUT_S < took_s < LONGEST_S


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """An empty lake on a disk."""
    return Storage.open(f"file://{tmp_path}/lake", {})


# ---- HTTP


@pytest.mark.parametrize("peer", never_ending.ANSWERS)
def test_an_http_answer(peer, storage, report_line):
    """However slowly, or fast, its bytes come."""
    head, drop = never_ending.ANSWERS[peer]
    described = feed(fields=KEYED, limits={"page_timeout_s": TIMEOUT_S})
    with (
        RawServer(head, then=Drip(drop)) as server,
        timed(f"HTTP: {peer}", f"limits.page_timeout_s: {TIMEOUT_S}", report_line),
        pytest.raises(LATE, match=rf"after limits.page_timeout_s: {TIMEOUT_S}\b"),
    ):
        rows_of(described, server, storage)
    assert list(storage.list("manifests")) == []


# ---- queries


def ended_query(query: str, url: str, root: Path, **limits: object) -> TicklakeError:
    """The error that extracting *query* ends with, after one attempt."""
    described = sql_feeds.feed(query, order="none", source={"timezone": "UTC"}, limits=limits)
    with pytest.raises(TicklakeError) as ended:
        sql_feeds.run(described, url, root)
    assert not list(root.glob("manifests/**/*.json"))
    return ended.value


@pytest.fixture(params=["psycopg", "psycopg2", "pymysql", "pysqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An SQLAlchemy URL for each driver of the three engines."""
    if request.param == "pysqlite":
        (tmp_path / "shop.db").touch()
        return f"sqlite:///{tmp_path}/shop.db"
    server = "mariadb" if request.param == "pymysql" else "postgresql"
    return request.getfixturevalue(server).url(request.param)


def driver_of(url: str) -> str:
    return sa.make_url(url).get_driver_name()


@pytest.mark.parametrize("clock", ["page_timeout_s", "unit_timeout"])
@pytest.mark.parametrize("peer", never_ending.QUERIES)
def test_a_query(peer, clock, database, tmp_path, report_line):
    """On each engine; with the time of a page, and with that of the unit alone."""
    query = never_ending.query(peer, sa.make_url(database).get_dialect().name)
    limits = {clock: TIMEOUT_S if clock == "page_timeout_s" else f"{TIMEOUT_S}s"}
    named = f"limits.{clock}: " + ("1" if clock == "page_timeout_s" else "0:00:01")
    with timed(f"{driver_of(database)}: {peer}", named, report_line):
        error = ended_query(query, database, tmp_path / "lake", **limits)
    assert isinstance(error, SourceUnavailableError)
    assert named in str(error)


def test_a_query_that_waits_for_a_lock(database, tmp_path, report_line):
    """Which another session holds."""
    named = f"limits.page_timeout_s: {TIMEOUT_S}"
    with (
        sql_feeds.events_table(database, "id bigint, at timestamp"),
        never_ending.locked_table(database, "events"),
        timed(f"{driver_of(database)}: a lock", named, report_line),
    ):
        error = ended_query(sql_feeds.EVENTS, database, tmp_path / "lake", page_timeout_s=TIMEOUT_S)
    assert isinstance(error, SourceUnavailableError)
    assert named in str(error) or "locked" in str(error)


@pytest.mark.parametrize("peer", never_ending.LOGINS)
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pymysql"])
def test_a_login(driver, peer, tmp_path, report_line):
    """A server that accepts, and then says nothing, a byte at a time, or nothing after it."""
    kind = "mysql" if driver == "pymysql" else "postgresql"
    limits = {"page_timeout_s": TIMEOUT_S, "connect_timeout_s": TIMEOUT_S, "attempts": 1}
    with RawServer(
        *never_ending.login(peer, kind), then=never_ending.rest(peer), speak_first=True
    ) as server:
        address = server.url.removeprefix("http://")
        options = "?sslmode=disable&gssencmode=disable" if kind == "postgresql" else ""
        url = f"{kind}+{driver}://ann:secret@{address}/shop{options}"
        named = f"connect_ and page_timeout_s: {TIMEOUT_S}"
        with timed(f"{driver}: {peer}", named, report_line):
            error = ended_query(sql_feeds.EVENTS, url, tmp_path / "lake", **limits)
    assert isinstance(error, SourceUnavailableError)
