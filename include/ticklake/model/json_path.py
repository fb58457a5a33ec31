"""The value at ``a.b.c`` of a JSON record: it alone is decoded, the rest is skipped.

A number in a path, but for the first name, is a position where there is an array: ``bids.0.1``.
Half of a surrogate pair anywhere in a record makes no difference to what is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import islice
from operator import attrgetter
from typing import Any

import msgspec

from include.ticklake.model import surrogates
from include.ticklake.model.json_members import array_elements
from include.ticklake.model.surrogates import Restore


def type_with(path: Sequence[str], kind: Any = msgspec.Raw) -> Any:  # noqa: ANN401 - msgspec's types
    """A type for ``msgspec`` that holds the value at *path*, as *kind*, and skips all else."""
    for name in reversed(path):
        struct = msgspec.defstruct("At", [("value", kind, None)], rename={"value": name})
        kind = struct | None
    return kind


def value_in(decoded: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - any JSON
    """The value at *path* of what was *decoded* as ``type_with``; None where there is none."""
    for _ in path:
        if decoded is None:
            return None
        decoded = decoded.value
    return decoded


def finder(path: Sequence[str], kind: Any = msgspec.Raw) -> Callable[[bytes | msgspec.Raw], Any]:  # noqa: ANN401
    """A function that reads the value at *path* of a record, as *kind*.

    None where there is none, or another kind, or where the record is not readable. Texts
    (``msgspec.Raw``) come as the record has them, to the byte.
    """
    if has_positions(path):
        first = next(at for at, name in enumerate(path) if at and is_position(name))
        return _inside(finder(path[:first]), _in_any_value(tuple(path[first:]), kind))
    decode = _decoder(tuple(path), kind)

    def find(record: bytes | msgspec.Raw, restore: Restore | None = None) -> Any:  # noqa: ANN401
        try:
            value = decode(record)
            for _ in path:  # as value_in, without a call for each record
                if value is None:
                    return None
                value = value.value
        except (msgspec.MsgspecError, RecursionError):
            text = bytes(record)
            clean, restore = surrogates.mask_lone_surrogates(text)
            return None if clean is text else find(clean, restore)
        return (
            msgspec.Raw(restore(bytes(value)))
            if restore and kind is msgspec.Raw and value
            else value
        )

    return find


def block_finder(path: Sequence[str]) -> Callable[[Sequence[msgspec.Raw]], list[int] | None]:
    """A function that reads the integer at *path* of each record of a block, at once.

    None where one of them has none there or cannot be read: ask ``finder`` for each record then.
    """
    if has_positions(path):
        return lambda _: None
    decode = _block_decoder(tuple(path))
    value_of = attrgetter(".".join(["value"] * len(path)))

    def find_all(block: Sequence[msgspec.Raw]) -> list[int] | None:
        try:
            values = list(map(value_of, decode(b"[" + b",".join(block) + b"]")))
        except (msgspec.MsgspecError, RecursionError, AttributeError):
            return None
        return values if len(values) == len(block) and set(map(type, values)) == {int} else None

    return find_all


@lru_cache(maxsize=10_000)
def _block_decoder(path: tuple[str, ...]) -> Callable[[Any], list[Any]]:
    decode: Callable[[Any], list[Any]] = msgspec.json.Decoder(
        list[type_with(path, int | str | None)]  # type: ignore[misc]  # made for this path
    ).decode
    return decode


@lru_cache(maxsize=10_000)
def _decoder(path: tuple[str, ...], kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    """A decoder of the value at *path*: its types are classes, of 30 kB, so they are made once."""
    decode: Callable[[Any], Any] = msgspec.json.Decoder(type_with(path, kind)).decode
    return decode


def is_position(name: str) -> bool:
    """Whether *name* may be a position in an array, counted from 0."""
    return name.isascii() and name.isdecimal() and str(int(name[:9])) == name


def has_positions(path: Sequence[str]) -> bool:
    """Whether *path* may lead into an array; a record is none, so its own names are names."""
    return any(map(is_position, path[1:]))


def step(value: object, name: str) -> object:
    """The value at *name* of a decoded *value*; None where there is none."""
    if isinstance(value, list) and is_position(name):
        return value[int(name)] if int(name) < len(value) else None
    return value.get(name) if isinstance(value, dict) else None


def _inside(find: Callable[[Any], Any], then: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def both(record: bytes | msgspec.Raw) -> Any:  # noqa: ANN401 - any JSON
        value = find(record)
        return None if value is None else then(value)

    return both


@cache
def _in_any_value(path: tuple[str, ...], kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    """A function that reads the value at *path* of an array, an object or, at its end, anything."""
    if not path:
        return msgspec.Raw if kind is msgspec.Raw else _kind_reader(kind)
    in_object = finder(path, kind)
    if not is_position(path[0]):
        return in_object
    position, in_element = int(path[0]), _in_any_value(path[1:], kind)

    def read(value: bytes | msgspec.Raw) -> Any:  # noqa: ANN401
        text = bytes(value)
        if not text.startswith(b"["):
            return in_object(text)
        element = next(islice(array_elements(text), position, None), None)
        return element and in_element(text[slice(*element)])

    return read


def _kind_reader(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - msgspec's types
    decode = msgspec.json.Decoder(kind).decode

    def read(value: bytes | msgspec.Raw) -> Any:  # noqa: ANN401
        try:
            return decode(value)
        except msgspec.MsgspecError:
            return None

    return read
