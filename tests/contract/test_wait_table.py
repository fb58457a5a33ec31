"""Every wait has one clock: each peer that never finishes, its setting, and how long it took.

The table is at the end of the run. A run ends by the error that names its setting, within ten
times of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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


# ---- storage


def opened(server: RawServer) -> Storage:
    env = {
        "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": server.url,
        "TICKLAKE_STORAGE_TIMEOUT_S": str(TIMEOUT_S),
    }  # fmt: skip
    return Storage.open("s3://bucket/lake", env)


def read_stream(storage: Storage) -> None:
    with storage.open_input("a/b") as stream:
        stream.read()


def write_parts(storage: Storage) -> None:
    with storage.open_output("a/b") as stream:
        for _ in range(12):
            stream.write(bytes(1024**2))


CALLS: dict[str, Callable[[Storage], object]] = {
    "read": lambda storage: storage.read("a/b"),
    "read a stream": read_stream,
    "read a range": lambda storage: storage.open_file("a/b").read(10),
    "find": lambda storage: storage.exists("a/b"),
    "write": lambda storage: storage.put("a/b", b"1"),
    "write in parts": write_parts,
    "copy": lambda storage: storage.copy("a/b", "a/c"),
    "delete": lambda storage: storage.delete("a/b"),
    "list": lambda storage: list(storage.list("a")),
    "list folders": lambda storage: list(storage.folders("a")),
}
STORAGE = [(peer, "read a stream") for peer in never_ending.STORAGE_ANSWERS] + [
    ("silence before the answer", call) for call in CALLS
]


def test_storage(report_line):
    """One call with all of its tries, and each way in which a server does not end it."""

    def run(case: tuple[str, str]) -> str:
        peer, call = case
        head, drop = never_ending.STORAGE_ANSWERS[peer]
        setting = f"TICKLAKE_STORAGE_TIMEOUT_S: {TIMEOUT_S}"
        with (
            RawServer(head, then=Drip(drop)) as server,
            timed(f"storage, {call}: {peer}", setting, report_line),
            pytest.raises(OSError, match="cannot") as ended,
        ):
            CALLS[call](opened(server))
        return str(ended.value)

    with ThreadPoolExecutor(4) as runs:
        errors = dict(zip(STORAGE, runs.map(run, STORAGE), strict=True))
    unnamed = {case: error for case, error in errors.items() if "TICKLAKE_STORAGE" not in error}
    assert unnamed == {}


def test_the_keys_of_storage(monkeypatch, tmp_path, report_line):
    """The metadata endpoint of a machine sends a byte now and then."""
    setting = f"TICKLAKE_STORAGE_TIMEOUT_S: {TIMEOUT_S}"
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    with RawServer(b"HTTP/1.1 200 OK\r\nX: ", then=Drip(b"x")) as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
        with (
            timed("storage, keys: header", setting, report_line),
            pytest.raises(OSError, match=f"no AWS keys after {setting};"),
        ):
            Storage.open("s3://bucket/lake", {"TICKLAKE_STORAGE_TIMEOUT_S": str(TIMEOUT_S)})
