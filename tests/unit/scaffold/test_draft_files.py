"""The draft for a file is a feed that reads it, from the web, a bucket or a disk."""

from __future__ import annotations

import gzip
import hashlib

import pytest
import yaml

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.scaffold import probe
from include.ticklake.scaffold.draft_files import is_file
from tests.support.file_feeds import DAY, csv, rows_of, run
from tests.support.servers.http import HttpServer

NAME = f"BTCUSDT-trades-{DAY.start:%Y-%m-%d}.csv.gz"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://x.com/a-2024-01-01.zip", True),
        ("https://x.com/a.csv.gz", True),
        ("s3://bucket/a", True),
        ("file:///a", True),
        ("https://x.com/a.csv?limit=5", False),
        ("https://x.com/api/trades", False),
        ("https://x.com/v1.2/trades.json", False),
        ("no_such_file.csv", False),
    ],
)
def test_a_file_is_told_from_an_api(text, is_one):
    """By its scheme, or the end of its name."""
    assert is_file(text) is is_one


def draft(*addresses: str, **options: object) -> tuple[str, Feed]:
    text = probe.probe(*addresses, **options)
    return text, Feed.model_validate({"name": "bulk", **yaml.safe_load(text)})


def test_a_file_on_the_web_is_drafted_with_its_checksum(http_server: HttpServer, tmp_path):
    """And the feed reads each record of the day."""
    body = gzip.compress(csv(5))
    http_server.answer(f"/{NAME}", body)
    for ending in (".CHECKSUM", ".md5"):
        http_server.answer(f"/{NAME}{ending}", b"", status=404)
    http_server.answer(f"/{NAME}.sha256", f"{hashlib.sha256(body).hexdigest()}  {NAME}\n".encode())
    text, feed = draft(f"{http_server.url}/{NAME}")
    assert "# guess: found in it: symbol, a time, for windows of 1d" in text
    assert feed.source.address == f"{http_server.url}/{{symbol}}-trades-{{date}}.csv.gz"
    assert feed.source.checksum == "{address}.sha256"
    assert feed.slices == {"symbol": ["BTCUSDT"]}
    assert feed.key == ("id",)
    storage = Storage.open(f"file://{tmp_path}", {})
    manifest = run(feed, storage, slice_=feed.first_slice)
    assert [row["price"] for row in rows_of(manifest, storage)] == [
        f"{n}.50" for n in range(5)
    ]  # fmt: skip


def test_a_file_of_this_machine_is_drafted(tmp_path, monkeypatch):
    """With what its operator must allow; a path without a scheme is one."""
    (tmp_path / NAME).write_bytes(gzip.compress(csv(2)))
    text, feed = draft(str(tmp_path / NAME))
    assert "must be in TICKLAKE_FILES" in text
    monkeypatch.setenv("TICKLAKE_FILES", str(tmp_path))
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    assert len(rows_of(run(feed, storage, slice_=feed.first_slice), storage)) == 2


def test_a_name_that_says_less_needs_options(tmp_path):
    """How the file is packed, and what is in it."""
    (tmp_path / "2024-12-31").write_bytes(gzip.compress(b'{"id":1,"at":1735603200000}\n' * 2))
    _, feed = draft(f"file://{tmp_path}/2024-12-31")
    assert (feed.source.packing, feed.source.file_format) == ("gzip", "ndjson")
    (tmp_path / "2024-12-30").write_bytes(b'[{"id":1,"at":1735603200000},{"id":2,"at":1}]')
    _, feed = draft(f"file://{tmp_path}/2024-12-30")
    assert (feed.source.packing, feed.source.file_format) == ("none", "json")


def test_a_bucket_is_read_with_the_keys_of_the_environment(moto, monkeypatch):
    """As the lake is."""
    bucket = moto.bucket()
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    storage = Storage.open(bucket.root, bucket.environment)
    storage.put(NAME, gzip.compress(csv(2)), metadata={})
    _, feed = draft(f"{bucket.root}/{NAME}", asks_second_page=False)
    assert feed.source.address == f"{bucket.root}/{{symbol}}-trades-{{date}}.csv.gz"
