"""A feed and its Parquet folder in, the lines of Python that open it as a frame out.

Partition columns get their types from the feed: what a reader guesses from folder names
makes a number of an interval ``1``, and a text of a date.
"""

from __future__ import annotations

from include.ticklake.conversion import schema
from include.ticklake.feeds import Feed


def polars(feed: Feed, folder: str, without: list[str]) -> str:
    """Lazily; columns that Polars has no type for are not asked for."""
    folders = ", ".join(
        f'"{name}": pl.{kind}' for name, kind in _folders(feed, text="String", date="Date")
    )
    kept = [field.name for field in schema.lake_schema(feed) if field.name not in without]
    names = ", ".join(f'"{name}"' for name in [*kept, *feed.slices, "date"])
    select = f".select({names})" if without else ""
    path = _path(folder)
    return (
        "import polars as pl\n\n"
        f'{feed.name} = pl.scan_parquet("{path}/**/*.parquet", hive_schema={{{folders}}}){select}'
    )


def pandas(feed: Feed, folder: str, _without: list[str]) -> str:
    """With Arrow's own types behind it: decimals stay decimals, of any number of digits."""
    return (
        "import pandas as pd\nimport pyarrow as pa\nimport pyarrow.dataset as ds\n\n"
        f"folders = {_arrow_folders(feed)}\n"
        f'{feed.name} = pd.read_parquet("{_path(folder)}", partitioning=folders, '
        'dtype_backend="pyarrow")'
    )


def pyarrow(feed: Feed, folder: str, _without: list[str]) -> str:
    """A dataset: nothing is read before it is asked."""
    return (
        "import pyarrow as pa\nimport pyarrow.dataset as ds\n\n"
        f"folders = {_arrow_folders(feed)}\n"
        f'{feed.name} = ds.dataset("{_path(folder)}", partitioning=folders)'
    )


def _arrow_folders(feed: Feed) -> str:
    found = _folders(feed, text="string()", date="date32()")
    return (
        "ds.HivePartitioning(pa.schema({"
        + ", ".join(f'"{name}": pa.{kind}' for name, kind in found)
        + "}))"
    )


def _folders(feed: Feed, *, text: str, date: str) -> list[tuple[str, str]]:
    return [*((name, text) for name in feed.slices), ("date", date)]


def _path(folder: str) -> str:
    """As a text in Python's double quotes; a folder on disk without its scheme."""
    return folder.removeprefix("file://").replace("\\", "\\\\").replace('"', '\\"')
