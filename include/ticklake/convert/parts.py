"""A manifest's parts in, parsed batches out, in the order of time as far as it is known.

Blocks are cut and parsed ahead of the reader. Where the source sends the newest records
first, the parts are read from the last to the first and each is reversed in memory: the rows
of one part are held then, which the feed's ``part_bytes`` bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

import pyarrow as pa

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parse.block_parser import BlockParser, ParsedBatch
from include.ticklake.convert.parse.blocks import Block, cut_blocks
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.convert.prefetch import map_ahead
from include.ticklake.errors import CorruptPartError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Part
from include.ticklake.lake.storage import Storage


def parse_parts(
    parts: Iterable[Part],
    parser: BlockParser,
    *,
    feed: Feed,
    storage: Storage,
    budget: Budget,
    largest: LargestRecordReporter | None = None,
) -> Iterator[ParsedBatch]:
    """Yield every record of *parts*; ``CorruptPartError`` where a part is not whole."""

    def cut(part: Part) -> Iterator[Block]:
        try:
            opened = storage.open_input(part.key)
        except FileNotFoundError:
            raise CorruptPartError(
                f"{part.key} is missing; `extract` its window again, or `audit` it"
            ) from None
        with opened as stream:
            yield from cut_blocks(
                part,
                stream,
                block_bytes=budget.block_bytes,
                max_record_bytes=feed.limits.max_record_bytes,
                largest=largest,
            )

    def parse(block: Block) -> list[ParsedBatch]:
        return list(parser.parse(block))

    def read(some_parts: Iterable[Part]) -> Iterator[ParsedBatch]:
        blocks = chain.from_iterable(map(cut, some_parts))
        batches = map_ahead(parse, blocks, workers=budget.workers, max_bytes=budget.ahead_bytes)
        return chain.from_iterable(batches)

    if feed.order != "descending":
        yield from read(parts)
        return
    for part in reversed(tuple(parts)):
        yield from _reversed(read([part]))


def _reversed(batches: Iterable[ParsedBatch]) -> Iterator[ParsedBatch]:
    """The rows of one part, from the last to the first."""
    for batch in reversed(list(batches)):
        backwards = pa.array(range(batch.rows.num_rows - 1, -1, -1), type=pa.int32())
        yield replace(batch, rows=batch.rows.take(backwards))
