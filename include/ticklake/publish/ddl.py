"""A feed and a root in, the statement that makes its Parquet folder a table out.

Types are exact in every engine: a decimal of more than 38 digits, which only Arrow has,
is left out of the table, and a comment says so. Athena (Glue) and Trino project their
partitions: there is nothing to add when a new day arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.slice_values import known_values
from include.ticklake.publish import dataframes
from include.ticklake.types.field_type import EngineNames

FIRST_DAY = "2009-01-01"
"""Where projected dates begin: no feed is older."""

_MAX_LISTED = 48
"""How many values of a slice are listed in a table: AWS asks for a few dozen at most."""


def ddl(feed: Feed, *, engine: str, root_uri: str) -> str:
    """The statement for *engine*; ``UsageError`` for one that is not known."""
    folder = f"{root_uri}/parquet/{feed.name}"
    if engine in FRAMES:
        notes = _notes(feed, engine, comment="#") if engine == "polars" else ""
        return f"{notes}{FRAMES[engine](feed, folder, _columns(feed))}\n"
    if engine not in ENGINES:
        known = ", ".join([*ENGINES, *FRAMES])
        raise UsageError(f"there is no DDL for {engine!r}; known: {known}")
    return f"{_notes(feed, engine, comment='--')}{ENGINES[engine](feed, folder)}\n"


def _notes(feed: Feed, engine: str, *, comment: str) -> str:
    """What the table does not show as it is in the files, a line each."""
    notes = [
        f"{name} {note}"
        for name, names in _columns(feed)
        if name in feed.fields and (note := names.notes.get(engine))
    ]
    if engine != "duckdb":  # whose view does it by itself
        notes += [
            f"{name} was {' and '.join(feed.fields[name].renamed_from)} in older files: "
            f"coalesce({', '.join([name, *feed.fields[name].renamed_from])})"
            for name in _renamed(feed, engine)
        ]
    if engine == "spark":
        notes += [
            f"{name} is decode(encode({name}, 'ISO-8859-1'), 'UTF-8') where it is not ASCII: "
            "spark reads each byte of a folder's name as a character"
            for name in feed.slices
            if not _is_ascii(feed, name)
        ]
    if engine in ("athena", "trino"):
        notes += [
            f"{name} is given by each query: WHERE {name} = '...', percent-encoded as in the folder"
            for name in feed.slices
            if not _listed(feed, name)
        ]
    return "".join(f"{comment} {note}\n" for note in notes)


def _listed(feed: Feed, name: str) -> list[str]:
    """The values of a slice that a table lists; none where they are many or not plain in a path."""
    values = known_values(feed.slices[name])
    plain = all(quote(value, safe="") == value for value in values)
    return list(values) if plain and len(values) <= _MAX_LISTED else []


def _is_ascii(feed: Feed, name: str) -> bool:
    """Whether all values of a slice are known, and of plain characters."""
    values = known_values(feed.slices[name])
    return bool(values) and all(value.isascii() for value in values)


def _columns(feed: Feed) -> list[tuple[str, EngineNames]]:
    """Each column, and again under each name that it had before, with its type's names."""
    return [
        (name, field.field_type.engine_names())
        for current_name, field in feed.fields.items()
        for name in (current_name, *field.renamed_from)
    ]


def _left_out(feed: Feed, engine: str) -> list[str]:
    """The columns that *engine* cannot hold exactly."""
    return [
        name
        for name, field in feed.fields.items()
        if getattr(field.field_type.engine_names(), engine) is None
    ]


def _renamed(feed: Feed, engine: str) -> list[str]:
    left_out = _left_out(feed, engine)
    return [
        name for name, field in feed.fields.items() if field.renamed_from and name not in left_out
    ]


def _duckdb(feed: Feed, folder: str) -> str:
    path = folder.removeprefix("file://").replace("'", "''")
    folders = ", ".join(f"'{name}': {kind}" for name, kind in _duckdb_folders(feed))
    return (
        f"CREATE OR REPLACE VIEW {feed.name} AS\n"
        f"SELECT {_duckdb_columns(feed)} FROM read_parquet('{path}/**/*.parquet',\n"
        f"  hive_partitioning = true, hive_types = {{{folders}}}, union_by_name = true);"
    )


def _duckdb_columns(feed: Feed) -> str:
    left_out = _left_out(feed, "duckdb")
    if _renamed(feed, "duckdb"):
        # Files of one version only have one of the names: COLUMNS takes those that are there.
        named = [
            f"coalesce(*COLUMNS('^({'|'.join([name, *field.renamed_from])})$')) AS \"{name}\""
            if field.renamed_from
            else f'"{name}"'
            for name, field in feed.fields.items()
            if name not in left_out
        ]
        return ", ".join([*named, *(f'"{name}"' for name in [*feed.slices, "date"])])
    return f"* EXCLUDE ({', '.join(left_out)})" if left_out else "*"


def _duckdb_folders(feed: Feed) -> list[tuple[str, str]]:
    return [*((name, "VARCHAR") for name in feed.slices), ("date", "DATE")]


def _athena(feed: Feed, folder: str) -> str:
    properties = {"projection.enabled": "true"}
    for name in feed.slices:
        values = _listed(feed, name)
        properties[f"projection.{name}.type"] = "enum" if values else "injected"
        if values:
            properties[f"projection.{name}.values"] = ",".join(values)
    properties["projection.date.type"] = "date"
    properties["projection.date.format"] = "yyyy-MM-dd"
    properties["projection.date.range"] = f"{FIRST_DAY},NOW"
    properties["storage.location.template"] = _template(feed, folder)
    table_properties = ",\n".join(f"  '{name}' = '{value}'" for name, value in properties.items())
    return (
        f"CREATE EXTERNAL TABLE {feed.name} (\n{_hive_columns(feed, 'athena')}\n)\n"
        f"PARTITIONED BY ({_hive_folders(feed)})\n"
        f"STORED AS PARQUET\nLOCATION '{folder}/'\n"
        f"TBLPROPERTIES (\n{table_properties}\n);"
    )


def _spark(feed: Feed, folder: str) -> str:
    columns = _hive_columns(feed, "spark")
    folders = ",\n".join(
        f"  `{name}` {kind}"
        for name, kind in [*((name, "string") for name in feed.slices), ("date", "date")]
    )
    by = ", ".join(f"`{name}`" for name in [*feed.slices, "date"])
    location = _s3a(folder).replace("\\", "\\\\").replace("'", "\\'")
    # Without the option Spark refuses days before 1582 and instants before 1900, which programs
    # of old wrote in another calendar.
    return (
        f"CREATE TABLE {feed.name} (\n{columns},\n{folders}\n)\n"
        "USING parquet\nOPTIONS ('datetimeRebaseMode' = 'CORRECTED')\n"
        f"PARTITIONED BY ({by})\nLOCATION '{location}';\n"
        f"MSCK REPAIR TABLE {feed.name};"
    )


def _trino(feed: Feed, folder: str) -> str:
    lines = [f'  "{name}" {names.trino}' for name, names in _columns(feed) if names.trino]
    for name in feed.slices:
        values = ", ".join(f"'{value}'" for value in _listed(feed, name))
        listed = f", partition_projection_values = ARRAY[{values}]" if values else ""
        kind = "ENUM" if values else "INJECTED"
        lines.append(f"  \"{name}\" varchar WITH (partition_projection_type = '{kind}'{listed})")
    lines.append(
        "  \"date\" date WITH (partition_projection_type = 'DATE', "
        "partition_projection_format = 'yyyy-MM-dd', "
        f"partition_projection_range = ARRAY['{FIRST_DAY}', 'NOW'])"
    )
    by = ", ".join(f"'{name}'" for name in [*feed.slices, "date"])
    return (
        f"CREATE TABLE {feed.name} (\n" + ",\n".join(lines) + "\n)\n"
        f"WITH (\n  external_location = '{folder}',\n  format = 'PARQUET',\n"
        f"  partitioned_by = ARRAY[{by}],\n"
        "  partition_projection_enabled = true,\n"
        f"  partition_projection_location_template = '{_template(feed, folder)}'\n);"
    )


def _template(feed: Feed, folder: str) -> str:
    """Where the files of one slice and day are, in Athena's and Trino's way of writing it."""
    return folder + "".join(f"/{name}=${{{name}}}" for name in [*feed.slices, "date"])


def _hive_columns(feed: Feed, engine: str) -> str:
    return ",\n".join(
        f"  `{name}` {sql_type}"
        for name, names in _columns(feed)
        if (sql_type := getattr(names, engine))
    )


def _hive_folders(feed: Feed) -> str:
    folders = [*((name, "string") for name in feed.slices), ("date", "date")]
    return ", ".join(f"`{name}` {kind}" for name, kind in folders)


def _s3a(folder: str) -> str:
    """Spark's own name of the S3 file system."""
    return folder.replace("s3://", "s3a://", 1)


ENGINES: dict[str, Callable[[Feed, str], str]] = {
    "athena": _athena,
    "duckdb": _duckdb,
    "spark": _spark,
    "trino": _trino,
}
"""Statements of SQL."""

FRAMES: dict[str, Callable[[Feed, str, list[tuple[str, EngineNames]]], str]] = {
    "pandas": dataframes.pandas,
    "polars": dataframes.polars,
    "pyarrow": dataframes.pyarrow,
}
"""Lines of Python; they get all columns, and leave out themselves what they have no type for."""
