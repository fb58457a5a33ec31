"""Two extractions of one unit, whatever they meet at, and a retry after a kill.

One runs from its beginning to its end before any step of the other: as a paused worker that
wakes after its retry, or two runs that were started at once.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator

import pytest

from include.ticklake.errors import RecordsMissingError, RetryableError
from include.ticklake.lake import manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from tests.support.interleaving_storage import Interleaved
from tests.support.memory_storage import memory_storage
from tests.support.servers.http import HttpServer
from tests.support.stepping_store import CHANGES, READS, SteppingStore
from tests.support.trades_api import (
    TradesApi,
    extract_trades,
    staged_records,
    trades,
    trades_feed,
)

ROWS = trades(12)
CORRECTED = [row | {"price": "5.5"} for row in ROWS]
ANSWERS = {
    "other values": (ROWS, CORRECTED),
    "more records": (ROWS[:8], ROWS),
    "fewer records": (ROWS, ROWS[:8]),
    "each lacks some": (ROWS[:8], ROWS[4:]),
    "the same": (ROWS, ROWS),
    "none": (ROWS, []),
}


@pytest.fixture
def other_server() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


def whole_manifest(storage: Storage) -> Manifest:
    """The only manifest; every part that it names is there, with the bytes that it says."""
    [found] = manifest.read_all("trades", storage=storage)
    for section in found.json_sections:
        for part in section.parts:
            body = storage.read(part.key)
            assert body is not None, part.key
            assert hashlib.sha256(body).hexdigest() == part.sha256
    return found


@pytest.mark.parametrize("part_bytes", [100, 100_000], ids=["several parts", "one part"])
@pytest.mark.parametrize("before", [None, ROWS[:3]], ids=["never fetched", "fetched before"])
@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS.keys())
def test_two_extractions_of_one_unit_lose_nothing(
    http_server, other_server, answers, before, part_bytes
):
    """Both exit 0 or say why not; no manifest names a part that is deleted."""
    of = trades_feed(page_rows=4, part_bytes=part_bytes)
    one, two = TradesApi(http_server, answers[0]), TradesApi(other_server, answers[1])
    step, met = 0, True
    while met:
        storage = memory_storage()
        if before is not None:
            TradesApi(http_server, before)
            extract_trades(storage, http_server, of=of)
            TradesApi(http_server, one.rows)
        done: list[list[dict[str, object]]] = []

        def run(api: TradesApi, at: Storage, done: list = done) -> None:
            try:
                extract_trades(at, api.server, of=of)
            except (RecordsMissingError, RetryableError):
                return
            done.append(api.rows)

        shared = Interleaved.around(
            storage, at_step=step, other=lambda storage=storage, run=run: run(two, storage)
        )
        run(one, shared)
        met = shared.meeting.met
        shared.meeting.at_latest()
        found = whole_manifest(storage)
        ids = {row["id"] for row in staged_records(storage, found)}
        assert done
        for rows in [*done, before or []]:
            assert {row["id"] for row in rows} <= ids
        assert len(ids) == found.json.rows
        unnamed = set(storage.list("json")) - {
            part.key for section in found.json_sections for part in section.parts
        }
        assert not unnamed
        step += 1
    assert step > 3


def test_many_extractions_at_once_lose_nothing(tmp_path):
    """In threads of their own on a real disk; each source has another record more."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    for _ in range(3):
        servers = [HttpServer() for _ in range(4)]
        ends: list[object] = []

        def run(server: HttpServer, ends: list = ends) -> None:
            try:
                extract_trades(storage, server)
                ends.append(0)
            except (RecordsMissingError, RetryableError) as error:
                ends.append(error.exit_code)
            except BaseException as error:
                ends.append(error)
                raise

        for number, server in enumerate(servers):
            TradesApi(server, ROWS[: 6 + 2 * number])
        threads = [threading.Thread(target=run, args=(server,)) for server in servers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for server in servers:
            server.close()
        assert set(ends) <= {0, 3, 4}
        assert 0 in ends
        assert whole_manifest(storage).json.rows == 12


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("part_bytes", [100, 100_000], ids=["several parts", "one part"])
@pytest.mark.parametrize("before", [None, ROWS[:3]], ids=["never fetched", "fetched before"])
def test_a_retry_after_a_kill_asks_the_source(http_server, before, part_bytes):
    """Killed at any step, also between the manifest and the end: no old data is committed again."""
    of = trades_feed(page_rows=4, part_bytes=part_bytes)
    api = TradesApi(http_server, ROWS)
    kill_at, was_killed = 0, True
    while was_killed:
        storage = memory_storage()
        if before is not None:
            api.rows = before
            extract_trades(storage, http_server, of=of)
        api.rows = ROWS
        steps = iter(range(kill_at))

        def step(steps: Iterator[int] = steps) -> None:
            if next(steps, None) is None:
                raise Killed

        killed = Storage(storage.root_uri, SteppingStore(storage.store, step, CHANGES | READS))
        try:
            extract_trades(killed, http_server, of=of)
            was_killed = False
        except Killed:
            pass
        found = {m.key: m.json for m in manifest.read_all("trades", storage=storage)}
        is_committed = any(section.rows == len(ROWS) for section in found.values())
        asked = len(http_server.asked)
        api.rows = CORRECTED
        committed = extract_trades(storage, http_server, of=of)
        assert len(http_server.asked) > asked
        whole_manifest(storage)
        if is_committed:
            assert staged_records(storage, committed) == CORRECTED
        kill_at += 1
    assert kill_at > 3
