"""A manifest accounts for one unit of work, is found at its own key, and is read back as it was."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from include.ticklake.errors import CorruptManifestError
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import JsonSection, Manifest, ParquetSection, Part
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

PIECE = Slice.of({"symbol": "BTCUSDT", "interval": "1h"})
WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")


def part(number: int, *, rows: int = 10, sha256: str = "ab", piece: Slice = PIECE) -> Part:
    sha256 = sha256 * 32
    return Part(
        key=layout.part_key("f", piece, WINDOW, number=number, sha256=sha256),
        rows=rows,
        json_bytes=100,
        gzip_bytes=50,
        sha256=sha256,
        first_event_ns=1_795_323_600_000_000_001,
        last_event_ns=None,
    )


def staged(*parts: Part) -> JsonSection:
    return JsonSection(
        received_rows=sum(staged_part.rows for staged_part in parts) + 5,
        out_of_window_rows=5,
        duplicate_rows=0,
        lost_range=None,
        pages=3,
        page_bytes=1_000,
        host="api.example.com",
        fetched_at_ms=None,
        parts=parts,
    )


def parquet(of: JsonSection) -> ParquetSection:
    return ParquetSection(
        key=layout.parquet_key("f", PIECE, WINDOW),
        rows=of.rows,
        parquet_bytes=99,
        sha256="cd" * 32,
        row_groups=1,
        quarantine_key=None,
        quarantined_rows=0,
        first_event_ns=1,
        last_event_ns=2,
        key_range={"trade_id": ("1", "20"), "symbol": ("A", "B")},
        sorted=True,
        parts_digest=of.digest,
    )


def of(json_section: JsonSection, *, piece: Slice = PIECE) -> Manifest:
    return Manifest(feed="f", slice=piece.as_dict(), window=WINDOW.name, json=json_section)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(PIECE, id="slices not in alphabetical order"),
        pytest.param(Slice.of({"a": "x/y z", "b": "Ü+%2F"}), id="odd values"),
        pytest.param(Slice(), id="no slices"),
    ],
)
def test_a_manifest_is_read_back_as_it_was_written(storage, piece):
    """It lies at the key of its unit, and knows that key again after reading."""
    written = of(staged(part(0, piece=piece), part(1, piece=piece)), piece=piece)
    manifest.write(written, storage=storage)
    found = manifest.read(layout.manifest_key("f", piece, WINDOW), storage=storage)
    assert found == written
    assert found.key == layout.manifest_key("f", piece, WINDOW)
    assert list(manifest.read_all("f", storage=storage)) == [written]


@pytest.mark.parametrize("until_ms", [None, 1_795_449_600_000])
def test_only_an_unfinished_unit_says_so(storage, until_ms):
    """Older versions read the manifests of all others."""
    written = of(replace(staged(part(0)), unfinished_until_ms=until_ms))
    manifest.write(written, storage=storage)
    body = storage.read(written.key) or b""
    assert manifest.read(written.key, storage=storage) == written
    assert (b"unfinished" in body) == (until_ms is not None)


def test_the_parquet_section_is_added_at_the_same_key(storage):
    """What convert adds to a manifest that it read takes the place of that manifest."""
    manifest.write(of(staged(part(0))), storage=storage)
    [found] = manifest.read_all("f", storage=storage)
    manifest.write(found.converted(parquet(found.json)), storage=storage)
    [both] = manifest.read_all("f", storage=storage)
    assert both == found.converted(parquet(found.json))
    assert both.is_current


def test_parquet_of_other_parts_is_not_current():
    """After another extraction the manifest says that the Parquet is of older parts."""
    old, new = staged(part(0, sha256="aa")), staged(part(0, sha256="bb"))
    assert of(old).converted(parquet(old)).is_current
    assert not of(new).converted(parquet(old)).is_current
    assert not of(new).is_current


def test_the_digest_names_the_parts_in_their_order():
    """The same parts in another order, or fewer of them, are another set."""
    one, two = part(0, sha256="aa"), part(1, sha256="bb")
    digests = [staged(*parts).digest for parts in ([one, two], [two, one], [one], [])]
    assert len(set(digests)) == 4
    assert staged(one, two).digest == staged(replace(one, rows=99), two).digest


def test_rows_are_those_of_the_parts():
    """The account counts what is in the parts, not what was received."""
    assert staged(part(0, rows=7), part(1, rows=13)).rows == 20
    assert staged().rows == 0


def test_only_the_feed_asked_for_is_read(storage):
    """A feed whose name begins with another's name is another feed."""
    for feed in ("f", "f2"):
        manifest.write(replace(of(staged()), feed=feed), storage=storage)
    assert [found.feed for found in manifest.read_all("f", storage=storage)] == ["f"]


def test_nothing_committed_reads_as_none(storage):
    """Before the first commit there is no manifest."""
    assert manifest.read(layout.manifest_key("f", PIECE, WINDOW), storage=storage) is None


def good() -> dict:
    return json.loads(json.dumps({
        "feed": "f", "slice": {}, "window": WINDOW.name, "version": 1, "parquet": None,
        "json": {"received_rows": 0, "outside_rows": 0, "duplicate_rows": 0, "missed": None,
                 "pages": 0, "page_bytes": 0, "host": "h", "fetched_at_ms": None, "parts": []},
    }))  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe", id="not text"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b"{}", id="nothing in it"),
        pytest.param(json.dumps(good() | {"version": 2}).encode(), id="another version"),
        pytest.param(json.dumps(good() | {"more": 1}).encode(), id="a name too many"),
        pytest.param(json.dumps(good() | {"json": []}).encode(), id="no account"),
        pytest.param(json.dumps(good() | {"parquet": {"key_range": []}}).encode(), id="ranges"),
        pytest.param(json.dumps(good())[:-9].encode(), id="cut short"),
    ],
)
def test_what_is_no_manifest_is_refused_with_its_address(storage, body):
    """The message names the object and what to do."""
    key = layout.manifest_key("f", Slice(), WINDOW)
    storage.put(key, body)
    with pytest.raises(CorruptManifestError, match=r"lake/manifests/f/.* 20261122T05.* --repair`"):
        manifest.read(key, storage=storage)


def test_the_good_body_of_these_tests_is_good(storage):
    """Each case above breaks one thing only."""
    key = layout.manifest_key("f", Slice(), WINDOW)
    storage.put(key, json.dumps(good()).encode())
    assert manifest.read(key, storage=storage) is not None
