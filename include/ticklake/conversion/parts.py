"""A manifest's parts in, parsed runs of records out, in the order of time as far as it is known.

The blocks in flight are ``workers``. Where the source sends the newest first, the parts
are taken from the last to the first and each is turned round in memory: what is held
then is the rows of one part, which is bounded by the feed's ``part_bytes``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import TypeVar

import pyarrow as pa

from include.ticklake.cap.budgets import Budgets
from include.ticklake.conversion.blocks import Block, blocks
from include.ticklake.conversion.largest import Largest
from include.ticklake.conversion.parse import Parsed, Parser
from include.ticklake.feeds import Feed
from include.ticklake.manifest import Part
from include.ticklake.storage import Storage

Made = TypeVar("Made")


def parsed(
    parts: Iterable[Part],
    parser: Parser,
    *,
    feed: Feed,
    storage: Storage,
    budgets: Budgets,
    largest: Largest | None = None,
) -> Iterator[Parsed]:
    """Every record of *parts*, read by *parser*; ``PartBroken`` where a part is not whole."""
    ahead_bytes = budgets.workers * budgets.block_bytes * 3 // 2

    def read(part: Part) -> Iterator[Parsed]:
        with storage.open_input(part.key) as stream:
            cut = blocks(
                part,
                stream,
                block_bytes=budgets.block_bytes,
                max_record_bytes=feed.limits.max_record_bytes,
                largest=largest,
            )
            yield from chain.from_iterable(
                _ahead(parse, cut, workers=budgets.workers, max_bytes=ahead_bytes)
            )

    def parse(block: Block) -> list[Parsed]:
        return list(parser.parse(block))

    for part in parts if feed.order != "descending" else reversed(tuple(parts)):
        yield from read(part) if feed.order != "descending" else _turned(read(part))


def _turned(runs: Iterable[Parsed]) -> Iterator[Parsed]:
    """The runs of one part, from the last row to the first."""
    for run in reversed(list(runs)):
        backwards = pa.array(range(run.rows.num_rows - 1, -1, -1), type=pa.int32())
        yield replace(run, rows=run.rows.take(backwards))


def _ahead(
    function: Callable[[Block], Made], given: Iterable[Block], *, workers: int, max_bytes: int
) -> Iterator[Made]:
    """``map``, with up to *workers* calls and *max_bytes* of blocks ahead of the reader.

    A block that is longer has nothing running beside it.
    """
    if workers == 1:
        yield from map(function, given)
        return
    running: deque[tuple[Future[Made], int]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for block in given:
                size_bytes = len(block.text)
                while running and (
                    len(running) >= workers or sum(n for _, n in running) + size_bytes > max_bytes
                ):
                    yield running.popleft()[0].result()
                running.append((pool.submit(function, block), size_bytes))
                del block
            while running:
                yield running.popleft()[0].result()
        finally:
            for left, _ in running:
                left.cancel()
