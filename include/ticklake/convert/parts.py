"""A manifest's parts in, parsed runs of records out, in the order of time as far as it is known.

Blocks are cut and parsed ahead of whoever asks for them. Where the source sends the newest
first, the parts are taken from the last to the first and each is turned round in memory: what
is held then is the rows of one part, which is bounded by the feed's ``part_bytes``.
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
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Part
from include.ticklake.lake.storage import Storage


def parse_parts(
    parts: Iterable[Part],
    parser: BlockParser,
    *,
    feed: Feed,
    storage: Storage,
    budgets: Budget,
    largest: LargestRecordReporter | None = None,
) -> Iterator[ParsedBatch]:
    """Every record of *parts*, read by *parser*; ``CorruptPartError`` where a part is not whole."""

    def cut(part: Part) -> Iterator[Block]:
        with storage.open_input(part.key) as stream:
            yield from cut_blocks(
                part,
                stream,
                block_bytes=budgets.block_bytes,
                max_record_bytes=feed.limits.max_record_bytes,
                largest=largest,
            )

    def parse(block: Block) -> list[ParsedBatch]:
        return list(parser.parse(block))

    def read(chosen: Iterable[Part]) -> Iterator[ParsedBatch]:
        cuts = chain.from_iterable(map(cut, chosen))
        runs = map_ahead(parse, cuts, workers=budgets.workers, max_bytes=budgets.ahead_bytes)
        return chain.from_iterable(runs)

    if feed.order != "descending":
        yield from read(parts)
        return
    for part in reversed(tuple(parts)):
        yield from _reversed(read([part]))


def _reversed(runs: Iterable[ParsedBatch]) -> Iterator[ParsedBatch]:
    """The runs of one part, from the last row to the first."""
    for run in reversed(list(runs)):
        backwards = pa.array(range(run.rows.num_rows - 1, -1, -1), type=pa.int32())
        yield replace(run, rows=run.rows.take(backwards))
