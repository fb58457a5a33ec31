"""What a missing file means: it may still come, it means no records, or something is wrong."""

from __future__ import annotations

import pytest

from include.ticklake.errors import NotThereYetError, SourceRefusedError
from tests.support.file_feeds import DAY, csv, feed, run
from tests.support.memory_storage import memory_storage

DAILY = "https://data.example.com/{date}.csv"
PATH = "/2024-12-31.csv"


@pytest.mark.parametrize(("hours", "wait_s"), [(0, 12 * 3600), (23, 1800), (23.99, 300)])
def test_a_missing_file_is_not_there_yet(http_server, hours, wait_s):
    """As long as it may still appear; the wait gets shorter."""
    http_server.answer(PATH, b"", status=404)
    now_s = DAY.end.timestamp() + hours * 3600
    with pytest.raises(NotThereYetError, match="not there yet") as late:
        run(feed(DAILY), memory_storage(), base_url=http_server.url, now_s=now_s)
    assert late.value.retry_after_s == pytest.approx(wait_s)


def test_a_file_that_stays_missing_is_an_error(http_server):
    """Unless the feed says that it means no records."""
    http_server.answer(PATH, b"", status=404)
    with pytest.raises(SourceRefusedError, match=r"HTTP 404.*missing 1d after.*`missing: empty`"):
        run(feed(DAILY), memory_storage(), base_url=http_server.url)
    described = feed(DAILY, source={"missing": "empty"})
    manifest = run(described, memory_storage(), base_url=http_server.url)
    assert (manifest.json.received_rows, manifest.json.pages) == (0, 0)


def test_a_file_without_its_checksum_is_not_a_missing_one(http_server):
    """The advice is another one: no window is empty of that."""
    http_server.answer(PATH, csv(1))
    http_server.answer(f"{PATH}.sum", b"", status=404)
    described = feed(DAILY, source={"checksum": "{address}.sum", "missing": "empty"})
    with pytest.raises(SourceRefusedError, match=r"csv\.sum: HTTP 404.*remove source\.checksum"):
        run(described, memory_storage(), base_url=http_server.url)


def test_a_refusal_is_not_a_missing_file(http_server):
    """Whatever the feed says of missing ones."""
    http_server.answer(PATH, b"", status=403)
    with pytest.raises(SourceRefusedError, match="HTTP 403"):
        run(feed(DAILY, source={"missing": "empty"}), memory_storage(), base_url=http_server.url)
