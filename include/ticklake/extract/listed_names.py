"""The distinct values of a list that can name slices; others are left out, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import quote

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.placeholders import placeholder_names
from include.ticklake.feed.request_texts import fits_path
from include.ticklake.feed.slice_values import MAX_SLICES, check_slice_value
from include.ticklake.lake.list_rules import RefusedListError

LONGEST_BYTES = 200
"""Of a value as a folder's name: file systems end at 255, with the slice's own name before it."""
_REASONS_KEPT = 5


class ListedNames:
    """Values that name slices of *target*, in the order in which they came.

    *known* are those that it has or had: they win over others that differ by case only.
    """

    def __init__(self, target: Feed, slice_name: str, *, known: Iterable[str]) -> None:
        self.listed: list[str] = []
        self.left_out: list[str] = []
        """Why others cannot be names: the first few reasons."""
        self.left_out_rows = 0
        self._seen: set[str] = set()
        self._by_fold = {value.casefold(): value for value in known}
        self._fits = _address_check(target, slice_name)

    def add_all(self, values: Iterable[object]) -> None:
        """Take every one of *values*; ``RefusedListError`` where they are too many."""
        for value in values:
            try:
                self._add(value)
            except ValueError as error:
                self.left_out_rows += 1
                if len(self.left_out) < _REASONS_KEPT and str(error) not in self.left_out:
                    self.left_out.append(str(error))

    def _add(self, value: object) -> None:
        """Take *value*; ``ValueError`` says why it can name no slice."""
        text = str(value) if value is not None else ""
        if text in self._seen:
            return
        check_slice_value(text)
        if len(quote(text, safe="")) > LONGEST_BYTES:
            raise ValueError(f"{text[:40]!r} and more: longer than the name of a folder can be")
        if not self._fits(text):
            raise ValueError(f"{text!r} would change the address that is requested")
        other = self._by_fold.setdefault(text.casefold(), text)
        if other != text:
            raise ValueError(f"{text!r} and {other!r} differ by case only")
        if len(self.listed) >= MAX_SLICES:
            raise RefusedListError(
                f"it has more than {MAX_SLICES:,} values; choose fewer with `where`"
            )
        self._seen.add(text)
        self.listed.append(text)


def _address_check(target: Feed, name: str) -> Callable[[str], bool]:
    """A function that says whether a value of the slice *name* leaves the address as it is."""
    source = target.source
    if isinstance(source, FilesSource):
        return partial(source.fits_address, name)
    if isinstance(source, HttpSource) and name in placeholder_names(source.path):
        return partial(fits_path, source.path, name)
    return lambda _: True
