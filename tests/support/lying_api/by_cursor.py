"""Sources that say themselves where the next page is: in the body, or in a header."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.lists import CutList, cut_list
from tests.support.lying_api.records import Row
from tests.support.lying_api.servers import LyingServer, ServedPage
from tests.support.paging import START
from tests.support.servers.http import ReceivedRequest

_LIES = ["none"] * 10 + [
    "the cursor leads round",
    "a page comes again in place of the next",
    "ignored parameter",
    "ignored parameter, moving prices",
]
_UNDECLARED_END = "the end"
_END_CURSORS = ["LTE=", "0", "-1", "none"]
_ENDINGS = ("missing", "null", "false", "empty text", "end cursor", "has_more", "same cursor")
_HEADER_ENDINGS = ("missing", "empty text", "end cursor", "same cursor")
_FORMS = ["text", "number", "large number", "true", "template", "array", "object"]


def in_body(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """The body holds the cursor of the next page."""
    lie = behaviours.choose(draw, [*_LIES, "more, but no cursor", "empty pages forever",
                                   "an end cursor that is not declared"])  # fmt: skip
    ending = behaviours.choose(draw, _ENDINGS, prefix="ends: ")
    flagged = ending == "has_more" or lie == "more, but no cursor"
    by_time = behaviours.happens(draw, "first page by time")
    cut = cut_list(draw, behaviours, may_skip=True, full=False)
    form = behaviours.choose(draw, _FORMS, prefix="cursor: ")
    end_cursor = draw(st.sampled_from(_END_CURSORS))
    paging: dict[str, Any] = {"kind": "cursor", "param": "at", "cursor": "next"}
    if flagged:
        paging["has_more"] = "more"
    if ending == "end cursor" and lie != "an end cursor that is not declared":
        paging["end_cursors"] = [end_cursor]
    skipped = 0
    if by_time and cut.order == "ascending":
        paging["first_params"] = {"since": "{start_ms}"}
        skipped = _pages_before_window(cut)
    source = _CursorSource(cut, behaviours, lie=lie, form=form, first_page=skipped)

    def serve(asked: ReceivedRequest) -> ServedPage:
        if "since" in asked.params and skipped:
            behaviours.note("first page by time")
        number, rows = source.page(asked.params.get("at"))
        following = source.following(number)
        beside: dict[str, object] = {}
        if following is not None:
            beside["next"] = source.cursor(following)
        elif lie == "more, but no cursor":
            behaviours.note(lie)
        elif lie == "an end cursor that is not declared":
            behaviours.note(lie)
            beside["next"] = _UNDECLARED_END
        else:
            beside |= source.end(number, ending, end_cursor)
        if flagged:
            beside["more"] = following is not None or lie == "more, but no cursor"
        return ServedPage(rows=rows, beside=beside)

    return LyingServer(rows=cut.rows, paging=paging, serve=serve, order=cut.order,
                       needs_key=lie.endswith("moving prices"),
                       capture=("next", "more") if flagged else ("next",),
                       restart=source.restart)  # fmt: skip


def in_header(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """A header holds the cursor of the next page."""
    lie = behaviours.choose(draw, [*_LIES, "an end cursor that is not declared"])
    ending = behaviours.choose(draw, _HEADER_ENDINGS, prefix="ends: ")
    cut = cut_list(draw, behaviours, may_skip=True, full=False)
    end_cursor = draw(st.sampled_from(_END_CURSORS))
    paging: dict[str, Any] = {"kind": "header_cursor", "param": "at", "header": "X-Next"}
    if ending == "end cursor":
        paging["end_cursors"] = [end_cursor]
    source = _CursorSource(cut, behaviours, lie=lie, form=None)

    def serve(asked: ReceivedRequest) -> ServedPage:
        number, rows = source.page(asked.params.get("at"))
        following = source.following(number)
        if following is not None:
            headers = {"x-next": str(source.cursor(following))}
        elif lie == "an end cursor that is not declared":
            behaviours.note(lie)
            headers = {"x-next": _UNDECLARED_END}
        else:
            end = source.end(number, ending, end_cursor)
            headers = {"x-next": str(end["next"])} if end else {}
        return ServedPage(rows=rows, headers=headers)

    return LyingServer(rows=cut.rows, paging=paging, serve=serve, order=cut.order,
                       needs_key=lie.endswith("moving prices"),
                       restart=source.restart)  # fmt: skip


def _pages_before_window(cut: CutList) -> int:
    """How many pages at the front hold nothing of the window, nor a late record."""
    count = 0
    for page in cut.pages:
        if any(not isinstance(row["t"], int) or row["t"] >= START for row in page):
            break
        count += 1
    return min(count, len(cut.pages) - 1)


class _CursorSource:
    """Pages that each know the cursor of the next one."""

    def __init__(
        self,
        cut: CutList,
        behaviours: Behaviours,
        *,
        lie: str,
        form: str | None,
        first_page: int = 0,
    ) -> None:
        self._cut, self._behaviours, self._lie, self._form = cut, behaviours, lie, form
        self._first_page = first_page
        self._requests = 0

    def restart(self) -> None:
        self._requests = 0

    def page(self, at: str | None) -> tuple[int, list[Row]]:
        """The number of the page that the cursor *at* leads to, and what is served for it."""
        self._requests += 1
        if at is None:
            return self._first_page, self._cut.page(self._first_page)
        number = self._number(at)
        if self._lie == "empty pages forever" and number > self._first_page:
            self._behaviours.note(self._lie)
            return number, []
        if self._lie == "a page comes again in place of the next":
            return number, self._cut.instead(number, self._behaviours)
        if self._lie.startswith("ignored parameter"):
            self._behaviours.note(self._lie)
            moving = self._lie.endswith("moving prices")
            return number, self._cut.stuck(number, requests=self._requests, moving=moving)
        return number, self._cut.page(number)

    def following(self, number: int) -> int | None:
        """The number of the next page; None at the end."""
        if self._lie == "empty pages forever" or self._lie.startswith("ignored parameter"):
            return number + 1
        if number < len(self._cut.pages) - 1:
            return number + 1
        if self._lie == "the cursor leads round":
            self._behaviours.note(self._lie)
            return self._first_page
        return None

    def end(self, number: int, ending: str, end_cursor: str) -> dict[str, object]:
        """What the last page says of the next one."""
        last = len(self._cut.pages) - 1
        if ending == "same cursor" and number == last:
            return {"next": self.cursor(last + 1)}  # one more page, which is empty
        self._behaviours.note(f"ends: {ending}")
        ends: dict[str, dict[str, object]] = {
            "missing": {},
            "null": {"next": None},
            "false": {"next": False},
            "empty text": {"next": ""},
            "end cursor": {"next": end_cursor},
            "has_more": {"next": self.cursor(last + 1)},
            "same cursor": {"next": self.cursor(number)},
        }
        return ends[ending]

    def cursor(self, number: int) -> object:
        """The cursor of the page with that number, as the source writes it."""
        forms: dict[str | None, object] = {
            None: f"page {number}",
            "text": f"Zm9v+/&={number}",
            "number": number + 1,
            "large number": 10**25 + number,
            "true": True if number == 1 else f"page {number}",
            "template": f"{{start_ms}} {{symbol}} {number}",
            "array": [number, "a b"],
            "object": {"at": number, "in": {"shard": 3}},
        }
        if self._form:
            self._behaviours.note(f"cursor: {self._form}")
        return forms[self._form]

    def _number(self, at: str) -> int:
        """The number of the page with the cursor *at*, as it was sent back; an end leads round."""
        if at in (*_END_CURSORS, _UNDECLARED_END):
            return self._first_page
        for number in range(self._requests + len(self._cut.pages) + 2):
            cursor = self.cursor(number)
            if isinstance(cursor, str):
                found = at == cursor
            else:
                found = at.replace(" ", "") == json.dumps(cursor).replace(" ", "")
            if found:
                return number
        return len(self._cut.pages)  # an unknown cursor is behind the last page
