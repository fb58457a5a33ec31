"""A part is a valid JSON array with a record per line, the same for the same records."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import RetryableError
from include.ticklake.extract.part_writer import CompletedPart, PartWriter
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support.json_texts import VALUES, exact, minified
from tools.servers.s3 import Bucket

WORK = Unit(
    Slice.of({"symbol": "A/B", "interval": "1h"}),
    Window.parse("20261122T050000Z-20261122T060000Z"),
)
FOLDER = "json/f/symbol=A%2FB/interval=1h/date=2026-11-22"


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def written(storage: Storage, texts: list[str], *, number: int = 0, times=()) -> CompletedPart:
    writer = PartWriter("f", WORK, number=number, storage=storage)
    times = list(times) or [None] * len(texts)
    for text, at_ns in zip(texts, times, strict=True):
        writer.write(Record(text.encode()), at_ns)
    return writer.close()


def stored(storage: Storage, part: CompletedPart) -> bytes:
    part.spill()
    body = storage.read(part.staged.temporary_key)
    assert body is not None
    return body


@given(texts=st.lists(VALUES.map(minified), min_size=1, max_size=20))
def test_a_part_is_an_array_with_a_record_per_line(tmp_path_factory, texts):
    """Any parser reads it whole, a reader of lines cuts it anywhere; every record is as it was."""
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('lake')}", {})
    part = written(storage, texts)
    text = gzip.decompress(stored(storage, part)).decode()
    assert exact(text) == [exact(one) for one in texts]
    assert text == "[" + ",\n".join(texts) + "\n]\n"
    assert part.part.rows == len(texts)
    assert part.part.json_bytes == len(text.encode())


def test_the_account_of_a_part_is_that_of_its_bytes(storage):
    """Sizes, checksum and the range of event times, those that cannot be read left out."""
    part = written(storage, ["1", "2", "3", "4"], times=[50, None, -7, 20])
    body = stored(storage, part)
    assert part.part.gzip_bytes == len(body)
    assert part.part.sha256 == hashlib.sha256(body).hexdigest()
    assert (part.part.first_event_ns, part.part.last_event_ns) == (-7, 50)
    assert part.part.key == f"{FOLDER}/{WORK.window.name}.part-00000.{part.part.sha256[:8]}.json.gz"
    assert written(storage, ["1"]).part.first_event_ns is None


def test_the_same_records_give_the_same_bytes(storage):
    """Whenever they are written; another record gives another key."""
    one, same, other = (written(storage, texts) for texts in (["1"], ["1"], ["2"]))
    assert stored(storage, one) == stored(storage, same)
    assert one.part == same.part
    assert one.part.key != other.part.key
    assert one.staged.temporary_key != same.staged.temporary_key


def test_what_is_written_is_as_large_as_it_says(storage):
    """Parts roll over by this size, before anything is packed."""
    writer = PartWriter("f", WORK, number=0, storage=storage)
    record = Record(b'{"a":"' + b"x" * 992 + b'"}')
    for _ in range(1_000):
        writer.write(record, None)
    assert writer.size_bytes == 1 + 1_000 * 1_000 + 999 * 2
    assert writer.gzip_bytes < writer.size_bytes / 20
    assert writer.close().part.json_bytes == writer.size_bytes == 1 + 1_000_000 + 1_998 + 3


@given(
    st.lists(st.sampled_from([1, 50, 130_000, 262_144, 700_000]).map(b"7".__mul__), min_size=1),
    st.data(),
)
def test_a_part_is_the_same_however_its_records_come(tmp_path_factory, texts, data):
    """One by one or in blocks, of any number: the same bytes, counts and times."""
    storage = Storage.open(f"file://{tmp_path_factory.getbasetemp()}/lake", {})
    records = [Record(text) for text in texts]
    times = data.draw(
        st.lists(st.none() | st.integers(0, 99), min_size=len(texts), max_size=len(texts))
    )
    one_by_one = PartWriter("f", WORK, number=0, storage=storage)
    in_blocks = PartWriter("f", WORK, number=0, storage=storage)
    left = 0
    while left < len(records):
        after = left + data.draw(st.integers(1, len(records) - left))
        in_blocks.write_block(records[left:after], times[left:after])
        left = after
    for record, at_ns in zip(records, times, strict=True):
        one_by_one.write(record, at_ns)
    assert one_by_one.size_bytes == in_blocks.size_bytes
    expected, found = one_by_one.close(), in_blocks.close()
    assert found.part == expected.part
    assert [bytes(record) for record in found.readable()] == texts
    for part in (expected, found):
        part.discard()


@pytest.mark.parametrize("is_spilled", [False, True], ids=["in memory", "spilled"])
def test_a_part_is_published_at_its_own_key(storage, is_spilled):
    """Nobody sees it before; again at another key, where the first one was taken meanwhile."""
    part = written(storage, ["1", "2"])
    if is_spilled:
        part.spill()
    assert not list(storage.list("json"))
    keys = [part.numbered("f", WORK, number).key for number in (0, 7)]
    for key in (*keys, keys[0]):
        part.publish(key)
    assert list(storage.list("")) == keys
    assert set(part.published) == set(keys)
    assert storage.read(keys[0]) == storage.read(keys[1])
    assert list(map(bytes, part.readable())) == [b"1", b"2"]


def resumed(storage: Storage, part: CompletedPart) -> CompletedPart:
    """The same part in another process, which has only the checkpoint."""
    part.spill()
    return CompletedPart(part.staged, storage=storage)


def test_another_attempt_may_have_moved_a_part(storage):
    """Two processes that resume one checkpoint: the second finds the part where it belongs."""
    part = written(storage, ["1", "2"])
    first, second = resumed(storage, part), resumed(storage, part)
    first.publish(part.part.key)
    assert list(map(bytes, second.readable())) == [b"1", b"2"]
    second.publish(part.part.key)
    second.publish(part.numbered("f", WORK, 3).key)
    assert len(list(storage.list(""))) == 2


def test_a_part_that_is_gone_is_an_error_to_retry(storage):
    """The next attempt asks the source again."""
    part = resumed(storage, written(storage, ["1"]))
    storage.delete(part.staged.temporary_key)
    with pytest.raises(RetryableError, match="the part is gone; another run fetched the same"):
        part.publish(part.part.key)
    with pytest.raises(RetryableError, match="the part is gone"):
        list(part.readable())


def test_a_part_that_is_not_wanted_leaves_nothing(storage):
    """Neither an unfinished one nor one that is whole, wherever it is."""
    writer = PartWriter("f", WORK, number=0, storage=storage)
    writer.write(Record(b"1"), None)
    writer.abandon()
    for part in (written(storage, ["1"]), resumed(storage, written(storage, ["1"]))):
        part.discard()
    assert list(storage.list("")) == []


@pytest.mark.s3
def test_a_browser_reads_a_part_from_s3_as_json(s3: Bucket):
    """The headers say what it is and how it is packed, and stay when it is moved."""
    storage = Storage.open(s3.root, s3.environment)
    part = written(storage, ['{"a":1}'])
    part.publish(part.part.key)
    found = s3.client().get_object(Bucket=s3.name, Key=f"lake/{part.part.key}")
    assert found["ContentEncoding"] == "gzip"
    assert json.loads(gzip.decompress(found["Body"].read())) == [{"a": 1}]
    assert s3.client().list_objects_v2(Bucket=s3.name)["KeyCount"] == 1
