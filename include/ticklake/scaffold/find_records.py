"""Where the records of a body are; or what the body is instead, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

from include.ticklake.errors import SourceRefusedError
from include.ticklake.scaffold.json_shape import JsonNode
from include.ticklake.scaffold.name_words import words
from include.ticklake.scaffold.reported_error import is_error_name, reported_error

_WRAPPERS = {
    "data", "result", "results", "list", "items", "rows", "records", "entries", "values", "content",
    "objects", "elements", "hits", "docs", "response", "payload", "body", "page", "edges", "nodes",
}  # fmt: skip
_COLLECTIONS = _WRAPPERS | {
    "candles", "trades", "tickers", "ticks", "ohlc", "prices", "quotes", "history", "events",
    "markets", "symbols", "instruments", "products", "transactions", "klines", "bars", "orders",
    "assets", "coins", "currencies", "contracts", "pairs", "fills", "observations", "features",
}  # fmt: skip
_ENVELOPE = {
    "page", "pages", "count", "total", "limit", "offset", "size", "per", "code", "msg", "message",
    "status", "success", "ok", "time", "ts", "timestamp", "next", "prev", "previous", "cursor",
    "more", "version", "request", "result", "results", "last", "first", "error", "us", "rpc",
}  # fmt: skip
_SIDES = ({"bids", "asks"}, {"bid", "ask"}, {"buy", "sell"}, {"buys", "sells"}, {"b", "a"})
_PLAIN_NAME = re.compile(r"[^\s\[\]/$]+")
"""What a path can name; any other name is ``*`` there."""
_INSTRUMENT = re.compile(r"[A-Z0-9][A-Z0-9._/:-]{4,}")
_ENTITY_SCALARS = 5
_SIMILAR = 0.5


def find_records(root: JsonNode, *, url_values: Collection[str] = ()) -> str:
    """The path of the array of records, as a feed writes it.

    *url_values* are the values in the request: a name that is one of them is an instrument.
    Raises ``SourceRefusedError`` that says what the body is, where a feed cannot read it.
    """
    arrays = [
        node
        for node in root.walk()
        if node.kind == "array" and node.rows and not any(map(is_error_name, node.path))
    ]
    if not arrays and (message := reported_error(root)) is not None:
        raise SourceRefusedError(f"the body reports an error: {message}; correct the request")
    problem = _problem(root, arrays, url_values)
    if problem:
        raise SourceRefusedError(f"the body is {problem}")
    return _path(_largest(arrays), root, url_values)


def _problem(root: JsonNode, arrays: list[JsonNode], url_values: Collection[str]) -> str | None:
    """What the body is, and what to do, where its records cannot be read; None if they can."""
    book = next((node for node in root.walk() if _is_order_book(node)), None)
    if book:
        sides = [_text(child.path) for child in book.children.values() if child.rows]
        return (
            f"an order book, and drafts are of one array: name it with --records {sides[0]}; a "
            f"feed of both sides has `records: {_any_in(book)}` and `key_as: side`"
        )
    holder = next((node for node in root.walk() if _is_map(node, arrays, url_values)), None)
    entity = next((node for node in root.walk() if _is_entity(node, arrays, holder)), None)
    if holder and not entity:
        return _map_problem(holder)
    if columns := next((node for node in root.walk() if _is_columnar(node)), None):
        return _plain_problem([child for child in columns.of_kind("array") if not child.rows])
    if entity or not arrays:
        return _object_problem(root, entity, arrays)
    return _tie_problem(arrays)


def _is_columnar(node: JsonNode) -> bool:
    """Whether the members of *node* are columns: three or more plain arrays of one length."""
    sizes = [child.size for child in node.of_kind("array") if not child.rows and child.size > 1]
    return any(sizes.count(size) > 2 for size in sizes)


def _is_order_book(node: JsonNode) -> bool:
    names = {name.lower(): child for name, child in node.children.items() if child.kind == "array"}
    return any(sides <= set(names) and any(names[side].rows for side in sides) for sides in _SIDES)


def _is_map(node: JsonNode, arrays: list[JsonNode], url_values: Collection[str]) -> bool:
    """Whether the members of *node* are the records, or the records of several instruments."""
    if node.kind != "object":
        return False
    lists = [child for child in node.children.values() if child in arrays]
    if len(lists) > 1 and all(_is_instrument(child.name, url_values) for child in lists):
        return True
    objects = node.of_kind("object")
    others = len(node.of_kind("array")) + len(node.of_kind("value"))
    if len(objects) == 1:
        return others <= 1 and _is_instrument(objects[0].name, url_values)
    if (
        len(objects) < 2
        or others > len(objects)
        or any(child.name.lower() in _COLLECTIONS for child in objects)
    ):
        return False
    names = [set(child.children) for child in objects[:20]]
    return all(
        len(first & second) >= _SIMILAR * len(first | second) > 0
        for first, second in pairwise(names)
    )


def _is_entity(node: JsonNode, arrays: list[JsonNode], holder: JsonNode | None) -> bool:
    """Whether *node* is one thing with many attributes, some of which are arrays or a map."""
    if not _has_attributes(node):
        return False
    if holder:
        return holder is not node and holder.path[: len(node.path)] == node.path
    inside = [array for array in arrays if array.path[: len(node.path)] == node.path]
    return bool(inside) and not _COLLECTIONS.intersection(words(".".join(_largest(inside).path)))


def _has_attributes(node: JsonNode) -> bool:
    """Whether *node* has more scalars than what stands around records usually."""
    named = [set(words(child.name)) for child in node.of_kind("value")]
    return sum(not name & _ENVELOPE for name in named) >= _ENTITY_SCALARS


def _map_problem(holder: JsonNode) -> str:
    names = ", ".join(repr(name) for name in list(holder.children)[:3])
    more = ", ..." if holder.size > 3 else ""
    if holder.of_kind("array"):
        return (
            f"a map of arrays, {_at(holder)}one for each of {names}{more}; request one of them at "
            f"a time, or write a feed with `records: {_any_in(holder)}` and `key_as: name`"
        )
    return (
        f"a map of objects, {_at(holder)}one for each of {names}{more}, and drafts are of arrays; "
        f"write a feed with `records: {_any_in(holder)}`, `shape: object` and `key_as: name`"
    )


def _object_problem(root: JsonNode, entity: JsonNode | None, arrays: list[JsonNode]) -> str:
    if entity and arrays:
        paths = ", ".join(_text(array.path) for array in arrays[:3])
        return (
            f"a single object, {_at(entity)}with {_names(entity)}, and drafts are of arrays; write "
            f"a feed with `records: {_text(entity.path)}` and `shape: object`, or draft an array "
            f"inside it with --records: {paths}"
        )
    lists = [node for node in root.walk() if node.kind == "array"]
    if plain := [node for node in lists if node.size and not is_error_name(node.name)]:
        if root.kind == "array" or all(node.size > 3 for node in plain):
            return _plain_problem(plain)
    elif lists and all(len(node.path) < 3 for node in lists):
        return f"without records: {_text(lists[0].path)} is empty; request a range that has some"
    if root.kind == "value":
        return "a single value, not an array of records; look for an endpoint that returns a list"
    if not root.size:
        return "an empty object; request a range that has records"
    inner = entity or _unwrapped(root)
    return (
        f"a single object, {_at(inner)}with {_names(inner)}, and drafts are of arrays; write a "
        f"feed with `records: {_text(inner.path)}` and `shape: object`, or look for an endpoint "
        "that returns a list"
    )


def _plain_problem(plain: list[JsonNode]) -> str:
    where = ", ".join(_text(node.path) for node in plain[:3])
    what = "arrays of plain values" if len(plain) > 1 else "an array of plain values"
    option = "`shape: columns`" if len(plain) > 1 else "a name in `columns`"
    return f"{what}: {where}, and drafts are of objects or arrays; write a feed with {option}"


def _any_in(node: JsonNode) -> str:
    """The path of all members of *node*, as YAML writes it."""
    path = ".".join([*node.path, "*"])
    return path if node.path else f"'{path}'"


def _tie_problem(arrays: list[JsonNode]) -> str | None:
    """Arrays of one size in one place, of which none is called as records are."""
    largest = _largest(arrays)
    ties = [
        array
        for array in arrays
        if array.path[:-1] == largest.path[:-1] and array.rows == largest.rows > 1
    ]
    if len(ties) < 2 or sum(array.name.lower() in _WRAPPERS for array in ties) == 1:
        return None
    paths = " or ".join(_text(array.path) for array in ties)
    return (
        f"{len(ties)} arrays side by side, with {largest.rows} records each; name one with "
        f"--records: {paths}"
    )


def _largest(arrays: list[JsonNode]) -> JsonNode:
    """The array with the most records; of several, one that is called as records are."""
    most = max(array.rows for array in arrays)
    best = [array for array in arrays if array.rows == most]
    return next((array for array in best if array.name.lower() in _COLLECTIONS), best[0])


def _path(array: JsonNode, root: JsonNode, url_values: Collection[str]) -> str:
    """The path of *array*; the name of an instrument, which differs by slice, is any name."""
    names, node = [], root
    for name in array.path:
        siblings = sum(1 for child in node.children.values() if child.kind == "array")
        node = node.children[name]
        is_any = siblings < 2 and _is_instrument(name, url_values) and "." not in name
        names.append("*" if is_any or not _PLAIN_NAME.fullmatch(name) else name)
    return ".".join(names) or "$"


def _is_instrument(name: str, url_values: Collection[str]) -> bool:
    if name.lower() in _COLLECTIONS:
        return False
    return bool(_INSTRUMENT.fullmatch(name)) or name.lower() in {v.lower() for v in url_values}


def _unwrapped(root: JsonNode) -> JsonNode:
    """The object itself, without an envelope around it."""
    node = root
    while not _has_attributes(node):
        inner = node.of_kind("object")
        named = [child for child in inner if child.name.lower() in _COLLECTIONS]
        if len(named) == 1:
            node = named[0]
        elif len(inner) == 1 and inner[0].size >= len(node.of_kind("value")):
            node = inner[0]
        else:
            break
    return node


def _at(node: JsonNode) -> str:
    return f"at {_text(node.path)}, " if node.path else ""


def _names(node: JsonNode) -> str:
    names = list(node.children)
    return ", ".join(repr(name) for name in names[:6]) + (", ..." if node.size > 6 else "")


def _text(path: tuple[str, ...]) -> str:
    return ".".join(path) or "$"
