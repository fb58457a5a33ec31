"""pyarrow reads the objects of a bucket as files."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import dataset as ds

from include.ticklake.lake.storage import Storage
from tools.servers.s3 import Bucket


@pytest.mark.s3
def test_pyarrow_reads_a_dataset_from_a_bucket(s3: Bucket):
    """Its paths are keys; nothing is changed this way."""
    storage = Storage.open(s3.root, s3.environment)
    table = pa.table({"n": [1, 2, 3]})
    with storage.open_output("p/date=1/a.parquet") as stream:
        pq.write_table(table, stream)
    files = storage.store.arrow_file_system()
    assert ds.dataset("p", format="parquet", filesystem=files).to_table()["n"].to_pylist() == [
        1,
        2,
        3,
    ]
    with pytest.raises(io.UnsupportedOperation, match="write through Storage"):
        files.delete_file("p/date=1/a.parquet")
