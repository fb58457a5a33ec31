"""A captured value as the JSON text that the source sent, for values that go back to it."""

from __future__ import annotations

import json
from decimal import Decimal

_MAX_EXPONENT = 400
_AS_JSON = "json:"


class JsonText(str):
    """The JSON of a captured value that is not a text: in a JSON body it goes back as it came."""

    __slots__ = ()

    @property
    def value(self) -> object:
        """What it is the JSON of, its numbers with their own digits."""
        return json.loads(self, parse_float=Decimal)


def write_cursor(cursor: str) -> str:
    """*cursor* as it is stored for another process: one that is JSON is marked as such."""
    if isinstance(cursor, JsonText):
        return f"{_AS_JSON}{cursor}"
    return f"{_AS_JSON}{json.dumps(cursor)}" if cursor.startswith(_AS_JSON) else cursor


def read_cursor(stored: str | None) -> str | None:
    """The cursor of which *stored* was written."""
    if stored is None or not stored.startswith(_AS_JSON):
        return stored
    text = JsonText(stored.removeprefix(_AS_JSON))
    return text.value if isinstance(text.value, str) else text


def json_text(value: object) -> str:
    """*value* as compact JSON, its numbers with their own digits."""
    if isinstance(value, Decimal):
        return _number_text(value)
    if isinstance(value, list):
        return f"[{','.join(map(json_text, value))}]"
    if isinstance(value, dict):
        pairs = (f"{json_text(name)}:{json_text(item)}" for name, item in value.items())
        return f"{{{','.join(pairs)}}}"
    return json.dumps(value, ensure_ascii=False)


def _number_text(number: Decimal) -> str:
    """All of its digits, without an exponent unless that is long: no source needs to read one."""
    exponent = number.as_tuple().exponent
    plain = isinstance(exponent, int) and abs(exponent) <= _MAX_EXPONENT
    return f"{number:f}" if plain else str(number)
