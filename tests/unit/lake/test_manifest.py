"""A manifest accounts for one unit of work, is found at its own key, and is read back as it was."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from include.ticklake.errors import CorruptManifestError, RetryableError
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import (
    JsonSection,
    Manifest,
    ParquetSection,
    Part,
    SupersededSet,
)
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from tests.support import manifests

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
    manifests.put(written, storage=storage)
    found = manifest.read(layout.manifest_key("f", piece, WINDOW), storage=storage)
    assert found == written
    assert found.key == layout.manifest_key("f", piece, WINDOW)
    assert list(manifest.read_all("f", storage=storage)) == [written]


@pytest.mark.parametrize("until_ms", [None, 1_795_449_600_000])
def test_only_an_unfinished_unit_says_so(storage, until_ms):
    """Older versions read the manifests of all others."""
    written = of(replace(staged(part(0)), unfinished_until_ms=until_ms))
    manifests.put(written, storage=storage)
    body = storage.read(written.key) or b""
    assert manifest.read(written.key, storage=storage) == written
    assert (b"unfinished" in body) == (until_ms is not None)


def test_the_parquet_section_is_added_at_the_same_key(storage):
    """What convert adds to a manifest that it read takes the place of that manifest."""
    manifests.put(of(staged(part(0))), storage=storage)
    [found] = manifest.read_all("f", storage=storage)
    manifests.put(found.converted(parquet(found.json)), storage=storage)
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
        manifests.put(replace(of(staged()), feed=feed), storage=storage)
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


def test_a_manifest_replaces_only_the_version_that_was_read(storage):
    """Who wrote second, by the same version, changes nothing and learns of it."""
    first = of(staged(part(0, sha256="aa")))
    version = manifest.write(first, storage=storage, expect=None)
    one, two = (of(staged(part(0, sha256=sha256))) for sha256 in ("bb", "cc"))
    manifest.write(one, storage=storage, expect=version)
    for stale in (version, None):
        with pytest.raises(LostRaceError):
            manifest.write(two, storage=storage, expect=stale)
    assert manifest.read(first.key, storage=storage) == one


def test_a_write_whose_answer_was_lost_is_not_a_lost_race(storage):
    """A client writes again then, and finds what it wrote itself."""
    written = of(staged(part(0)))
    version = manifest.write(written, storage=storage, expect=None)
    assert manifest.write(written, storage=storage, expect=None) == version
    assert manifest.write(written, storage=storage, expect="another") == version


def test_after_a_lost_race_it_is_decided_again(storage):
    """By what the other one wrote; nothing of that is lost."""
    key = manifests.put(of(staged(part(0))), storage=storage).key
    others = iter((1_000, 2_000))

    def decide(found: Manifest) -> Manifest:
        if (pages := next(others, None)) is not None:
            manifests.put(replace(found, json=replace(found.json, pages=pages)), storage=storage)
        return replace(found, json=replace(found.json, removed=True))

    done = manifest.update(key, decide, storage=storage)
    assert (done.json.pages, done.json.removed) == (2_000, True)
    assert manifest.read(key, storage=storage) == done


def test_losing_again_and_again_is_an_error_to_retry(storage):
    """Bounded: others may never stop."""
    key = manifests.put(of(staged(part(0))), storage=storage).key

    def decide(found: Manifest) -> Manifest:
        changed = replace(found, json=replace(found.json, pages=found.json.pages + 1))
        manifests.put(changed, storage=storage)
        return replace(found, json=replace(found.json, removed=True))

    with pytest.raises(RetryableError, match="others changed it 5 times in between"):
        manifest.update(key, decide, storage=storage)


def test_nothing_is_written_where_there_is_nothing_to_change(storage):
    """No manifest, or a decision for none."""
    key = of(staged()).key
    assert manifest.update(key, lambda found: found, storage=storage) is None
    manifests.put(of(staged()), storage=storage)
    version = storage.version(key)
    assert manifest.update(key, lambda _: None, storage=storage) is None
    assert storage.version(key) == version


def test_no_number_of_a_part_is_used_twice():
    """The free number is above that of every part the unit ever had."""
    assert of(staged()).free_number == 0
    assert of(staged(part(0), part(1))).free_number == 2
    old = SupersededSet(json=staged(part(7)), superseded_at_ms=5)
    several = replace(of(staged(part(3))), superseded=(old,))
    assert several.free_number == 8
    assert replace(several, superseded=(), next_part=8).free_number == 8


def test_a_superseded_set_is_read_back_as_it_was(storage):
    """With its number and when it was superseded."""
    old = SupersededSet(json=staged(part(0)), superseded_at_ms=1_795_449_600_000)
    new = replace(staged(replace(part(1), fetched_at_ms=17)), number=2)
    written = replace(of(new), superseded=(old,), next_part=2)
    manifests.put(written, storage=storage)
    assert manifest.read(written.key, storage=storage) == written
    assert old.json in written.json_sections


def test_a_manifest_of_one_set_says_nothing_of_others(storage):
    """Older versions read it, and refuse names that they do not know."""
    plain = json.loads(storage.read(manifests.put(of(staged(part(0))), storage=storage).key))
    assert list(plain) == ["feed", "slice", "window", "json", "parquet", "version"]
    assert not {"number", "unfinished_until_ms"} & set(plain["json"])
    assert "fetched_at_ms" not in plain["json"]["parts"][0]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"superseded_at_ms": 10**18}, id="no time"),
        pytest.param({"json": staged(part(0, sha256="cd", piece=Slice()))}, id="of another unit"),
        pytest.param({"json": replace(staged(part(0, rows=7)), received_rows=7)}, id="its account"),
        pytest.param({"json": replace(staged(), number=2)}, id="the number of another set"),
    ],
)
def test_superseded_sets_are_checked_as_the_current_one_is(storage, change):
    """What they name is read and deleted as well."""
    old = replace(SupersededSet(json=staged(), superseded_at_ms=5), **change)
    new = replace(staged(part(1)), number=2)
    key = manifests.put(replace(of(new), superseded=(old,)), storage=storage).key
    with pytest.raises(CorruptManifestError):
        manifest.read(key, storage=storage)
