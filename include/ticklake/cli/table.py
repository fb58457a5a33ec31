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


def format_table(
    rows: Iterable[Sequence[str] | str], *, numbers: Iterable[int] = ()
) -> Iterator[str]:
    """The lines of a table as wide as its cells; a row that is one text is a line by itself.

    The columns *numbers* are aligned to the right.
    """
    table = list(rows)
    columns = zip(*(row for row in table if not isinstance(row, str)), strict=True)
    widths = [max(map(len, column)) for column in columns]
    for column in numbers:
        widths[column] *= -1
    for row in table:
        yield row if isinstance(row, str) else format_row(row, widths)
