"""A valid JSON text in, the members of an object in it out, by their places: nothing is decoded.

A text with a million numbers, keys or escapes becomes many times as large when it is decoded;
here it costs only the memory of one name. The caller has validated the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import count, islice

MAX_MEMBERS = 10_000
MAX_TEXT_BYTES = 4 * 1024

_SPACE = rb"[ \t\r\n]*+"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT = rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+"
"""Everything between two brackets."""
_LEAF = rb"(?:\[" + _FLAT + rb"\]|\{" + _FLAT + rb"\})"
"""An array or object without another one in it: the regular expression skips it at once."""

_SCALAR = _STRING + rb"|[^\[{,\]} \t\r\n][^,\]} \t\r\n]*+"
_MEMBER = re.compile(
    rb"[{,]"
    + _SPACE
    + rb"("
    + _STRING
    + rb")"
    + _SPACE
    + rb":"
    + _SPACE
    + rb"("
    + _SCALAR
    + rb")?+",
    re.DOTALL,
)
_ELEMENT = re.compile(rb"[\[,]" + _SPACE + rb"(?!\])(" + _SCALAR + rb")?+", re.DOTALL)
_BRACKET = re.compile(
    rb'(?:[^"\[\]{}]++|' + _STRING + rb"|" + _LEAF + rb")*+(?:([\[{])|([\]}]))", re.DOTALL
)
_BEHIND = re.compile(_SPACE)
_OPENING = 1  # the group of _BRACKET
_WITH_SCALAR = 2  # that of _MEMBER


def object_members(text: bytes, start: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, as JSON, and the range of the value of each member of an object.

    *start* is where its ``{`` is. A name that occurs twice is yielded twice.
    """
    at = start
    while (member := _MEMBER.match(text, at)) is not None:
        is_scalar = member.lastindex == _WITH_SCALAR
        begin = member.start(_WITH_SCALAR) if is_scalar else member.end()
        end = member.end() if is_scalar else _closing(text, begin)
        yield member[1], begin, end
        at = _behind(text, end)


def array_elements(text: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
    """Yield the range of each element of an array, whose ``[`` is at *start*."""
    at = start
    while (element := _ELEMENT.match(text, at)) is not None:
        begin = element.end() if element[1] is None else element.start(1)
        end = element.end() if element[1] is not None else _closing(text, begin)
        yield begin, end
        at = _behind(text, end)


def decode_scalars(text: bytes, decode: Callable[[bytes], object]) -> dict[str, object]:
    """The members of an object, each of them *decode*d, and those of objects inside.

    Without arrays, long texts and what comes after ``MAX_MEMBERS``: so it takes little memory.
    """
    return _scalars(text, 0, decode, count())


def _scalars(
    text: bytes, start: int, decode: Callable[[bytes], object], counter: Iterator[int]
) -> dict[str, object]:
    scalars: dict[str, object] = {}
    for member, begin, end in object_members(text, start):
        if next(counter) >= MAX_MEMBERS:
            break
        if len(member) > MAX_TEXT_BYTES or text[begin : begin + 1] == b"[":
            continue
        if text[begin : begin + 1] == b"{":
            scalars[decode_name(member)] = _scalars(text, begin, decode, counter)
        elif end - begin <= MAX_TEXT_BYTES:
            scalars[decode_name(member)] = decode(text[begin:end])
    return scalars


def has_more_elements(text: bytes, than: int) -> bool:
    """Whether the array or object *text* has more elements or members *than* that."""
    if text.count(b",") < than:
        return False
    is_object = text.startswith(b"{")
    inside: Iterator[object] = object_members(text) if is_object else array_elements(text)
    return next(islice(inside, than, None), None) is not None


def decode_name(name: bytes) -> str:
    """The name that *name* is in JSON."""
    return str(json.loads(name)) if b"\\" in name else name[1:-1].decode()


def _closing(text: bytes, start: int) -> int:
    """Where the object or array that begins at *start* ends."""
    depth = 1
    for bracket in _BRACKET.finditer(text, start + 1):
        depth += 1 if bracket.lastindex == _OPENING else -1
        if not depth:
            return bracket.end()
    return len(text)


def _behind(text: bytes, end: int) -> int:
    """Where the comma or bracket behind a value is."""
    if text[end : end + 1] in (b",", b"}", b"]"):
        return end
    space = _BEHIND.match(text, end)
    return space.end() if space else end
