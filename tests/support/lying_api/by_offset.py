"""Sources that are paged by the number of records to skip."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.by_number import NOTHING_THERE
from tests.support.lying_api.lists import drawn_order, drawn_sizes
from tests.support.lying_api.records import Row, broken, listed
from tests.support.lying_api.servers import LyingServer, ServedPage
from tests.support.servers.http import ReceivedRequest

_LIES = ["none"] * 8 + [
    "signals disagree",
    "wraps round",
    "ignored parameter",
    "ignored parameter, moving prices",
    "a total that is too small",
    "a total that is too large",
    NOTHING_THERE,
]
_SIGNALS = {
    "empty": st.just([]),
    "short page": st.just([]),
    "has_more": st.sampled_from([["more"], ["more", "total"]]),
    "total": st.just(["total"]),
}
_REPEATS = "what is hidden makes a page repeat"
_HIDING = (
    _REPEATS,
    "hidden record",
    "empty page before the end",
    "an empty page of unknown length",
)
_HIDDEN = st.sets(st.integers(0, 12), min_size=1, max_size=3) | st.integers(0, 8).map(
    lambda first: set(range(first, first + 9))
)
_OPTIONS = (("has_more", "more"), ("total", "total"))


def _ending(draw: DrawFn, behaviours: Behaviours, lie: str) -> str:
    """How the pages end, so that what the case is about can happen."""
    if lie.startswith("a total") or lie == NOTHING_THERE or behaviours.focus in _HIDING:
        return "total"
    if lie == "wraps round":
        return "empty"
    return behaviours.choose(draw, tuple(_SIGNALS), prefix="ends: ")


def by_offset(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """The number of records to skip: 0, 100, 200, ..."""
    lie = behaviours.choose(draw, _LIES)
    ending = _ending(draw, behaviours, lie)
    signals = ["more", "total"] if lie == "signals disagree" else draw(_SIGNALS[ending])
    page_rows = draw(st.integers(1 if behaviours.focus is None else 3, 9))
    hidden = draw(_HIDDEN)
    if behaviours.focus == _REPEATS:  # of two pages all is hidden but a record in the middle
        page_rows, hidden = 3, {3, 4, 6, 7, 8}
    order = drawn_order(draw, behaviours)
    full = ending == "short page"
    hides = bool(signals) and any(behaviours.happens(draw, name) for name in _HIDING)
    fills = full or (bool(signals) and draw(st.booleans()))
    # How far to skip over a page that shows nothing, a feed can say of full pages only.
    sizes = drawn_sizes(draw, behaviours, page_rows=page_rows, full=full or (hides and fills))
    rows = listed(draw, behaviours, order=order, late_rows=min(sizes) - 1)
    rows = rows if order == "none" else broken(draw, rows, behaviours)
    paging: dict[str, Any] = {"kind": "offset"}
    if fills:
        paging["page_rows"] = page_rows
    source = _OffsetSource(
        rows,
        behaviours,
        lie=lie,
        signals=signals,
        sizes=sizes,
        hidden=hidden if hides else set(),
        moves=sizes[0] > 1 and behaviours.happens(draw, "edge repeat"),
        page_rows=paging.get("page_rows"),
    )
    paging |= {option: name for option, name in _OPTIONS if name in signals}
    return LyingServer(rows=source.shown(0, len(rows)), paging=paging, serve=source.serve,
                       order=order, capture=tuple(signals), needs_key=lie.endswith("moving prices"),
                       restart=source.restart)  # fmt: skip


class _OffsetSource:
    """Counts every record, and shows those that it does not hide."""

    def __init__(
        self,
        rows: list[Row],
        behaviours: Behaviours,
        *,
        lie: str,
        signals: list[str],
        sizes: list[int],
        hidden: set[int],
        moves: bool,
        page_rows: int | None,
    ) -> None:
        self._rows, self._behaviours, self._lie, self._signals = rows, behaviours, lie, signals
        self._sizes, self._hidden, self._page_rows = sizes, hidden, page_rows
        self._moved = int(moves and not hidden)
        """What is inserted at the front after the first page moves all others by one."""
        self.restart()

    def restart(self) -> None:
        self._requests, self._last_page = 0, [{}]

    def shown(self, at: int, size: int) -> list[Row]:
        return [row for n, row in enumerate(self._rows) if at <= n < at + size
                and n not in self._hidden]  # fmt: skip

    def serve(self, asked: ReceivedRequest) -> ServedPage:
        self._requests += 1
        offset = int(asked.params["offset"])
        at = self._position(offset)
        size = self._sizes[offset % len(self._sizes)]
        rows = self.shown(at, size)
        if self._lie == NOTHING_THERE and at > len(self._rows) // 2:
            rows = []
        if offset and self._lie == "ignored parameter, moving prices":
            rows = [row | {"price": row["price"] + 1000 * self._requests} for row in rows]
        self._note_page(offset, at, size, rows)
        if (
            self._hidden
            and rows
            and rows[0] == self._last_page[0]
            and rows[-1] == self._last_page[-1]
        ):
            self._behaviours.note(_REPEATS)
        self._last_page = rows or self._last_page
        more, known = at + size < len(self._rows), len(self._rows)
        if offset:
            known += self._moved
        if self._lie == "signals disagree" and (not more or self._requests == 2):
            self._behaviours.note(self._lie)
            more = not more
        if self._lie == "a total that is too small" and len(rows) > 1:
            self._behaviours.note(self._lie)
            known = offset + len(rows) - 1
        if self._lie == "a total that is too large":
            self._behaviours.note(self._lie)
            known += 3
        beside = {"more": more, "total": known}
        return ServedPage(rows=rows, beside={name: beside[name] for name in self._signals})

    def _position(self, offset: int) -> int:
        """Where the page for *offset* starts."""
        if offset and self._lie.startswith("ignored parameter"):
            self._behaviours.note(self._lie)
            return 0
        if self._lie == "wraps round" and offset >= len(self._rows) > 0:
            self._behaviours.note(self._lie)
            return offset % len(self._rows)
        return offset - self._moved if offset else 0

    def _note_page(self, offset: int, at: int, size: int, rows: list[Row]) -> None:
        note, left = self._behaviours.note, len(self._rows) - at
        is_last = 0 < left <= size
        if offset and self._moved and rows:
            note("edge repeat")
        if len(rows) < min(size, left):
            note("hidden record")
        if size < max(self._sizes) and left > size:
            note("short page")
        if is_last and not self._page_rows and len(self._signals) > 1 and len(rows) < left:
            note("signals disagree")  # hidden ones are counted, and there are no more
        if is_last and not rows and self._signals == ["total"]:
            note(NOTHING_THERE)
        if left > 0 and not rows:
            known = self._page_rows or ("more" in self._signals and is_last)
            note("empty page before the end" if known else "an empty page of unknown length")
        if self._lie != "none":
            return
        if left <= 0 < offset and not self._signals:
            note("ends: empty")
        if is_last and self._signals:
            note("ends: has_more" if "more" in self._signals else "ends: total")
        elif is_last and rows and self._page_rows and len(rows) < self._page_rows:
            note("ends: short page")
