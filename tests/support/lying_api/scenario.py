"""One case: a feed, and an API that serves it as its paging kind allows, or almost.

``scenarios(kind)`` draws them. What the API does is noted while it does it, see
``behaviours``; ``trial`` runs a case and judges it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from include.ticklake.feed.feed import Feed
from tests.support.feed_texts import feed
from tests.support.lying_api import by_cursor, by_id, by_link, by_number, by_offset, by_time, whole
from tests.support.lying_api.answers import LyingApi
from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.records import Row, note_records
from tests.support.lying_api.servers import LyingServer
from tests.support.lying_api.writing import drawn_writing

SERVERS: dict[str, Callable[[DrawFn, Behaviours], LyingServer]] = {
    "single": whole.at_once,
    "newest_only": whole.newest,
    "page": by_number.by_page,
    "offset": by_offset.by_offset,
    "cursor": by_cursor.in_body,
    "header_cursor": by_cursor.in_header,
    "link_header": by_link.in_link_header,
    "next_url": by_link.in_next_url,
    "time_forward": by_time.forward,
    "time_backward": by_time.backward,
    "time_steps": by_time.in_steps,
    "id_forward": by_id.forward,
    "id_backward": by_id.backward,
    "id_search": by_id.by_search,
}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A feed, its API, and what the API has."""

    feed: Feed
    api: LyingApi
    rows: list[Row]
    behaviours: Behaviours
    runs_twice: bool

    def __repr__(self) -> str:
        source = self.feed.source.model_dump_json(exclude_defaults=True)
        did = ", ".join(sorted(self.behaviours.counts))
        return (
            f"source={source}\nkey={self.feed.key} order={self.feed.order} "
            f"part_bytes={self.feed.part_bytes}\n{self.api}\ndid: {did}\nrows:\n"
        ) + "\n".join(map(str, self.rows))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Hypothesis would print every field of the feed."""
        del cycle
        printer.text(repr(self))


def scenarios(kind: str, *, focus: str | None = None) -> SearchStrategy[Scenario]:
    """Cases of one paging kind; *focus* is the behaviour that they are about, if any."""
    return _scenarios(SERVERS[kind], kind, focus)


@st.composite
def _scenarios(
    draw: DrawFn,
    make_server: Callable[[DrawFn, Behaviours], LyingServer],
    kind: str,
    focus: str | None,
) -> Scenario:
    behaviours = Behaviours(kind, focus=focus)
    server = make_server(draw, behaviours)
    note_records(server.rows, behaviours)
    writing = drawn_writing(draw, server, behaviours)
    api = LyingApi(draw, server, writing, behaviours)
    source = {"paging": server.paging, "capture": {name: name for name in server.capture}}
    needs_key = server.needs_key or api.rewrites
    described = feed(
        source=source | writing.source(),
        order=server.order,
        fields={
            "id": {"type": "int64", "key": needs_key or draw(st.booleans())},
            "t": {"type": "timestamp", "unit": "ms", "event_time": True},
            "price": {"type": "int64"},
        },
        limits={"max_pages": 200, "max_bad_share": draw(st.sampled_from([0.01, 1.0]))},
        part_bytes=draw(st.sampled_from([50, 500, 10**6])),
    )
    return Scenario(feed=described, api=api, rows=server.rows, behaviours=behaviours,
                    runs_twice=behaviours.happens(draw, "a second run"))  # fmt: skip
