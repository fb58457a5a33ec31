"""What a feed's parameters and JSON bodies become with the values of a unit.

In a body, a text that is nothing but a number of the window is sent as a number. ``:s`` after the
name sends it as text, and ``:d`` sends a slice's value as a number: ``{pool:d}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from include.ticklake.errors import UsageError
from include.ticklake.feed.placeholders import is_template, only_placeholder, render
from include.ticklake.feed.window_values import NUMBER_NAMES
from include.ticklake.model.param_values import plain_text

_INTEGER = re.compile(r"-?\d{1,4000}", re.ASCII)
_EMPTY = object()
"""In place of a value that is left out."""


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


def number_name(text: str) -> str | None:
    """The name in *text* where that is nothing but a placeholder which a body sends as a number."""
    name, form = only_placeholder(text)
    return name if form == "d" or (not form and name in NUMBER_NAMES) else None


def is_integer(text: str) -> bool:
    """Whether a slice's value *text* can be sent as a number."""
    return _INTEGER.fullmatch(text) is not None


def _filled(text: str, values: Mapping[str, str]) -> str | None:
    """*text* with its values; None where they leave nothing of it."""
    return render(text, values) or (None if text else "")


def _number(text: str, template: str) -> object:
    if text and not is_integer(text.replace(".", "", 1)):
        raise UsageError(
            f"source.body: {template!r} would send {text!r}, which is not a whole number; leave "
            "the :d out, or correct that value of the slice"
        )
    return (Decimal(text) if "." in text else int(text)) if text else _EMPTY
