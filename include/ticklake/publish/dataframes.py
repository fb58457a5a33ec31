"""A feed and its Parquet folder in, the lines of Python that open it as a frame out.

Columns and folders get their types from the feed: a reader would take the columns of the
first file for those of all, a number for an interval ``1``, and text for a date.
"""

from __future__ import annotations

from collections.abc import Iterable

from include.ticklake.feed.feed import Feed
from include.ticklake.types.field_type import EngineNames

Columns = list[tuple[str, EngineNames]]


def polars(feed: Feed, folder: str, columns: Columns) -> str:
    """Lazily; what Polars has no type for is passed over."""
    kept = [(name, names.polars) for name, names in columns if names.polars]
    return (
        "import polars as pl\n\n"
        f"{feed.name} = pl.scan_parquet(\n"
        f'    "{_path(folder)}/**/*.parquet",\n'
        f"    schema={_mapping(kept)},\n"
        f"    hive_schema={_mapping(_folders(feed, text='pl.String', date='pl.Date'))},\n"
        '    missing_columns="insert",\n    extra_columns="ignore",\n)'
    )


def pandas(feed: Feed, folder: str, columns: Columns) -> str:
    """With Arrow's own types behind it: decimals stay decimals, of any number of digits."""
    return (
        "import pandas as pd\n"
        f"{_arrow(feed, columns)}"
        f"{feed.name} = pd.read_parquet(\n"
        f'    "{_path(folder)}", schema=columns, partitioning=folders, dtype_backend="pyarrow"\n)'
    )


def pyarrow(feed: Feed, folder: str, columns: Columns) -> str:
    """A dataset: nothing is read before it is asked."""
    return (
        f"{_arrow(feed, columns)}"
        f'{feed.name} = ds.dataset("{_path(folder)}", schema=columns, partitioning=folders)'
    )


def _arrow(feed: Feed, columns: Columns) -> str:
    folders = _folders(feed, text="pa.string()", date="pa.date32()")
    written = [(name, names.pyarrow) for name, names in columns]
    return (
        "import pyarrow as pa\nimport pyarrow.dataset as ds\n\n"
        f"columns = pa.schema({_mapping([*written, *folders], indent='')})\n"
        f"folders = ds.HivePartitioning(pa.schema({_mapping(folders, indent='')}))\n"
    )


def _mapping(pairs: Iterable[tuple[str, str]], *, indent: str = "    ") -> str:
    lines = "".join(f'{indent}    "{name}": {kind},\n' for name, kind in pairs)
    return f"{{\n{lines}{indent}}}"


def _folders(feed: Feed, *, text: str, date: str) -> list[tuple[str, str]]:
    return [*((name, text) for name in feed.slices), ("date", date)]


def _path(folder: str) -> str:
    """As a text in Python's double quotes; a folder on disk without its scheme."""
    return folder.removeprefix("file://").replace("\\", "\\\\").replace('"', '\\"')
