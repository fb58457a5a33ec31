"""Paths in, those that differ by case only out: one of them is lost where case does not count.

Windows, macOS, Hive, Athena and DuckDB take ``1m`` and ``1M`` for one name; Linux and
object stores do not. What works in one place then fails, or overwrites, in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def case_clashes(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of *paths*, or of folders on the way to them, that are two only by their case.

    Each pair once, as deep as its difference.
    """
    by_fold: dict[str, str] = {}
    told: set[str] = set()
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            place = "/".join(parts[:depth])
            other = by_fold.setdefault(place.casefold(), place)
            if other != place:
                if place not in told:
                    told.add(place)
                    yield other, place
                break  # whatever lies inside differs with it
