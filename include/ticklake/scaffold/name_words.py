"""The words in a name: ``startTimeMs``, ``start_time_ms`` and ``start[time]ms`` have the same."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(name: str) -> list[str]:
    """The words of *name* in lower case, numbers included."""
    return [word.lower() for word in _WORD.findall(name)]


def snake_case(name: str) -> str:
    """*name* as the name of a column: ``quotes.USD.24hVolume`` is ``quotes_usd_24h_volume``."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    snake = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")[:55] or "value"
    return snake if snake[0].isalpha() else f"value_{snake}"
