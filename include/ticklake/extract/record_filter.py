"""A feed's ``where``: which records are to be stored.

Only a value that is not listed drops a record. One that lacks the name is kept: where a source
renames it, nothing is lost without a word.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from include.ticklake.feed.wanted_values import Wanted
from include.ticklake.model import json_path
from include.ticklake.model.record import Record
from include.ticklake.types.boolean import truth_of
from include.ticklake.types.null_values import NullValues
from include.ticklake.types.values import NumberText

_REMEMBERED = 1_000
"""Texts of one name: most have a few."""
_LONGEST = 1_000
"""A longer one is not remembered."""

_LITERALS = (b"true", b"false")


def record_filter(
    where: Mapping[str, Sequence[Wanted]], *, keeps_lacking: bool = True
) -> Callable[[Record], bool] | None:
    """Whether a record has what *where* lists; None where all are to be stored."""
    if not where:
        return None
    checks = [
        (json_path.finder(path.split(".")), _matcher(values)) for path, values in where.items()
    ]

    def is_wanted(record: Record) -> bool:
        for find, matches in checks:
            value = find(record)
            if value is None:
                if not keeps_lacking:
                    return False
            elif not matches(bytes(value)):
                return False
        return True

    return is_wanted


def _matcher(values: Sequence[Wanted]) -> Callable[[bytes], bool]:
    """Whether a JSON value is one of *values*: a text to the letter, a number if it is equal."""
    truths = {value for value in values if isinstance(value, bool)}
    others = [value for value in values if isinstance(value, str | int | float)]
    listed = NullValues.of(
        [value for value in others if not isinstance(value, bool)],
        is_numeric=False,
        blank_is_null=False,
    )
    wants_null = None in values

    def matches(text: bytes) -> bool:
        if text == b"null":
            return wants_null
        if text[:1] in (b"{", b"["):
            return False
        if truths and truth_of(_decoded(text)) in truths:
            return True
        return text not in _LITERALS and listed.matches_json(text)

    remembered = lru_cache(_REMEMBERED)(matches)
    return lambda text: remembered(text) if len(text) < _LONGEST else matches(text)


def _decoded(text: bytes) -> object:
    if text in _LITERALS:
        return text == b"true"
    return json.loads(text) if text.startswith(b'"') else NumberText(text.decode())
