"""Retention that deletes JSON while the same records are being fetched again."""

from __future__ import annotations

import pytest

from include.ticklake.lake import manifest
from include.ticklake.lake.storage import Storage
from tests.crash.forgetful_source import ForgetfulSource
from tests.crash.lake_commands import Command, Commands
from tests.support.actor import Actor
from tests.support.memory_bucket import MemoryBucket
from tests.support.servers.http import HttpServer, Reply

STEPS_MAX = 100


@pytest.mark.parametrize("has_conditions", [True, False], ids=["conditions", "none"])
def test_a_manifest_names_no_part_that_retention_deleted_meanwhile(has_conditions, http_server):
    """Whichever request the extraction has reached, and also where the store tells nobody."""
    for steps in range(1, STEPS_MAX):
        storage, is_done = _meet(http_server, steps, has_conditions=has_conditions)
        for committed in manifest.read_all("modelled", storage=storage):
            if not committed.json.removed:
                gone = [part.key for part in committed.json.parts if not storage.exists(part.key)]
                assert gone == [], f"retention ran before request {steps}"
        if is_done:
            return
    pytest.fail(f"the extraction sends more than {STEPS_MAX} requests")


def _meet(server: HttpServer, steps: int, *, has_conditions: bool) -> tuple[Storage, bool]:
    """The lake after both, and whether the extraction was over before retention began."""
    source = ForgetfulSource("keyless", server)
    commands = Commands("keyless", source.url)
    bucket = MemoryBucket(honours_conditions=has_conditions)
    storage = bucket.storage()
    commands.run(Command(name="ingest", day=0), storage)
    # The same records in a longer body: the same parts, and another account of them.
    server.answer_by(
        "/BTCUSDT", lambda request: Reply(body=bytes(source.reply(request).body) + b" ")
    )
    extraction = Actor(
        lambda own: commands.run(Command(name="backfill", day=0), own), bucket.storage
    )
    is_done = extraction.advance(steps)
    commands.run(Command(name="retention", day=0, areas=("json",)), storage)
    extraction.advance()
    return storage, is_done
