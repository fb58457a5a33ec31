"""A Parquet file that cannot be read is an error that names its unit."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ticklake.errors import CorruptParquetError
from include.ticklake.lake import layout
from include.ticklake.lake.corrupt_parquet import reading_parquet
from include.ticklake.lake.storage import Storage
from tests.support.lake_factory import BTC, hour

KEY = layout.parquet_key("trades", BTC, hour(5))


@pytest.fixture
def storage(tmp_path) -> Storage:
    """A lake with one file."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    storage.put(KEY, b"x")
    storage.put("notes.parquet", b"x")
    return storage


@pytest.mark.parametrize(
    "error",
    [pa.ArrowInvalid("bad\nmagic"), OSError("thrift"), KeyError("price"), OverflowError("x" * 999)],
)
def test_whatever_pyarrow_says_names_the_unit(storage, error):
    """In one line, with the command that repairs it."""
    message = (
        rf"lake/parquet/trades/.* {hour(5).name}, cannot be read: .*`audit trades .* --repair`"
    )
    with (
        pytest.raises(CorruptParquetError, match=message) as refused,
        reading_parquet(KEY, storage=storage),
    ):
        raise error
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 700


def test_a_file_that_is_not_of_a_unit_is_named_by_its_address(storage):
    """Somebody else's."""
    with (
        pytest.raises(CorruptParquetError, match=r"notes\.parquet cannot be read.* backup"),
        reading_parquet("notes.parquet", storage=storage),
    ):
        raise pa.ArrowInvalid("no magic")


@pytest.mark.parametrize("error", [FileNotFoundError("gone"), MemoryError("full")])
def test_what_is_not_damage_stays_what_it_is(storage, error):
    """A file that was replaced meanwhile, and a lack of memory."""
    with pytest.raises(type(error)), reading_parquet(KEY, storage=storage):
        raise error


def test_a_storage_that_fails_is_not_a_damaged_file(storage, monkeypatch):
    """Where not even its bytes can be read."""

    def fail(_store: object, _key: str) -> None:
        raise PermissionError("denied")

    monkeypatch.setattr(type(storage.store), "open_input", fail)
    with pytest.raises(PermissionError), reading_parquet(KEY, storage=storage):
        raise OSError("connection lost")
