"""A memory cap in, the sizes that fit inside it out: the one formula.

Everything that a capped step holds at once follows from its cap, so that a cap
is the only number a user sets:

=================== ======================================== ======== ======== ========
size                formula                                  96 MiB   128 MiB  512 MiB
=================== ======================================== ======== ======== ========
block               cap / 128, down to a power of two        512 KiB  1 MiB    4 MiB
row group, in rows  131,072 for each MiB of block            65,536   131,072  524,288
row group, in bytes 8 blocks                                 4 MiB    8 MiB    32 MiB
workers             one for each 64 MiB, at most 8           1        2        8
blocks ahead        2 for each worker, none with one         0        4 MiB    64 MiB
newest first        4 row groups                             16 MiB   32 MiB   128 MiB
columns, at most    one for each 20 KiB over 80 MiB            819    2,457   22,118
side by side        two thirds of what is over 80 MiB        10 MiB   32 MiB  288 MiB
=================== ======================================== ======== ======== ========

The interpreter and Arrow need about 60 MiB before the first record, which is why
there is a minimum: below it nothing is left for the data.
"""

from __future__ import annotations

from dataclasses import dataclass

from include.ticklake.errors import UsageError
from include.ticklake.memory.capped_process import STACK_BYTES
from include.ticklake.model.sizes import KIB, MIB, format_bytes

MINIMUM_CAP_BYTES = 96 * MIB

WIDE_COLUMNS = 1_000
"""With more columns one block is parsed at a time: what Arrow holds for each column is more than
their values."""

_MAX_BLOCK_BYTES = 8 * MIB  # larger blocks gain nothing measurable
_LIBRARY_BYTES = 80 * MIB
_COLUMN_BYTES = 20 * KIB
_WINDOW_BYTES = MIB
_WINDOW_COLUMN_BYTES = 32 * KIB
_HELD_TIMES = 6
"""Of a window's text, measured: as it is unpacked, parsed, gathered, written and read back."""
_CAP_STEP_BYTES = 32 * MIB  # a number that is easy to write


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one capped step may hold at once."""

    block_bytes: int
    """JSON text that is parsed in one go; a longer record makes a block of its own."""
    row_group_rows: int
    row_group_bytes: int
    """Arrow memory that is gathered for one row group; rows or bytes, whichever is first."""
    workers: int
    """Threads that parse blocks."""
    ahead_bytes: int
    """Blocks that are cut, or parsed, and not yet gathered for a row group."""
    reversed_bytes: int
    """Arrow memory of a part that came newest first, to be reversed."""
    max_columns: int
    side_by_side_bytes: int
    """What windows of few records hold together that are converted side by side, and their
    threads' stacks."""

    def side_by_side(self, wanted: int) -> tuple[int, int]:
        """How many windows are converted at once, of those *wanted*, and what they may hold."""
        threads = min(wanted, self.side_by_side_bytes // (2 * STACK_BYTES))
        return threads, self.side_by_side_bytes - threads * STACK_BYTES

    def needed_bytes(self, json_bytes: int, *, columns: int) -> int:
        """What the conversion of *json_bytes* of text holds at most, by one worker."""
        return _WINDOW_BYTES + columns * _WINDOW_COLUMN_BYTES + _HELD_TIMES * json_bytes

    def check_columns(self, columns: int, *, feed: str) -> None:
        """``UsageError``, with the cap that they need, where so many columns do not fit."""
        if columns > self.max_columns:
            needed_bytes = _LIBRARY_BYTES + columns * _COLUMN_BYTES
            cap_bytes = -(-needed_bytes // _CAP_STEP_BYTES) * _CAP_STEP_BYTES
            raise UsageError(
                f"feed {feed}: {columns:,} columns do not fit the memory limit, which holds "
                f"{self.max_columns:,}; set TICKLAKE_CAP, or the feed's `cap`, to "
                f"{format_bytes(cap_bytes)} or more, or split the feed"
            )

    def __str__(self) -> str:
        return (
            f"blocks of {format_bytes(self.block_bytes)}, "
            f"row groups of {self.row_group_rows:,} rows "
            f"or {format_bytes(self.row_group_bytes)}, {self.workers} worker(s)"
        )


def budget_for(cap_bytes: int) -> Budget:
    """The sizes that keep a step under *cap_bytes*; ``UsageError`` below the minimum."""
    if cap_bytes < MINIMUM_CAP_BYTES:
        raise UsageError(
            f"a cap of {format_bytes(cap_bytes)} is too small: Python and Arrow alone need "
            f"most of it; set TICKLAKE_CAP, or the feed's `cap`, to "
            f"{format_bytes(MINIMUM_CAP_BYTES)} or more"
        )
    block_bytes = min(1 << ((cap_bytes // 128).bit_length() - 1), _MAX_BLOCK_BYTES)
    workers = min(cap_bytes // (64 * MIB), 8)
    return Budget(
        block_bytes=block_bytes,
        row_group_rows=131_072 * block_bytes // MIB,
        row_group_bytes=8 * block_bytes,
        workers=workers,
        ahead_bytes=2 * workers * block_bytes if workers > 1 else 0,
        reversed_bytes=4 * 8 * block_bytes,
        max_columns=(cap_bytes - _LIBRARY_BYTES) // _COLUMN_BYTES,
        side_by_side_bytes=(cap_bytes - _LIBRARY_BYTES) * 2 // 3,
    )
