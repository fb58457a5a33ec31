"""Sources that are paged by the number of the page."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.lists import CutList, cut_list
from tests.support.lying_api.records import Row
from tests.support.lying_api.servers import LyingServer, ServedPage
from tests.support.servers.http import ReceivedRequest

NOTHING_THERE = "nothing where the total says that there is more"
_LIES = ["none"] * 8 + [
    "signals disagree",
    "wraps round",
    "ignored parameter",
    "ignored parameter, moving prices",
    "a page comes again in place of the next",
    NOTHING_THERE,
]
_ENDINGS = ("empty", "repeated", "refused", "short page", "has_more", "total_pages")
_SIGNALS = {"has_more": [["more"], ["more", "total"]], "total_pages": [["total"]]}
_OPTIONS = (("has_more", "more"), ("total_pages", "total"))


def by_page(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """Pages 1, 2, 3, ..."""
    lie = behaviours.choose(draw, _LIES)
    ending = _ending(draw, behaviours, lie)
    signals = draw(st.sampled_from(_SIGNALS.get(ending, [[]])))
    if lie == "signals disagree":
        signals = ["more", "total"]
    first = draw(st.integers(0, 1))
    cut = cut_list(draw, behaviours, may_skip=bool(signals), full=ending == "short page")
    paging: dict[str, Any] = {"kind": "page", "first": first}
    if ending == "short page" or (signals and draw(st.booleans())):
        paging["page_rows"] = cut.page_rows
    if ending in ("repeated", "refused"):
        paging["after_last_page"] = ending
    paging |= {option: name for option, name in _OPTIONS if name in signals}
    source = _NumberedSource(
        cut, behaviours, lie=lie, ending=ending, signals=signals, first=first,
        status=draw(st.sampled_from([400, 404, 416, 422])),
    )  # fmt: skip
    return LyingServer(rows=cut.rows, paging=paging, serve=source.serve, order=cut.order,
                       capture=tuple(signals), needs_key=lie.endswith("moving prices"),
                       restart=source.restart)  # fmt: skip


def _ending(draw: DrawFn, behaviours: Behaviours, lie: str) -> str:
    """How the pages end, so that what the case is about can happen."""
    skips = behaviours.focus in ("hidden record", "empty page before the end")
    if lie == "wraps round":
        return "empty"
    if lie == NOTHING_THERE:
        return "total_pages"
    if lie == "signals disagree" or skips:
        return "has_more"
    if lie != "none":  # a page that comes again must not be an ending
        return draw(st.sampled_from([name for name in _ENDINGS if name != "repeated"]))
    return behaviours.choose(draw, _ENDINGS, prefix="ends: ")


class _NumberedSource:
    """Pages that are cut beforehand, each with its number."""

    def __init__(
        self,
        cut: CutList,
        behaviours: Behaviours,
        *,
        lie: str,
        ending: str,
        signals: list[str],
        first: int,
        status: int,
    ) -> None:
        self._cut, self._behaviours, self._lie = cut, behaviours, lie
        self._ending, self._signals, self._first, self._status = ending, signals, first, status
        self._last = len(cut.pages) - 1
        self._requests = 0

    def restart(self) -> None:
        self._requests = 0

    def serve(self, asked: ReceivedRequest) -> ServedPage:
        self._requests += 1
        number = int(asked.params["page"]) - self._first
        rows = self._rows(number)
        starts_over = self._lie == "wraps round" or self._lie.startswith("ignored")
        if number > self._last and not starts_over:
            if self._ending in ("empty", "repeated", "refused"):
                self._behaviours.note(f"ends: {self._ending}")
            if self._ending == "refused":
                return ServedPage(rows=[], status=self._status)
            rows = self._cut.pages[-1] if self._ending == "repeated" else []
        elif number == self._last:
            self._note_last(number, rows)
        more = number < self._last
        if self._lie == "signals disagree" and (not more or self._requests == 2):
            self._behaviours.note(self._lie)
            more = not more
        beside = {"more": more, "total": self._last + 1}
        return ServedPage(rows=rows, beside={name: beside[name] for name in self._signals})

    def _rows(self, number: int) -> list[Row]:
        """The records of the page with that *number*, or what is served in their place."""
        lie = self._lie
        if number and lie.startswith("ignored parameter"):
            self._behaviours.note(lie)
            moving = lie.endswith("moving prices")
            return self._cut.stuck(number, requests=self._requests, moving=moving)
        if lie == "wraps round" and number > self._last:
            self._behaviours.note(lie)
            return self._cut.pages[number % (self._last + 1)]
        if lie == "a page comes again in place of the next":
            return self._cut.instead(number, self._behaviours)
        if lie == NOTHING_THERE and number > self._last // 2:
            return []
        return self._cut.page(number)

    def _note_last(self, number: int, rows: list[Row]) -> None:
        """Say by what the last page is known."""
        if self._ending == "total_pages" and number and not rows:
            self._behaviours.note(NOTHING_THERE)
        elif self._signals and self._lie == "none":
            self._behaviours.note(f"ends: {self._ending}")
        elif self._ending == "short page" and len(rows) < self._cut.page_rows:
            self._behaviours.note("ends: short page")
