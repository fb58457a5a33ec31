"""One value of a record, exactly as its source wrote it, and why it is refused."""

from __future__ import annotations

import json
import re
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation

Value = int | float | bool | str | Decimal | None
"""A value as its column holds it; times are integers in the unit of their column."""

EXACT = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN)

_DESCRIBED_CHARACTERS = 40
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class InvalidValueError(Exception):
    """A record or value does not fit; the message is the reason that the quarantine keeps."""


class CoarseColumnError(Exception):
    """A value is right, and finer than its column: the feed must say so, the record need not."""


class NumberText(str):
    """A JSON number, as its own text."""

    __slots__ = ()


def number_text(value: object) -> str:
    """The text of a number, written as a JSON number or as text; ``InvalidValueError`` if none."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise InvalidValueError("is not a number")
    return value


def scaled_integer(value: object, *, digits: int, scale: int, type_name: str) -> int:
    """The number *value* times ten to the power of *scale*, exactly, in at most *digits* digits."""
    try:
        number = Decimal(number_text(value))
    except InvalidOperation:
        raise InvalidValueError("has an exponent out of range") from None
    if not number:
        return 0
    if number.adjusted() + 1 + scale > digits:
        raise InvalidValueError(f"is too large for {type_name}")
    quantized = number.quantize(Decimal((0, (1,), -scale)), context=EXACT)
    if quantized != number:
        raise InvalidValueError(f"has more digits after the point than {type_name} holds")
    return int(quantized.scaleb(scale, context=EXACT))


def describe(value: object) -> str:
    """What a value is, and how it begins: for the reader of the quarantine."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    is_number = isinstance(value, NumberText)
    if isinstance(value, str):
        value = value[: _DESCRIBED_CHARACTERS + 1]  # a long one is not copied
    text = str(value) if is_number else json.dumps(value)
    return text if len(text) <= _DESCRIBED_CHARACTERS else f"{text[:_DESCRIBED_CHARACTERS]}..."
