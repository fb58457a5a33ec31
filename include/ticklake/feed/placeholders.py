"""Placeholders such as ``{symbol}``, which bring the slice and the window into a request.

Besides the names of the feed's slices there are ``start_X``, ``end_X`` (exclusive) and
``last_X`` (the last instant of the window), ``before_X`` (the last instant before) with X one of
s, ms, us, ns; and ``start_iso``, ``end_iso``.

In a JSON body, a text that is nothing but a number of that kind is sent as a number. ``:s`` after
the name sends it as text, and ``:d`` sends a slice's value as a number: ``{pool:d}``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

from include.ticklake.errors import FeedFileError, UsageError, did_you_mean
from include.ticklake.model.param_values import plain_text
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

NUMBER_NAMES = frozenset(
    f"{end}_{unit}" for end in ("start", "end", "last", "before") for unit in UNIT_NS
)
WINDOW_NAMES = NUMBER_NAMES | {"start_iso", "end_iso"}

_NAME = re.compile(r"\{(?P<name>\w+)(?::(?P<form>[ds]))?\}")
_BRACES = re.compile(r"\{+[^{}]*\}*|\}")
_INTEGER = re.compile(r"-?\d{1,4000}", re.ASCII)
_MAX_LISTED = 10
_MAX_JSON_DEPTH = 50
_JSON = re.compile(r'\{\s*"[^{}]*\}')


def placeholder_names(text: str) -> set[str]:
    """The names of the placeholders in *text*."""
    return {match["name"] for match in _NAME.finditer(text)}


def check_placeholders(text: str, known: Collection[str]) -> None:
    """Raise ``ValueError`` for every brace in *text* but those of placeholders in *known*.

    Braces of JSON are not placeholders: ``{"symbol": "{symbol}"}``.
    """
    for match in _NAME.finditer(text):
        if match["name"] not in known:
            hint = did_you_mean(match["name"], known) or f"; known: {_listed(known)}"
            raise ValueError(f"unknown placeholder {match['name']!r} in {text!r}{hint}")
    if other := _other_braces(text):
        raise ValueError(
            f"{other!r} in {text!r} is not a placeholder, which is a name in braces and takes no "
            f"format; known: {_listed(known)}"
        )


def is_template(text: str) -> bool:
    """Whether placeholders are filled in *text* of a body: no other braces are there.

    ``query { trades { id } }`` is GraphQL, and sent as it is.
    """
    return not _other_braces(text)


def check_body_text(text: str, known: Collection[str]) -> None:
    """As ``check_placeholders``; but a text with other braces is one to be sent as it is."""
    if is_template(text):
        check_placeholders(text, known)
    elif names := placeholder_names(text) & set(known):
        name = min(names)
        raise ValueError(
            f"{{{name}}} is not filled in, since the text has other braces; send the value in a "
            f"text of its own, such as a variable, or write {{ {name} }} where no value is meant"
        )


def _other_braces(text: str) -> str:
    """The first brace of *text*, and what is in it, that is neither a placeholder nor JSON."""
    rest = _NAME.sub("", text)
    for _ in range(_MAX_JSON_DEPTH):  # each round removes the innermost braces
        without_json = _JSON.sub("", rest)
        if without_json == rest:
            break
        rest = without_json
    if "{" not in rest and "}" not in rest:
        return ""
    braces = (match[0] for match in _BRACES.finditer(text))
    return next((part for part in braces if not _NAME.fullmatch(part)), text)


def _listed(names: Collection[str]) -> str:
    shown = [f"{{{name}}}" for name in islice(names, _MAX_LISTED)]
    return ", ".join(shown + ["..."] * (len(names) > _MAX_LISTED)) or "none"


def render(text: str, values: Mapping[str, str]) -> str:
    """*text* with every ``{name}`` replaced by its value."""
    try:
        return _NAME.sub(lambda match: values[match["name"]], text)
    except KeyError as unknown:
        known = ", ".join(sorted(values))
        raise FeedFileError(
            f"unknown placeholder {unknown.args[0]!r} in {text!r}; known: {known}"
        ) from None


def render_param(value: Any, values: Mapping[str, str]) -> str | list[str] | None:  # noqa: ANN401
    """A parameter as it is sent; None where it is left out: null, or left empty by its values."""
    if isinstance(value, list):
        texts = [render_param(one, values) for one in value]
        return [text for text in texts if isinstance(text, str)] or None
    if not isinstance(value, str):
        return None if value is None else plain_text(value)
    return _filled(value, values)


def render_body(value: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """A JSON body with its placeholders filled; members that their values leave empty are gone."""
    if isinstance(value, list):
        return [one for item in value if (one := render_body(item, values)) is not _EMPTY]
    if isinstance(value, dict):
        members = {name: render_body(item, values) for name, item in value.items()}
        return {name: item for name, item in members.items() if item is not _EMPTY}
    if not isinstance(value, str) or not is_template(value):
        return value
    if number_name(value):
        return _number(render(value, values), value)
    filled = _filled(value, values)
    return _EMPTY if filled is None else filled


_EMPTY = object()
"""In place of a value that is left out."""


def _filled(text: str, values: Mapping[str, str]) -> str | None:
    """*text* with its values; None where they leave nothing of it."""
    return render(text, values) or (None if text else "")


def number_name(text: str) -> str | None:
    """The name in *text* where that is nothing but a placeholder which a body sends as a number."""
    alone = _NAME.fullmatch(text)
    if alone is None or alone["form"] == "s":
        return None
    return alone["name"] if alone["form"] == "d" or alone["name"] in NUMBER_NAMES else None


def is_integer(text: str) -> bool:
    """Whether a slice's value *text* can be sent as a number."""
    return _INTEGER.fullmatch(text) is not None


def _number(text: str, template: str) -> object:
    if text and not is_integer(text):
        raise UsageError(
            f"source.body: {template!r} would send {text!r}, which is not a whole number; leave "
            "the :d out, or correct that value of the slice"
        )
    return int(text) if text else _EMPTY


def window_values(window: Window) -> dict[str, str]:
    """The bounds of *window* by name, in every unit."""
    iso = "%Y-%m-%dT%H:%M:%SZ"
    values = {"start_iso": f"{window.start:{iso}}", "end_iso": f"{window.end:{iso}}"}
    for unit, unit_ns in UNIT_NS.items():
        start, end = (ms * 10**6 // unit_ns for ms in (window.start_ms, window.end_ms))
        values |= {f"start_{unit}": str(start), f"end_{unit}": str(end)}
        values |= {f"last_{unit}": str(end - 1), f"before_{unit}": str(start - 1)}
    return values
