"""Names that differ by case only: one of them is lost where case does not count.

Windows, macOS, Hive, Athena and DuckDB take ``1m`` and ``1M`` for one name; Linux and
object stores do not. What works in one place then fails, or overwrites, in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def case_clashes(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of *paths*, or of folders on the way to them, that differ by case only.

    Each pair once, as deep as its difference.
    """
    by_fold: dict[str, str] = {}
    reported: set[str] = set()
    for path in paths:
        segments = path.split("/")
        for depth in range(1, len(segments) + 1):
            prefix = "/".join(segments[:depth])
            other = by_fold.setdefault(prefix.casefold(), prefix)
            if other != prefix:
                if prefix not in reported:
                    reported.add(prefix)
                    yield other, prefix
                break  # whatever lies inside differs with it


def name_clashes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of *names*, none of which is a path, that are equal or differ by case only."""
    by_fold: dict[str, str] = {}
    for name in names:
        fold = name.casefold()
        if fold in by_fold:
            yield by_fold[fold], name
        by_fold.setdefault(fold, name)
