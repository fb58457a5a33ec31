"""A feed and a root in, the statement that makes its Parquet folder a table out.

Types are exact in every engine: a decimal of more than 38 digits, which none of them has,
is left out of the table, and a comment says so. Athena projects its partitions: there is nothing to
add when a new day or slice arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pyarrow as pa

from include.ticklake.conversion import schema
from include.ticklake.errors import CallInvalid
from include.ticklake.feeds import Feed

FIRST_DAY = "2009-01-01"
"""Where projected dates begin: no feed is older."""

_PLAIN = {"hive": {"string": "string", "int64": "bigint", "bool": "boolean"},
          "trino": {"string": "varchar", "int64": "bigint", "bool": "boolean"}}  # fmt: skip
_MAX_DIGITS = 38


def ddl(feed: Feed, *, engine: str, root_uri: str) -> str:
    """The statement for *engine*; ``CallInvalid`` for one that is not known."""
    try:
        write = ENGINES[engine]
    except KeyError:
        known = ", ".join(ENGINES)
        raise CallInvalid(f"there is no DDL for {engine!r}; known: {known}") from None
    left_out = [
        f"-- {name} has {_digits(feed, name)} digits, {engine} has {_MAX_DIGITS}: "
        "read it with Arrow or Polars\n"
        for name in _too_wide(feed)
    ]
    return "".join(left_out) + write(feed, f"{root_uri}/parquet/{feed.name}") + "\n"


def _too_wide(feed: Feed) -> list[str]:
    """The columns that no engine here can hold exactly."""
    return [name for name in feed.fields if _digits(feed, name) > _MAX_DIGITS]


def _digits(feed: Feed, name: str) -> int:
    digits = feed.fields[name].decimal_digits
    return digits[0] if digits else 0


def _columns(feed: Feed) -> list[tuple[str, pa.DataType]]:
    wide = _too_wide(feed)
    return [(one.name, one.type) for one in schema.columns(feed) if one.name not in wide]


def _duckdb(feed: Feed, folder: str) -> str:
    path = folder.removeprefix("file://").replace("'", "''")
    folders = ", ".join(f"'{name}': {kind}" for name, kind in _duckdb_folders(feed))
    without = f" EXCLUDE ({', '.join(wide)})" if (wide := _too_wide(feed)) else ""
    return (
        f"CREATE OR REPLACE VIEW {feed.name} AS\n"
        f"SELECT *{without} FROM read_parquet('{path}/**/*.parquet',\n"
        f"  hive_partitioning = true, hive_types = {{{folders}}}, union_by_name = true);"
    )


def _duckdb_folders(feed: Feed) -> list[tuple[str, str]]:
    return [*((name, "VARCHAR") for name in feed.slices), ("date", "DATE")]


def _athena(feed: Feed, folder: str) -> str:
    properties = {"projection.enabled": "true"}
    for name, known in feed.slices.items():
        values = [quote(str(value), safe="") for value in known]
        plain = values == [str(value) for value in known]
        properties[f"projection.{name}.type"] = "enum" if plain and values else "injected"
        if plain and values:
            properties[f"projection.{name}.values"] = ",".join(values)
    properties["projection.date.type"] = "date"
    properties["projection.date.format"] = "yyyy-MM-dd"
    properties["projection.date.range"] = f"{FIRST_DAY},NOW"
    template = "/".join(f"{name}=${{{name}}}" for name in [*feed.slices, "date"])
    properties["storage.location.template"] = f"{folder}/{template}"
    told = ",\n".join(f"  '{name}' = '{value}'" for name, value in properties.items())
    return (
        f"CREATE EXTERNAL TABLE {feed.name} (\n{_hive_columns(feed)}\n)\n"
        f"PARTITIONED BY ({_hive_folders(feed)})\n"
        f"STORED AS PARQUET\nLOCATION '{folder}/'\n"
        f"TBLPROPERTIES (\n{told}\n);"
    )


def _spark(feed: Feed, folder: str) -> str:
    columns = _hive_columns(feed)
    folders = ",\n".join(
        f"  `{name}` {kind}"
        for name, kind in [*((name, "string") for name in feed.slices), ("date", "date")]
    )
    by = ", ".join(f"`{name}`" for name in [*feed.slices, "date"])
    return (
        f"CREATE TABLE {feed.name} (\n{columns},\n{folders}\n)\n"
        f"USING parquet\nPARTITIONED BY ({by})\nLOCATION '{_s3a(folder)}';\n"
        f"MSCK REPAIR TABLE {feed.name};"
    )


def _trino(feed: Feed, folder: str) -> str:
    folders = [*((name, "varchar") for name in feed.slices), ("date", "date")]
    lines = [f'  "{name}" {_type(kind, "trino")}' for name, kind in _columns(feed)]
    lines += [f'  "{name}" {kind}' for name, kind in folders]
    by = ", ".join(f"'{name}'" for name, _ in folders)
    return (
        f"CREATE TABLE {feed.name} (\n" + ",\n".join(lines) + "\n)\n"
        f"WITH (\n  external_location = '{folder}',\n  format = 'PARQUET',\n"
        f"  partitioned_by = ARRAY[{by}]\n);"
    )


def _hive_columns(feed: Feed) -> str:
    return ",\n".join(f"  `{name}` {_type(kind, 'hive')}" for name, kind in _columns(feed))


def _hive_folders(feed: Feed) -> str:
    folders = [*((name, "string") for name in feed.slices), ("date", "date")]
    return ", ".join(f"`{name}` {kind}" for name, kind in folders)


def _type(kind: pa.DataType, dialect: str) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        if dialect == "hive":
            return "timestamp"
        digits = {"ms": 3, "us": 6, "ns": 9}[kind.unit]
        return f"timestamp({digits})"
    return _PLAIN[dialect][str(kind)]  # Parquet in a hive folder has no other types


def _s3a(folder: str) -> str:
    """Spark's own name of the S3 file system."""
    return folder.replace("s3://", "s3a://", 1)


ENGINES: dict[str, Callable[[Feed, str], str]] = {
    "athena": _athena,
    "duckdb": _duckdb,
    "spark": _spark,
    "trino": _trino,
}
