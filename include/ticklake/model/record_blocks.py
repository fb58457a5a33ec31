"""Records in short lists: what extraction works on at once, so that a step costs little a record.

A block is some text, or one record that is longer: a copy of it is no more than the largest record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from include.ticklake.model.record import Record

Block = list[Record]
"""One record at least; of ``BLOCK_BYTES`` of text at most, unless it is one record."""

BLOCK_BYTES = 256 * 1024
_ENOUGH_BYTES = 64 * 1024
_ENOUGH_ROWS = 1_000


def in_blocks(records: Iterable[Record]) -> Iterator[Block]:
    """Yield *records* in blocks; what came before an error comes before it here, too."""
    block: Block = []
    size = 0
    try:
        for record in records:
            length = memoryview(record).nbytes
            if block and size + length > BLOCK_BYTES:
                yield block
                block, size = [], 0
            block.append(record)
            size += length
            if size >= _ENOUGH_BYTES or len(block) == _ENOUGH_ROWS:
                yield block
                block, size = [], 0
    except Exception:
        if block:
            yield block
        raise
    if block:
        yield block


def as_blocks(records: Block, *, text_bytes: int) -> list[Block]:
    """The *records* of a text of *text_bytes* as blocks: one where it is short."""
    return [records] if text_bytes <= BLOCK_BYTES else [[record] for record in records]
