"""A run against a server that never ends ends within one bound: ``limits.unit_timeout``."""

from __future__ import annotations

import json
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest

from include.ticklake.errors import TicklakeError
from include.ticklake.lake.storage import Storage
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.feed_texts import feed
from tests.support.http_requests import MIB
from tests.support.paging import START
from tests.support.servers import never_ending
from tests.support.servers.http import Reply
from tests.support.servers.raw import Drip, RawServer
from tests.support.servers.tls import certificate, server_context
from tests.support.small_source import KEYED, rows_of

# A message of 16 KiB begins a handshake.
TLS = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"
LONGEST_S = 3
"""How long a run may take here, whose unit may take a second."""

SLOW = never_ending.ANSWERS | {"body of an error": (b"HTTP/1.1 500 No\r\n\r\n", b" ")}

# Parts of an answer that no record is in.
ENDLESS = [
    "status line", "header", "headers", "100 Continue", "chunk extension", "trailer", "trailers",
    "gzip header", "empty gzip members",
]  # fmt: skip


def error_of_a_second(server, storage, **source) -> str:
    """What a run says whose unit may take a second, with five tries; nothing is committed."""
    described = feed(source=source, fields=KEYED, limits={"unit_timeout": "1s"})
    began_s = time.monotonic()
    with pytest.raises(TicklakeError) as wrong:
        rows_of(described, server, storage, patience=SourceRetryPolicy())
    assert time.monotonic() - began_s < LONGEST_S
    assert list(storage.list("manifests")) == []
    return str(wrong.value)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_byte_a_second_ends_within_the_bound(tmp_path, monkeypatch, secure):
    """In each part of an answer; the error names the one setting."""
    path = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))

    def run(part: str) -> str:
        head, drop = SLOW[part]
        tls = server_context(path) if secure else None
        with RawServer(head, then=Drip(drop), tls=tls) as server:
            return error_of_a_second(server, Storage.open(f"file://{tmp_path}/{part}", {}))

    with ThreadPoolExecutor(len(SLOW)) as runs:  # at once, as each takes its second
        errors = dict(zip(SLOW, runs.map(run, SLOW), strict=True))
    unnamed = {part for part, said in errors.items() if "limits.unit_timeout: 0:00:01" not in said}
    assert unnamed == set()


def test_a_handshake_of_a_byte_a_second_ends_within_the_bound(storage):
    """Before anything was sent."""
    with RawServer(TLS, then=Drip(b"x"), speak_first=True) as server:
        own = f"https://{server.url.removeprefix('http://')}"
        assert "limits.unit_timeout: 0:00:01" in error_of_a_second(None, storage, base_url=own)


def test_a_proxy_of_a_byte_a_second_ends_within_the_bound(storage, monkeypatch):
    """It never says whether it is connected."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with RawServer(b"HTTP/1.1 200 ", then=Drip(b"O")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        said = error_of_a_second(None, storage, base_url="https://api.example.com")
    assert "limits.unit_timeout: 0:00:01" in said


def test_endless_pages_end_within_the_bound(http_server, storage):
    """Each with a record of its own."""

    def answer(_) -> Reply:
        number = len(http_server.asked)
        return Reply(body=json.dumps([{"id": number, "t": START}]).encode())

    http_server.answer_by("/rows", answer)
    said = error_of_a_second(http_server, storage, paging={"kind": "page"})
    assert "limits.unit_timeout: 0:00:01" in said


def test_an_endless_wrap_ends_within_the_bound(http_server, storage):
    """Pages that start over behind the last one."""

    def answer(_) -> Reply:
        number = len(http_server.asked) % 7
        return Reply(body=json.dumps([{"id": number, "t": START}]).encode())

    http_server.answer_by("/rows", answer)
    error_of_a_second(http_server, storage, paging={"kind": "page"})


def test_waits_between_tries_end_within_the_bound(http_server, storage):
    """A try that could not end in time is not waited for."""
    http_server.answer("/rows", status=503)
    said = error_of_a_second(http_server, storage)
    assert "/rows: HTTP 503 " in said
    assert said.endswith("; limits.unit_timeout: 0:00:01 leaves no time for another")
    assert len(http_server.asked) == 1


@pytest.mark.parametrize("part", ENDLESS)
def test_what_never_ends_is_never_held_in_memory(storage, part):
    """As fast as the network is."""
    head, drop = never_ending.ANSWERS[part]
    with RawServer(head, then=repeat(drop * (65_536 // len(drop)), 20_000)) as server:
        tracemalloc.start()
        try:
            error_of_a_second(server, storage)
            assert tracemalloc.get_traced_memory()[1] < 8 * MIB
        finally:
            tracemalloc.stop()
