"""Rows of text in, aligned lines out: every table that the command line prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def format_row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """One line; a negative width aligns its cell to the right, as numbers are."""
    padded = (
        cell.ljust(width) if width >= 0 else cell.rjust(-width)
        for cell, width in zip(cells, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def format_table(rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = ()) -> Iterator[str]:
    """The lines of a table as wide as its cells; the columns *numbers* are aligned to the right."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for column in numbers:
        widths[column] *= -1
    for cells in table:
        yield format_row(cells, widths)
