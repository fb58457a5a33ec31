"""``docs/reference/feed-format.md``: every key of a feed file, from its models' JSON schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from tools.docs_reference.markdown import escape, table

Schema = dict[str, Any]

SECTIONS = {
    "HttpSource": "`source`, `kind: http`",
    "SqlSource": "`source`, `kind: sql`",
    "FilesSource": "`source`, `kind: files`",
    "CsvFormat": "`source.csv`",
    "Auth": "`source.auth`",
    "ErrorRules": "`source.errors`",
    "RateLimit": "`source.rate_limit`",
    "ListingFeed": "`slices.NAME`, of another feed",
    "ListingEndpoint": "`slices.NAME`, of an endpoint",
    "FieldSpec": "`fields.NAME`",
    "Limits": "`limits`",
    "Retention": "`retention`",
}
"""Titles of the models other than kinds of paging."""


def lines() -> Iterator[str]:
    """The page's tables: the file itself, then every model that it refers to."""
    schema = json.loads(loader.json_schema())
    order = Feed.model_json_schema(by_alias=True)
    models = {name: order["$defs"][name] for name in _referred(order)}
    yield "## The file"
    yield ""
    yield from rows(order | {"properties": _declared(order, schema)}, schema["required"])
    for name, model in models.items():
        yield f"## {title(name, model)}"
        yield ""
        yield escape(model.get("description", ""))
        yield ""
        yield from rows(model, model.get("required", []))


def _declared(order: Schema, schema: Schema) -> Schema:
    """The keys that a file has, in the order of the model: its name is not one of them."""
    return {name: order["properties"][name] for name in order["properties"]
            if name in schema["properties"]}  # fmt: skip


def _referred(schema: Schema) -> list[str]:
    """Names of the models: those with a title first, then the kinds of paging as declared."""
    kinds = schema["$defs"]["HttpSource"]["properties"]["paging"]["oneOf"]
    paging = [_name(kind["$ref"]) for kind in kinds]
    others = [name for name in schema["$defs"] if name not in paging]
    order = list(SECTIONS)
    others.sort(key=lambda name: order.index(name) if name in order else len(order))
    return [*others, *paging]


def title(name: str, model: Schema) -> str:
    """What the heading of a model says."""
    kind = model["properties"].get("kind", {}).get("const")
    if name in SECTIONS:
        return SECTIONS[name]
    return f"`source.paging`, `kind: {kind}`" if kind else f"`{name}`"


def rows(model: Schema, required: Iterable[str]) -> Iterable[str]:
    """A table with a row per key, the required ones first."""
    needed = set(required)
    keys = sorted(model["properties"].items(), key=lambda entry: entry[0] not in needed)
    return table(
        ("key", "value", "meaning"),
        (
            (
                f"`{key}`{' (required)' if key in needed else ''}",
                value(spec),
                escape(spec.get("description", "")),
            )
            for key, spec in keys
        ),
    )


def value(spec: Schema) -> str:
    """The values that a key takes, in the words of YAML."""
    for union in ("anyOf", "oneOf"):
        if union in spec:
            kinds = [one for one in spec[union] if one.get("type") != "null"]
            if len(kinds) > 3:
                return "one of the kinds below"
            return " or ".join(dict.fromkeys(map(value, kinds)))
    if "$ref" in spec:
        return f"a mapping, as in {SECTIONS[_name(spec['$ref'])]}"
    if "const" in spec:
        return f"`{spec['const']}`"
    if "enum" in spec:
        return ", ".join(f"`{one}`" for one in spec["enum"])
    return _plain(spec)


def _plain(spec: Schema) -> str:
    types = spec.get("type", "any")
    if isinstance(types, list):
        return " or ".join(_TYPES[one] for one in types if one in _TYPES)
    if types == "array":
        return f"a list of {value(spec['items'])}" if "items" in spec else "a list"
    if types == "object":
        inner = spec.get("additionalProperties") or next(
            iter(spec.get("patternProperties", {}).values()), None
        )
        return f"a mapping of names to {value(inner)}" if isinstance(inner, dict) else "a mapping"
    return _TYPES.get(types, "any value")


_TYPES = {"string": "text", "integer": "a whole number", "number": "a number",
          "boolean": "`true`, `false`"}  # fmt: skip


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]
