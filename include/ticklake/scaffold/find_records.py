"""Where the records of a body are, and in what form; or what the body is instead of records."""

from __future__ import annotations

from collections.abc import Collection

from include.ticklake.errors import SourceRefusedError
from include.ticklake.scaffold.find_maps import (
    is_instrument,
    is_map,
    is_map_of_values,
    is_plain_name,
    key_name,
)
from include.ticklake.scaffold.json_shape import JsonNode
from include.ticklake.scaffold.name_words import words
from include.ticklake.scaffold.no_records import refuse_no_records
from include.ticklake.scaffold.record_form import ONE_VALUE, RecordForm, path_text
from include.ticklake.scaffold.record_names import COLLECTIONS, ENVELOPE, SIDES, WRAPPERS
from include.ticklake.scaffold.reported_error import is_error_name, reported_error

_ENTITY_SCALARS = 5
_MANY_COLUMNS = 3


def find_records(root: JsonNode, *, url_values: Collection[str] = ()) -> RecordForm:
    """The records as a feed describes them; what only a sample shows is left open.

    *url_values* are the values in the request: a name that is one of them is an instrument.
    Raises ``SourceRefusedError`` that says what the body is, where it has no records.
    """
    arrays = [
        node
        for node in root.walk()
        if node.kind == "array" and node.rows and not any(map(is_error_name, node.path))
    ]
    if not arrays and (message := reported_error(root)) is not None:
        raise SourceRefusedError(f"the body reports an error: {message}; correct the request")
    book = next((node for node in root.walk() if _is_order_book(node)), None)
    if book:
        return _arrays_by_name(book, root, url_values, key_as="side", reason="an order book")
    holder = next((node for node in root.walk() if is_map(node, arrays, url_values)), None)
    entity = next((node for node in root.walk() if _is_entity(node, arrays, holder)), None)
    if holder and not entity:
        return _map(holder, root, url_values)
    if columnar := next((node for node in root.walk() if columns_in(node)), None):
        return _columns(columnar, root, url_values)
    if entity or not arrays:
        return _one_object(root, entity, arrays, url_values)
    if holder := _side_by_side(arrays, root):
        return _arrays_by_name(holder, root, url_values, reason="arrays side by side")
    return RecordForm(records=_path(_largest(arrays), root, url_values))


def form_at(root: JsonNode, path: str) -> RecordForm:
    """The form of the records at *path*, which the user named."""
    names = [] if path == "$" else path.split(".")
    reason = "as you named them"
    if not {"*", "item"} & set(names):
        node = next((node for node in root.walk() if list(node.path) == names), None)
        if node and node.kind == "object":
            if columns_in(node):
                return _columns(node, root, ())
            return RecordForm(records=path, shape="object", reason=reason)
    if names[-1:] == ["*"]:
        parent = next((node for node in root.walk() if list(node.path) == names[:-1]), root)
        if not parent.of_kind("array"):
            columns = None if parent.of_kind("object") else [ONE_VALUE]
            return RecordForm(
                records=path, shape="object", key_as=key_name(parent), columns=columns,
                reason=reason,
            )  # fmt: skip
        return RecordForm(records=path, key_as="name", reason=reason)
    return RecordForm(records=path, reason=reason)


def _is_order_book(node: JsonNode) -> bool:
    names = {
        child.name.lower(): child
        for child in node.of_kind("array")
        if not is_error_name(child.name)
    }
    others = [child for child in names.values() if child.size and not child.rows]
    return not others and any(
        sides == set(names) and any(names[side].rows for side in sides) for sides in SIDES
    )


def _arrays_by_name(
    node: JsonNode,
    root: JsonNode,
    url_values: Collection[str],
    *,
    key_as: str = "name",
    reason: str,
) -> RecordForm:
    """All arrays in *node*, each with its name in its records."""
    path = path_text([*_names(node, root, url_values), "*"])
    return RecordForm(records=path, key_as=key_as, reason=f"{reason}, whose names are {key_as}")


def _map(holder: JsonNode, root: JsonNode, url_values: Collection[str]) -> RecordForm:
    names = ", ".join(repr(name) for name in list(holder.children)[:3])
    more = ", ..." if holder.size > 3 else ""
    if not holder.of_kind("object") and holder.of_kind("array"):
        reason = f"a map of arrays, one for each of {names}{more}"
        return _arrays_by_name(holder, root, url_values, key_as=key_name(holder), reason=reason)
    is_plain = not holder.of_kind("object")
    return RecordForm(
        records=path_text([*_names(holder, root, url_values), "*"]),
        shape="object",
        key_as=key_name(holder),
        columns=[ONE_VALUE] if is_plain else None,
        reason=f"a map, with a record for each of {names}{more}",
    )


def columns_in(node: JsonNode) -> list[str]:
    """The names of arrays of plain values of one length in *node*, if they are columns."""
    if node.kind != "object" or any(child.rows for child in node.of_kind("array")):
        return []
    plain = [child for child in node.of_kind("array") if child.size]
    if len(plain) < 2:
        return []
    sizes = [child.size for child in plain]
    size = max(sizes, key=sizes.count)
    names = [child.name for child in plain if child.size == size]
    if len(names) < 2 or any(set(map(str.lower, names)) <= sides for sides in SIDES):
        return []
    if size > 1 and len(names) >= _MANY_COLUMNS:
        return names
    # Two lists, or columns with one value each, are columns only where there is nothing else.
    others = node.size - len(names)
    is_all = len(names) == len(node.of_kind("array"))
    return names if is_all and others <= (1 if size == 1 or len(names) == 2 else 3) else []


def _columns(node: JsonNode, root: JsonNode, url_values: Collection[str]) -> RecordForm:
    names = columns_in(node)
    is_all = len(names) == len(node.of_kind("array")) and node.size == len(node.children)
    return RecordForm(
        records=path_text(_names(node, root, url_values, is_any=False)),
        shape="columns",
        columns=None if is_all else names,
        reason=f"arrays of one length: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}",
    )


def _is_entity(node: JsonNode, arrays: list[JsonNode], holder: JsonNode | None) -> bool:
    """Whether *node* is one thing with many attributes, some of which are arrays or a map."""
    if not has_attributes(node) or node is holder:
        return False
    if holder:
        return holder.path[: len(node.path)] == node.path
    inside = [array for array in arrays if array.path[: len(node.path)] == node.path]
    return bool(inside) and not COLLECTIONS.intersection(words(".".join(_largest(inside).path)))


def has_attributes(node: JsonNode) -> bool:
    """Whether *node* has more scalars than what stands around records usually."""
    return _attributes(node) >= _ENTITY_SCALARS


def _attributes(node: JsonNode) -> int:
    named = [set(words(child.name)) for child in node.of_kind("value")]
    return sum(not name & ENVELOPE for name in named)


def _one_object(
    root: JsonNode, entity: JsonNode | None, arrays: list[JsonNode], url_values: Collection[str]
) -> RecordForm:
    """One object as a record, or the only list of plain values."""
    if not entity:
        things = [root, *root.of_kind("object")]
        refuse_no_records(root, is_thing=any(map(has_attributes, things)))
        lists = [node for node in root.walk() if node.kind == "array" and node.size]
        plain = [node for node in lists if not is_error_name(node.name)]
        if root.kind == "array" or (len(plain) == 1 and plain[0].size > 3 and _is_alone(plain[0])):
            return RecordForm(
                records=_path(plain[0], root, url_values), columns=[ONE_VALUE],
                reason="an array of plain values",
            )  # fmt: skip
    inner = entity or _unwrapped(root)
    if is_map_of_values(inner):
        return _map(inner, root, url_values)
    inside = ", ".join(path_text(array.path) for array in arrays[:3])
    other = f"; for an array inside it, name it with --records: {inside}" if inside else ""
    path = _names(inner, root, url_values, is_any=False)
    return RecordForm(records=path_text(path), shape="object", reason=f"one object{other}")


def _is_alone(array: JsonNode) -> bool:
    return array.name.lower() in COLLECTIONS


def _side_by_side(arrays: list[JsonNode], root: JsonNode) -> JsonNode | None:
    """The object of several arrays of records, none of which is more than the others.

    It holds nothing else, or two of them are of one size; none is called as records are.
    """
    largest = _largest(arrays)
    holder = next(n for n in root.walk() if n.path == largest.path[:-1])
    own = [child for child in holder.children.values() if child in arrays]
    plain = [child for child in holder.of_kind("array") if child.size and not child.rows]
    wrappers = [child for child in own if child.name.lower() in WRAPPERS]
    if len(own) < 2 or plain or len(wrappers) == 1 or holder.size > len(holder.children):
        return None
    ties = [child for child in own if child.rows == largest.rows > 1]
    is_all = len(own) == len(arrays) and holder.size == len(own)
    return holder if is_all or len(ties) > 1 else None


def _largest(arrays: list[JsonNode]) -> JsonNode:
    """The array with the most records; of several, one that is called as records are."""
    most = max(array.rows for array in arrays)
    best = [array for array in arrays if array.rows == most]
    return next((array for array in best if array.name.lower() in COLLECTIONS), best[0])


def _path(array: JsonNode, root: JsonNode, url_values: Collection[str]) -> str:
    return path_text(_names(array, root, url_values))


def _names(
    node: JsonNode, root: JsonNode, url_values: Collection[str], *, is_any: bool = True
) -> list[str]:
    """The path of *node*; the name of an instrument, which differs by slice, is any name."""
    names, at = [], root
    for name in node.path:
        siblings = sum(1 for child in at.children.values() if child.kind == at.children[name].kind)
        at = at.children[name]
        is_one_of_many = is_any and siblings < 2 and is_instrument(name, url_values)
        is_one_of_many = is_one_of_many and "." not in name
        names.append("*" if is_one_of_many or not is_plain_name(name) else name)
    return names


def _is_thing(inner: JsonNode, around: JsonNode) -> bool:
    """Whether *inner* is what the body is about, rather than a part of it such as a volume."""
    is_larger = inner.size >= len(around.of_kind("value"))
    return is_larger and (_attributes(around) < 2 or is_map_of_values(inner))


def _unwrapped(root: JsonNode) -> JsonNode:
    """The object itself, without an envelope around it."""
    node = root
    while not has_attributes(node) and not is_map_of_values(node):
        inner = node.of_kind("object")
        named = [child for child in inner if child.name.lower() in COLLECTIONS and child.size]
        if len(named) == 1:
            node = named[0]
        elif len(inner) == 1 and _is_thing(inner[0], node):
            node = inner[0]
        else:
            break
    return node
