"""Units of a batch are fetched side by side, within a host's rate and a limit of memory."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

import pytest

from include.ticklake.errors import RateLimitedError, SourceRefusedError
from include.ticklake.extract.extract_batch import at_once, extracted
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.model.batch_results import batch_results
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support.feed_texts import feed
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
MIB = 2**20


def sliced(server: HttpServer, count: int, *, limits=None, **source) -> tuple[Feed, list[Unit]]:
    of = feed(
        slices={"symbol": [f"S{n}" for n in range(count)]},
        source={"base_url": server.url, **source},
        limits=limits or {},
    )
    return of, [Unit(Slice((("symbol", f"S{n}"),)), WINDOW) for n in range(count)]


def rows(request: ReceivedRequest) -> Reply:
    record = {"id": 1, "t": WINDOW.start_ms, "of": request.params["symbol"]}
    return Reply(body=json.dumps([record]).encode())


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def test_units_are_fetched_side_by_side_over_kept_connections(storage, http_server):
    """After the first answer, as many at once as are allowed; each thread keeps its connection."""
    inside, together = threading.Semaphore(0), threading.Barrier(4)
    connections = set()

    def answer(request: ReceivedRequest) -> Reply:
        connections.add(request.headers["connection"])
        if request.params["symbol"] in ("S4", "S5", "S6", "S7"):
            together.wait(30)
        inside.release()
        return rows(request)

    http_server.answer_by("/rows", answer)
    of, units = sliced(http_server, 12)
    with extracted(of, units, storage=storage, units_at_once=4) as tasks:
        results = list(batch_results(tasks, FailedUnits()))
    assert [unit for unit, _ in results] == units
    assert connections == {"keep-alive"}


def test_a_fixed_rate_holds_for_all_of_them_together(storage, http_server):
    """Requests begin no closer to each other than the rate allows."""
    begun_s: list[float] = []

    def answer(request: ReceivedRequest) -> Reply:
        begun_s.append(time.monotonic())
        return rows(request)

    http_server.answer_by("/rows", answer)
    of, units = sliced(http_server, 8, rate_limit={"requests_per_s": 25})
    with extracted(of, units, storage=storage, units_at_once=8) as tasks:
        assert len(list(batch_results(tasks, FailedUnits()))) == 8
    assert max(begun_s) - min(begun_s) >= 7 / 25 - 0.05  # no less: they wait for their turn


def test_what_is_left_of_a_quota_is_shared(storage, http_server):
    """Nobody sends what a request that is on its way may have taken."""
    left, lock = [5], threading.Lock()
    refused = []

    def answer(request: ReceivedRequest) -> Reply:
        with lock:
            left[0] -= 1
            if left[0] < 0:
                refused.append(request)
        headers = {"RateLimit-Remaining": str(max(left[0], 0)), "RateLimit-Reset": "900"}
        return Reply(body=rows(request).body, headers=headers)

    http_server.answer_by("/rows", answer)
    of, units = sliced(http_server, 30, limits={"max_wait_s": 1})
    failed = FailedUnits()
    with (
        pytest.raises(RateLimitedError, match="retry in"),
        extracted(of, units, storage=storage, units_at_once=8) as tasks,
    ):
        list(batch_results(tasks, failed))
    assert refused == []
    assert failed.done in range(1, 6)


def test_a_refused_login_ends_the_batch_and_keeps_what_is_done(storage, http_server):
    """A later retry fetches the rest."""

    def answer(request: ReceivedRequest) -> Reply:
        return Reply(status=401) if request.params["symbol"] == "S5" else rows(request)

    http_server.answer_by("/rows", answer)
    of, units = sliced(http_server, 200)
    failed, done = FailedUnits(), []
    with (
        pytest.raises(SourceRefusedError, match="401"),
        extracted(of, units, storage=storage, units_at_once=4) as tasks,
    ):
        done.extend(unit for unit, _ in batch_results(tasks, failed))
    assert done[:5] == units[:5]
    committed = [key for key in storage.list("manifests") if key.endswith(".json")]
    assert len(committed) == len(done) < 100


@pytest.mark.parametrize(
    ("changes", "limit_bytes", "expected"),
    [
        pytest.param({}, None, (8, None), id="no limit"),
        pytest.param({}, 96 * MIB, (1, 1), id="room for one largest record"),
        pytest.param({}, 128 * MIB, (8, 1), id="room for one, and for small ones beside it"),
        pytest.param({}, 512 * MIB, (8, 7), id="room for several"),
        pytest.param(
            {"limits": {"max_record_bytes": "256KiB"}}, 128 * MIB, (8, 6), id="small records"
        ),
        pytest.param(
            {"source": {"kind": "sql", "connection": "db", "query": "select :start, :end"},
             "order": "none"},
            128 * MIB, (1, None), id="a query at a time",
        ),
    ],
)  # fmt: skip
def test_how_many_at_once(changes, limit_bytes, expected):
    """A limit of memory must hold the largest record of each unit that receives much."""
    base = {
        "name": "small",
        "source": {"kind": "http", "base_url": "https://api.example.com", "path": "/rows"},
        "fields": {
            "id": {"type": "int64", "key": True},
            "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
        },
    }  # fmt: skip
    of = Feed.model_validate(base | changes)
    assert of.window == timedelta(hours=1)
    assert at_once(of, 8, limit_bytes=limit_bytes) == expected
