"""Values of a request as a feed file writes them: of parameters, and anywhere in a JSON body."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, JsonValue, WithJsonSchema

_Number = Annotated[float, Field(allow_inf_nan=False)]
_Scalar = str | int | bool | _Number | None
ParamValue = Annotated[
    _Scalar | list[_Scalar],
    WithJsonSchema({"type": ["string", "number", "boolean", "array", "null"]}),
]
"""Of a parameter: a list is sent as the parameter repeated, and null is left out."""

SentValue = ParamValue | Decimal
"""Of a parameter of paging, which may be a number with all of its digits."""

BodyValue = Annotated[
    dict[str, JsonValue] | list[JsonValue], WithJsonSchema({"type": ["object", "array"]})
]
"""A JSON body as YAML writes it."""

Path = tuple[str | int, ...]


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:  # noqa: ANN401 - any JSON
    """Yield every text in *value*, and where it is."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from texts(inner, (*path, number))


def names(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:  # noqa: ANN401 - any JSON
    """Yield every name of a member in *value*, and where it is."""
    items = enumerate(value) if isinstance(value, list) else ()
    for name, inner in value.items() if isinstance(value, dict) else items:
        if isinstance(name, str):
            yield (*path, name), name
        yield from names(inner, (*path, name))


def put(value: Any, place: str, new: object) -> Any:  # noqa: ANN401 - any JSON
    """*value* with *new* at the dotted path *place*; *value* itself does not change.

    Objects that are missing on the way are made; a number is an element of a list that is there.
    ``ValueError`` where the path leads through a text or a number, or past the end of a list.
    """
    name, _, rest = place.partition(".")
    if isinstance(value, list):
        if not name.isdecimal() or int(name) >= len(value):
            raise ValueError(f"{name!r} is not one of the {len(value)} elements of a list")
        at = int(name)
        inner = put(value[at], rest, new) if rest else new
        return [*value[:at], inner, *value[at + 1 :]]
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"{name!r} cannot be in {value!r}, which is not an object")
    members = value or {}
    return members | {name: put(members.get(name), rest, new) if rest else new}


def plain_text(value: str | int | float | Decimal | bool) -> str:
    """A value as a parameter of a query has it: ``true``, ``5``, ``0.0000001``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal):
        return f"{Decimal(repr(value)) if isinstance(value, float) else value:f}"
    return str(value)
