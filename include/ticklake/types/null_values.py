"""Values that stand for no value, as ``null_values`` of a feed or field lists them.

A text is null where its content is in the list, to the letter. A number is null where it is equal
to a number in the list, however either is written: -1 and "-1.0" are. Where a type reads numbers
from text, that goes for such text, too; elsewhere a text is only its letters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Self

from include.ticklake.types.values import InvalidValueError, NumberText, number_text


@dataclass(frozen=True, slots=True)
class NullValues:
    """The list of one field, ready to compare."""

    texts: frozenset[str] = frozenset()
    numbers: tuple[Decimal, ...] = ()
    is_numeric: bool = False
    """Whether the type of the field reads numbers from text."""
    as_double: bool = False
    """Whether numbers are equal where their nearest doubles are."""

    @classmethod
    def of(
        cls,
        written: Iterable[str | float],
        *,
        is_numeric: bool,
        blank_is_null: bool,
        as_double: bool = False,
    ) -> Self:
        """The list as a feed writes it, and the empty text where that is null anyway."""
        texts = [value if isinstance(value, str) else repr(value) for value in written]
        numbers = [number for text in texts if (number := _number(text)) is not None]
        blank = [""] if blank_is_null else []
        return cls(frozenset([*texts, *blank]), tuple(numbers), is_numeric, as_double)

    def matches(self, value: object) -> bool:
        """Whether *value*, a JSON string or a ``NumberText``, stands for no value."""
        if not isinstance(value, str):
            return value is None
        is_number = isinstance(value, NumberText)
        if not is_number and value in self.texts:
            return True
        if not self.numbers or not (is_number or self.is_numeric):
            return False
        number = _number(value)
        if number is None:
            return False
        if self.as_double:
            return float(number) in map(float, self.numbers)
        return number in self.numbers

    def matches_json(self, text: bytes) -> bool:
        """Whether the JSON value *text* stands for no value; nothing at all does, too."""
        if not text or text == b"null":
            return True
        if text[:1] == b'"':
            return bool(self.texts) and self.matches(_content(text))
        return bool(self.numbers) and self.matches(NumberText(text.decode()))


def _content(text: bytes) -> str:
    return str(json.loads(text)) if b"\\" in text else text[1:-1].decode()


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(number_text(text))
    except (InvalidValueError, InvalidOperation):
        return None
