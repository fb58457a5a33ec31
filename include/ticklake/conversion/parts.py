"""A manifest's parts in, parsed runs of records out, in the order of time as far as it is known.

One thread unzips and cuts the blocks, ``workers`` threads parse them, whoever asks gets
them in their order: zlib, Arrow and the storage let go of Python's lock, so two cores are
busy. Where the source sends the newest first, the parts are taken from the last to the
first and each is turned round in memory: what is held then is the rows of one part, which
is bounded by the feed's ``part_bytes``.
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
    ahead_bytes = (budgets.workers + 1) * budgets.block_bytes * 5 // 4

    def cut(part: Part) -> Iterator[Block]:
        with storage.open_input(part.key) as stream:
            yield from blocks(
                part,
                stream,
                block_bytes=budgets.block_bytes,
                max_record_bytes=feed.limits.max_record_bytes,
                largest=largest,
            )

    def parse(block: Block) -> list[Parsed]:
        return list(parser.parse(block))

    def read(chosen: Iterable[Part]) -> Iterator[Parsed]:
        cuts = chain.from_iterable(map(cut, chosen))
        runs = _ahead(parse, cuts, workers=budgets.workers, max_bytes=ahead_bytes)
        return chain.from_iterable(runs)

    if feed.order != "descending":
        yield from read(parts)
        return
    for part in reversed(tuple(parts)):
        yield from _turned(read([part]))


def _turned(runs: Iterable[Parsed]) -> Iterator[Parsed]:
    """The runs of one part, from the last row to the first."""
    for run in reversed(list(runs)):
        backwards = pa.array(range(run.rows.num_rows - 1, -1, -1), type=pa.int32())
        yield replace(run, rows=run.rows.take(backwards))


def _ahead(
    function: Callable[[Block], Made], given: Iterator[Block], *, workers: int, max_bytes: int
) -> Iterator[Made]:
    """``map``, with up to *workers* calls and *max_bytes* of blocks ahead of the reader.

    Meanwhile the block that follows is cut. One that is longer has nothing running beside it.
    """
    if workers == 1:
        yield from map(function, given)
        return
    running: deque[tuple[Future[Made], int]] = deque()
    with ThreadPoolExecutor(1) as cutter, ThreadPoolExecutor(workers) as pool:
        cutting = cutter.submit(next, given, None)
        try:
            while (block := cutting.result()) is not None:
                size_bytes = len(block.text)
                while running and (
                    len(running) > workers or sum(n for _, n in running) + size_bytes > max_bytes
                ):
                    yield running.popleft()[0].result()
                running.append((pool.submit(function, block), size_bytes))
                del block
                cutting = cutter.submit(next, given, None)
            while running:
                yield running.popleft()[0].result()
        finally:
            cutting.cancel()
            for left, _ in running:
                left.cancel()
