"""Records as a feed means them, by the plainest reading: whole values, Decimals, nanoseconds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FieldSpec
from include.ticklake.model.times import EPOCH
from include.ticklake.model.window import Window
from tests.support.json_texts import exact

UNIT_NS = {"s": 10**9, "float_s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}

EXACT = Context(prec=200)
"""The default context would round at the 28th digit."""


def meant(record: Any, feed: Feed) -> dict[str, Any]:
    """A record of a body as a row of the lake, but for the time of fetching."""
    return {
        name: _meaning(value_at(record, field.source), field)
        for name, field in feed.fields.items()
        if not field.source.startswith("$")
    }


def as_read(row: dict[str, Any], feed: Feed) -> dict[str, Any]:
    """A row of the Parquet in the same form: ``1.50`` and ``1.5`` are one number."""
    return {
        name: _plain(row[name], field)
        for name, field in feed.fields.items()
        if not field.source.startswith("$")
    }


def unread_names(records: list[Any], feed: Feed) -> set[str]:
    """The paths in the records that no field of *feed* reads; null for an object is read by its."""
    sources = {field.source for field in feed.fields.values()}
    paths = {path for record in records for path in _paths(record)}
    return {
        path
        for path in paths
        if not any(f"{path}.".startswith(f"{source}.") for source in sources)
        and not any(source.startswith(f"{path}.") for source in sources)
    }


def window_of(feed: Feed, records: list[Any]) -> Window:
    """The whole seconds that hold all records; of a snapshot, any."""
    _, field = feed.event_time
    if feed.snapshot:
        return Window.parse("20261122T050000Z-20261122T060000Z")
    seconds = [_ns(value_at(record, field.source), field) // 10**9 for record in records]
    return Window(
        EPOCH + timedelta(seconds=min(seconds)), EPOCH + timedelta(seconds=max(seconds) + 1)
    )


def value_at(record: Any, path: str) -> Any:
    """The value at a feed's path; None where there is none."""
    for name in path.split("."):
        if isinstance(record, list) and name.isdecimal():
            record = record[int(name)] if int(name) < len(record) else None
        else:
            record = record.get(name) if isinstance(record, dict) else None
    return record


def _meaning(value: Any, field: FieldSpec) -> Any:
    if value is None or value in (field.null_values or ()):
        return None
    if field.type == "json":
        return _canonical(value)
    if field.type in ("string", "bool"):
        return value
    if value == "":  # an empty text where a number or a time is expected
        return None
    if field.type == "timestamp":
        return _ns(value, field)
    return int(Decimal(value)) if field.type == "int64" else _number(Decimal(value))


def _plain(value: Any, field: FieldSpec) -> Any:
    if isinstance(value, Decimal):
        return _number(value)
    return _canonical(exact(value)) if field.type == "json" and value is not None else value


def _number(value: Decimal) -> Decimal:
    """*value* in its shortest form; no column holds the sign of a zero."""
    return EXACT.normalize(value) if value else Decimal(0)


def _canonical(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _paths(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _paths(inner, f"{prefix}.{name}" if prefix else name)
    else:
        yield prefix


def _ns(value: Any, field: FieldSpec) -> int:
    if field.format:
        moment = datetime.strptime(str(value), field.format).replace(tzinfo=UTC)
        return int(moment.timestamp()) * 10**9
    if field.unit != "iso":
        return int(Decimal(value) * UNIT_NS[str(field.unit)])
    text = re.sub(r"[Zz]$", "+00:00", str(value))
    fraction = re.search(r"\.(\d+)", text)
    moment = datetime.fromisoformat(re.sub(r"\.\d+", "", text))
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
    finer_ns = int(fraction[1][:9].ljust(9, "0")) if fraction else 0
    return (since.days * 86_400 + since.seconds) * 10**9 + finer_ns
