"""The structure of a JSON body, in one pass over it: what is in arrays is counted, not kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Literal

import ijson

from include.ticklake.errors import MalformedPageError
from include.ticklake.model.record_path import PATH
from include.ticklake.scaffold.record_names import MESSAGE
from include.ticklake.sources.json.envelope import MAX_DIGITS

Kind = Literal["object", "array", "value"]

_LONG_NUMBER = re.compile(rb"\d{%d}" % (MAX_DIGITS + 1))
_MAX_NODES = 20_000
_MAX_CHILDREN = 300
_MAX_VALUES = 5


@dataclass(slots=True, kw_only=True)
class JsonNode:
    """A value of the body outside all records, with what is below it."""

    kind: Kind
    path: tuple[str, ...] = ()
    value: object = None
    """Of a scalar."""
    children: dict[str, JsonNode] = field(default_factory=dict)
    """Of an object: the first of its members."""
    size: int = 0
    """Members of an object, elements of an array."""
    rows: int = 0
    """Elements of an array that are objects or arrays."""
    values: list[object] = field(default_factory=list)
    """The first plain elements of an array."""
    messages: list[object] = field(default_factory=list)
    """What the first elements of an array call their message: an array of errors has no other."""

    @property
    def name(self) -> str:
        """Its own name; empty for the whole body."""
        return self.path[-1] if self.path else ""

    @property
    def is_reachable(self) -> bool:
        """Whether a feed can name its path: names with blanks it cannot."""
        return re.fullmatch(PATH, ".".join(self.path)) is not None

    def walk(self) -> Iterator[JsonNode]:
        """This node and all below it, each before what it holds."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def of_kind(self, kind: Kind) -> list[JsonNode]:
        """The members of that kind."""
        return [child for child in self.children.values() if child.kind == kind]

    def scalars(self) -> dict[str, object]:
        """Path -> value of all scalars outside arrays that a feed's path reaches."""
        nodes = (node for node in self.walk() if node.kind == "value")
        return {".".join(node.path): node.value for node in nodes if node.is_reachable}


def read_shape(body: IO[bytes]) -> JsonNode:
    """The structure of the whole body; raises ``MalformedPageError`` where it is not JSON."""
    body.seek(0)
    builder = _Builder()
    try:
        for _, event, value in ijson.parse(_BoundedNumbers(body)):
            builder.add(event, value)
    except (ijson.JSONError, ValueError, ArithmeticError, RecursionError):
        builder.root = None
    if builder.root is None:
        problem = "not JSON, or ended early" if body.tell() else "empty"
        raise MalformedPageError(f"the body is {problem}")
    return builder.root


class _BoundedNumbers:
    """A body without endless numbers: ijson crashes the interpreter over them."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body, self._end = body, b""

    def read(self, size: int) -> bytes:
        """The next bytes; ``MalformedPageError`` where a number in them is too long."""
        chunk = self._body.read(size)
        seen = self._end + chunk
        if _LONG_NUMBER.search(seen):
            raise MalformedPageError(f"the body has a number of more than {MAX_DIGITS} digits")
        self._end = seen[-MAX_DIGITS:]
        return chunk


class _Builder:
    """Makes the tree from ijson's events; below an outermost array it only counts."""

    def __init__(self) -> None:
        self.root: JsonNode | None = None
        self._open: list[JsonNode] = []
        self._key = ""
        self._nodes = 0
        self._depth_in_array = 0

    def add(self, event: str, value: object) -> None:
        if self._open and self._open[-1].kind == "array":
            self._add_to_array(self._open[-1], event, value)
        elif event == "map_key":
            self._key = str(value)
        elif event in ("end_map", "end_array"):
            self._open.pop()
        elif event == "start_map":
            self._open.append(self._node("object"))
        elif event == "start_array":
            self._open.append(self._node("array"))
        else:
            self._node("value", value)

    def _node(self, kind: Kind, value: object = None) -> JsonNode:
        if self.root is None:
            self.root = JsonNode(kind=kind, value=value)
            return self.root
        parent = self._open[-1]
        parent.size += 1
        node = JsonNode(kind=kind, path=(*parent.path, self._key), value=value)
        if self._has_room(parent, kind):
            parent.children[self._key] = node
            self._nodes += 1
        return node

    def _has_room(self, parent: JsonNode, kind: Kind) -> bool:
        """Whether a member is kept; behind a map's first ones, only those of another kind."""
        if self._nodes >= _MAX_NODES or len(parent.children) >= 2 * _MAX_CHILDREN:
            return False
        return len(parent.children) < _MAX_CHILDREN or kind != self._first_kind(parent)

    @staticmethod
    def _first_kind(parent: JsonNode) -> Kind:
        return next(iter(parent.children.values())).kind

    def _add_to_array(self, array: JsonNode, event: str, value: object) -> None:
        if event in ("start_map", "start_array"):
            if self._depth_in_array == 0:
                array.rows += 1
                array.size += 1
            self._depth_in_array += 1
        elif event in ("end_map", "end_array"):
            if self._depth_in_array == 0:
                self._open.pop()
            else:
                self._depth_in_array -= 1
        elif event == "map_key":
            self._key = str(value)
        elif self._depth_in_array == 0:
            array.size += 1
            if len(array.values) < _MAX_VALUES:
                array.values.append(value)
        elif (
            self._depth_in_array == 1
            and self._key.lower() in MESSAGE
            and len(array.messages) < _MAX_VALUES
        ):
            array.messages.append(value)
