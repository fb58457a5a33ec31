"""Sources that answer once: with all that they have, or with the newest of it."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.lists import drawn_order
from tests.support.lying_api.records import broken, drawn_times, with_ids
from tests.support.lying_api.servers import LyingServer, ServedPage
from tests.support.paging import START
from tests.support.servers.http import ReceivedRequest


def at_once(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """One page holds everything, unless it is full."""
    rows = broken(draw, with_ids(drawn_times(draw, behaviours), gaps=[1]), behaviours)
    order = drawn_order(draw, behaviours)
    rows = rows[::-1] if order == "descending" else rows
    if order == "none":
        behaviours.note("no order")
        Random(len(rows)).shuffle(rows)
    page_rows = {"a full page": 3, "a page that is not full": 100}.get(
        behaviours.choose(draw, ["no cap", "a full page", "a page that is not full"])
    )

    def serve(asked: ReceivedRequest) -> ServedPage:
        del asked
        if page_rows:
            full = len(rows) >= page_rows
            behaviours.note("a full page" if full else "a page that is not full")
        return ServedPage(rows=rows[:page_rows])

    paging = {"kind": "single"} | ({"page_rows": page_rows} if page_rows else {})
    return LyingServer(rows=rows, paging=paging, serve=serve, order=order)


def newest(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """The newest records only; a full page may lack older ones, which the manifest says then."""
    rows = broken(draw, with_ids(drawn_times(draw, behaviours), gaps=[1]), behaviours)
    page_rows = draw(st.sampled_from([2, 5, 10, 30]))
    newest_first = draw(st.booleans())

    def serve(asked: ReceivedRequest) -> ServedPage:
        del asked
        page = rows[-page_rows:]
        reaches_back = len(rows) < page_rows or any(
            isinstance(row["t"], int) and row["t"] < START for row in page
        )
        behaviours.note("the page reaches back far enough" if reaches_back else "a full page")
        return ServedPage(rows=page[::-1] if newest_first else page)

    return LyingServer(
        rows=rows,
        paging={"kind": "newest_only", "page_rows": page_rows},
        serve=serve,
        order="descending" if newest_first else "ascending",
    )
