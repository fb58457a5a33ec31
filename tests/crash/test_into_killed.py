"""Killed at any step, or met by the API's own extraction, a file's day is whole in the end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from include.ticklake.extract import part_reader, target_windows
from include.ticklake.feed import plan
from include.ticklake.lake import manifest
from include.ticklake.lake.storage import Storage
from tests.support import joined_feeds
from tests.support.crashing_storage import Crash, crashing
from tests.support.interleaving_storage import Interleaved
from tests.support.joined_feeds import DAY_US, START_US, JoinedTrade, TradesOfApi, day
from tests.support.live_objects import live_objects
from tests.support.memory_storage import memory_storage
from tests.support.servers.http import HttpServer

WINDOWS, A_WINDOW = 4, 3
ALL = [
    JoinedTrade(number, "1.5", START_US + number * DAY_US // (WINDOWS * A_WINDOW))
    for number in range(WINDOWS * A_WINDOW)
]
BY_API, BY_FILE = ALL[:5], ALL[4:7] + ALL[8:]
"""The first window is the API's, the second both have in part; the rest is the file's."""


class Sources:
    """The two feeds, and the servers that they read."""

    def __init__(self, folder: Path, server: HttpServer) -> None:
        self.api, self.files = joined_feeds.feeds(folder)
        self.server = server
        self.units = plan.target_units(self.files, day(0))
        TradesOfApi(server, BY_API)
        joined_feeds.publish(server, 0, BY_FILE)

    def by_api(self, storage: Storage) -> None:
        for unit in self.units[:2]:
            joined_feeds.extract(self.api, unit, storage, self.server)

    def by_file(self, storage: Storage) -> None:
        joined_feeds.extract(self.files, day(0), storage, self.server)


@pytest.fixture(params=[8 * 1024**2, 0], ids=["in memory", "in the storage"])
def sources(request, tmp_path, http_server, monkeypatch) -> Sources:
    """With the parts that wait for the end of the file here, and there."""
    monkeypatch.setattr(target_windows, "HELD_BYTES", request.param)
    return Sources(tmp_path, http_server)


def ids(storage: Storage) -> list[int]:
    """The ids of all records; reading them fails where a part is not whole."""
    parts = [
        part for found in manifest.read_all("trades", storage=storage) for part in found.json.parts
    ]
    return sorted(map(id_of, part_reader_records(parts, storage)))


def part_reader_records(parts: Iterable[manifest.Part], storage: Storage) -> Iterable[bytes]:
    for readable in part_reader.committed(parts, storage=storage):
        yield from map(bytes, readable)


def id_of(record: bytes) -> int:
    return int(record.split(b'"a":')[1].split(b",")[0].strip(b'"'))


EXPECTED = sorted({trade.id for trade in (*BY_API, *BY_FILE)})


def test_killed_before_any_change_and_run_again_the_day_is_whole(sources):
    """Nothing that the API fetched goes meanwhile, and the next run ends as without the kill."""
    calm = memory_storage()
    sources.by_api(calm)
    sources.by_file(calm)
    assert ids(calm) == EXPECTED
    steps = 0
    while True:
        storage = memory_storage()
        sources.by_api(storage)
        try:
            sources.by_file(crashing(storage, after_steps=steps))
        except Crash:
            found = ids(storage)
            assert {trade.id for trade in BY_API} <= set(found)
            assert len(found) == len(set(found))
        else:
            break
        sources.by_file(storage)
        assert live_objects(storage) == live_objects(calm), f"killed before {steps}"
        steps += 1
    assert steps > WINDOWS


def test_whoever_commits_looks_again_at_what_the_other_did(sources):
    """The API's run begins and ends before any step of the file's, and the other way round."""
    for runs in ((sources.by_file, sources.by_api), (sources.by_api, sources.by_file)):
        outer, inner = runs
        at_step = 0
        while True:
            storage = memory_storage()
            meeting = Interleaved.around(
                storage,
                at_step=at_step,
                other=lambda: inner(storage),  # noqa: B023
            )
            outer(meeting)
            if not meeting.meeting.met:
                break
            assert ids(storage) == EXPECTED, f"{outer.__name__} met at {at_step}"
            at_step += 1
        assert at_step > WINDOWS
