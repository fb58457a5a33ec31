"""A manifest's parts in, parsed batches out, in the order of time as far as it is known.

Blocks are cut and parsed ahead of the reader. Where the source sends the newest records
first, the parts are read from the last to the first and each is reversed in memory: the rows
of one part are held then, up to ``Budget.reversed_bytes``. Of a longer part, which a page of any
length may make, each stretch is reversed by itself: then the file is not sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

import pyarrow as pa

from include.ticklake.convert.budget import WIDE_COLUMNS, Budget
from include.ticklake.convert.parse.block_parser import BlockParser, ParsedBatch
from include.ticklake.convert.parse.blocks import Block, cut_blocks
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.convert.prefetch import map_ahead
from include.ticklake.errors import CorruptPartError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Part
from include.ticklake.lake.storage import Storage
from include.ticklake.model.stop_signal import StopSignal


def parse_parts(
    parts: Iterable[Part],
    parser: BlockParser,
    *,
    feed: Feed,
    storage: Storage,
    budget: Budget,
    largest: LargestRecordReporter | None = None,
    stop: StopSignal | None = None,
) -> Iterator[ParsedBatch]:
    """Yield every record of *parts*; ``CorruptPartError`` where a part is not whole."""

    workers = 1 if len(feed.fields) > WIDE_COLUMNS else budget.workers

    def cut(part: Part) -> Iterator[Block]:
        try:
            opened = storage.open_input(part.key)
        except FileNotFoundError:
            raise CorruptPartError(
                f"{part.key} is missing; `extract` its window again, or `audit` it"
            ) from None
        with opened as stream:
            blocks = cut_blocks(
                part,
                stream,
                block_bytes=budget.block_bytes,
                max_record_bytes=feed.limits.max_record_bytes,
                largest=largest,
            )
            for block in blocks:
                if stop:
                    stop.check()
                yield block
                del block  # before the next one is cut

    def parse(block: Block) -> Iterable[ParsedBatch]:
        return begin(parser.parse(block), max_bytes=budget.block_bytes)

    def read(some_parts: Iterable[Part]) -> Iterator[ParsedBatch]:
        blocks = chain.from_iterable(map(cut, some_parts))
        batches = map_ahead(
            parse, blocks, workers=workers, max_bytes=budget.ahead_bytes, result_bytes=held_bytes
        )
        return chain.from_iterable(batches)

    if feed.order != "descending":
        yield from read(parts)
        return
    for part in reversed(tuple(parts)):
        yield from _reversed(read([part]), max_bytes=budget.reversed_bytes)


def begin(batches: Iterator[ParsedBatch], *, max_bytes: int) -> Iterable[ParsedBatch]:
    """Return *batches*, of which those that need little memory are there already.

    A block of refused records holds several times its text: most of them are parsed only as
    they are read.
    """
    parsed: list[ParsedBatch] = []
    held_bytes = 0
    for batch in batches:
        parsed.append(batch)
        held_bytes += batch.size_bytes
        if batch.refused and held_bytes > max_bytes:
            return chain(parsed, batches)
    return parsed


def held_bytes(batches: Iterable[ParsedBatch]) -> int | None:
    """How much memory parsed *batches* take; None where not all of them are."""
    return sum(batch.size_bytes for batch in batches) if isinstance(batches, list) else None


def _reversed(batches: Iterable[ParsedBatch], *, max_bytes: int) -> Iterator[ParsedBatch]:
    """The rows of one part, from the last to the first; refused records as they come."""
    held: list[pa.RecordBatch] = []
    held_bytes = 0
    for batch in batches:
        if batch.refused:
            yield replace(batch, rows=batch.rows.slice(0, 0))
        if batch.rows.num_rows:
            held.append(batch.rows)
            held_bytes += batch.rows.nbytes
        if held_bytes > max_bytes:
            yield from _backwards(held)
            held_bytes = 0
    yield from _backwards(held)


def _backwards(held: list[pa.RecordBatch]) -> Iterator[ParsedBatch]:
    """The rows of *held*, from the last to the first; it is empty then."""
    while held:
        rows = held.pop()
        backwards = pa.arange(rows.num_rows - 1, -1, -1)
        yield ParsedBatch(rows=rows.take(backwards))
