"""What a field takes from its feed where it does not say it itself.

The lists and zones of a feed are written into its fields when the file is read, so that code that
reads a value needs to know its field only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_field_defaults(data: object) -> object:
    """The *data* of a feed file with the defaults of its fields; as it is where it has none."""
    if not isinstance(data, dict) or not isinstance(fields := data.get("fields"), dict):
        return data
    source = data.get("source")
    timezone = source.get("timezone") if isinstance(source, dict) else None
    null_values = data.get("null_values")
    filled = {
        name: field_defaults(name, field, timezone=timezone, null_values=null_values)
        if isinstance(field, dict)
        else field
        for name, field in fields.items()
    }
    return {**data, "fields": filled}


def field_defaults(
    name: str, field: Mapping[str, Any], *, timezone: object, null_values: object
) -> dict[str, Any]:
    """The keys of the field *name*, as its file writes it, with what it takes from its feed.

    Its path is its name. The timezone is for times that can lack one; null values are for all
    types but json, whose values stay as they are. A field's own replace the feed's.
    """
    defaults: dict[str, Any] = {"from": name}
    if timezone is not None and _may_lack_a_zone(field):
        defaults["timezone"] = timezone
    if null_values is not None and field.get("type") != "json" and not _is_ours(field):
        defaults["null_values"] = null_values
    return {**defaults, **field}


def _may_lack_a_zone(field: Mapping[str, Any]) -> bool:
    format_ = field.get("format")
    if isinstance(format_, str):
        return field.get("type") == "timestamp" and not {"%z", "%Z"} & _words(format_)
    return field.get("unit") == "iso"


def _words(format_: str) -> set[str]:
    return {f"%{text[:1]}" for text in format_.replace("%%", "").split("%")[1:]}


def _is_ours(field: Mapping[str, Any]) -> bool:
    """Whether the field holds the time of fetching, which no source writes."""
    return str(field.get("from", "")).startswith("$")
