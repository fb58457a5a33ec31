"""dlt: a resource, a pipeline, the ``filesystem`` destination.

As its performance guide says: whole pages are yielded, and files rotate, so that two workers
normalize them. It is given the columns and infers their types: text stays text.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FILE_ROWS = "100000"
os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "NORMALIZE__WORKERS": "1" if os.environ.get("TICKLAKE_BENCH_CAPPED") else "2",
    "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": _FILE_ROWS,
    "SOURCES__DATA_WRITER__FILE_MAX_ITEMS": _FILE_ROWS,
    # Names differ by case only: a, m and M.
    "SCHEMA__NAMING": "direct",
}

import dlt  # noqa: E402 - it reads its settings when it is imported
from dlt.destinations import filesystem as lake  # noqa: E402
from dlt.sources.filesystem import filesystem, read_jsonl  # noqa: E402
from dlt.sources.helpers.rest_client import RESTClient  # noqa: E402
from pyarrow import dataset as ds  # noqa: E402


def extract(*, url: str, rows: int, start_ms: int, target: str) -> int:
    """One page to JSON lines."""
    return _run(dlt.resource(_page(url, rows, start_ms), name="trades"), target, "jsonl")


def page_to_parquet(*, url: str, rows: int, start_ms: int, target: str) -> int:
    """One page to Parquet."""
    return _run(dlt.resource(_page(url, rows, start_ms), name="trades"), target, "parquet")


def convert(*, source: list[str], array: bool, target: str, capped: bool) -> int:
    """JSON lines to Parquet; it has no reader for arrays."""
    if array:
        raise ValueError("it reads lines, not arrays")
    path = Path(source[0])
    files = filesystem(bucket_url=path.parent.as_uri(), file_glob=path.name)
    lines = files | read_jsonl(chunksize=1_000 if capped else 10_000)
    return _run(lines.with_name("trades"), target, "parquet")


def _page(url: str, rows: int, start_ms: int) -> Iterator[list[dict[str, Any]]]:
    params = {"rows": rows, "startTime": start_ms}
    yield RESTClient(base_url=url).get("/_bench/aggTrades", params=params).json()


def _run(resource: Any, target: str, kind: Any) -> int:  # noqa: ANN401 - dlt's own types
    with tempfile.TemporaryDirectory() as working:
        pipeline = dlt.pipeline(
            "bench",
            destination=lake(bucket_url=Path(target).as_uri()),
            dataset_name="bench",
            pipelines_dir=working,
        )
        pipeline.run(resource, loader_file_format=kind, write_disposition="append")
        counted = pipeline.last_trace.last_normalize_info.row_counts["trades"]
    if kind == "parquet":
        stored = ds.dataset(str(Path(target) / "bench" / "trades"), format="parquet").count_rows()
        assert stored == counted
    return int(counted)


CASES = {"extract": extract, "page_to_parquet": page_to_parquet, "convert": convert}
