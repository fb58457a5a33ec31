"""A captured value as the JSON text that the source sent, for values that go back to it."""

from __future__ import annotations

import json
from decimal import Decimal

_MAX_EXPONENT = 400


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
