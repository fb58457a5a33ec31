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

from include.ticklake.blocks import Block, blocks
from include.ticklake.budgets import Budgets
from include.ticklake.feeds import Feed
from include.ticklake.manifest import Part
from include.ticklake.parse import Parsed, Parser
from include.ticklake.storage import Storage

Given = TypeVar("Given")
Made = TypeVar("Made")


def parsed(
    parts: Iterable[Part], parser: Parser, *, feed: Feed, storage: Storage, budgets: Budgets
) -> Iterator[Parsed]:
    """Every record of *parts*, read by *parser*; ``PartBroken`` where a part is not whole."""

    def read(part: Part) -> Iterator[Parsed]:
        with storage.open_input(part.key) as stream:
            cut = blocks(
                part,
                stream,
                block_bytes=budgets.block_bytes,
                max_record_bytes=feed.limits.max_record_bytes,
            )
            yield from chain.from_iterable(_ahead(_parse, cut, workers=budgets.workers))

    def _parse(block: Block) -> list[Parsed]:
        return list(parser.parse(block))

    for part in parts if feed.order != "descending" else reversed(tuple(parts)):
        yield from read(part) if feed.order != "descending" else _turned(read(part))


def _turned(runs: Iterable[Parsed]) -> Iterator[Parsed]:
    """The runs of one part, from the last row to the first."""
    for run in reversed(list(runs)):
        backwards = pa.array(range(run.rows.num_rows - 1, -1, -1), type=pa.int32())
        yield replace(run, rows=run.rows.take(backwards))


def _ahead(
    function: Callable[[Given], Made], given: Iterable[Given], *, workers: int
) -> Iterator[Made]:
    """``map``, with *workers* calls running ahead of the reader."""
    if workers == 1:
        yield from map(function, given)
        return
    running: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for one in given:
                running.append(pool.submit(function, one))
                if len(running) > workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for left in running:
                left.cancel()
