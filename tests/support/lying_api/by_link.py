"""Sources that give the address of the next page: in the Link header, or in the body."""

from __future__ import annotations

from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.lists import CutList, cut_list
from tests.support.lying_api.records import Row
from tests.support.lying_api.servers import LyingServer, ServedPage
from tests.support.servers.http import ReceivedRequest

_LIES = (
    ["none"] * 10
    + ["the cursor leads round", "a page comes again in place of the next", "ignored parameter",
       "ignored parameter, moving prices"]
)  # fmt: skip

_LINKS = {
    "quoted": '<{url}>; rel="next"',
    "token": "<{url}>; Rel=next",
    "two relations": '<{url}>; rel="next last"',
    "after others": '</rows?page=0>; rel="first", <{url}>; rel="next"',
    "quoted semicolon": '<{url}>; title="a; rel=prev, b"; rel=next',
    "semicolon in the address": '<{url}&a=1;b=2>; rel="next"',
    "relative": '<{relative}>; rel="next"',
}
_OTHER_LINKS = '</rows?page=0>; rel="prev", </rows?page=0>; title="rel=next"; rel="first"'


def in_link_header(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """The Link header holds the address of the next page."""
    source = _LinkedSource(draw, behaviours)
    form = behaviours.choose(draw, tuple(_LINKS), prefix="link: ")
    ending = behaviours.choose(draw, ["missing", "other links"], prefix="ends: ")

    def serve(asked: ReceivedRequest) -> ServedPage:
        number, rows = source.page(asked)
        following = source.following(number)
        if following is not None:
            behaviours.note(f"link: {form}")
            query = f"?page={following}"
            url = f"http://{asked.headers['host']}/rows{query}"
            link = _LINKS[form].format(url=url, relative=query)
            return ServedPage(rows=rows, headers={"Link": link})
        behaviours.note(f"ends: {ending}")
        return ServedPage(rows=rows, headers={} if ending == "missing" else {"Link": _OTHER_LINKS})

    return LyingServer(rows=source.cut.rows, paging={"kind": "link_header"}, serve=serve,
                       order=source.cut.order, needs_key=source.needs_key,
                       restart=source.restart)  # fmt: skip


def in_next_url(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """The body holds the address of the next page."""
    source = _LinkedSource(draw, behaviours)
    form = behaviours.choose(draw, ["absolute", "path", "query"], prefix="url: ")
    ends: dict[str, dict[str, object]] = {
        "missing": {}, "null": {"next": None}, "empty text": {"next": ""}, "false": {"next": False}
    }  # fmt: skip
    ending = behaviours.choose(draw, tuple(ends), prefix="ends: ")

    def serve(asked: ReceivedRequest) -> ServedPage:
        number, rows = source.page(asked)
        following = source.following(number)
        if following is None:
            behaviours.note(f"ends: {ending}")
            return ServedPage(rows=rows, beside=ends[ending])
        behaviours.note(f"url: {form}")
        query = f"?page={following}&text=a%20b%26c"
        origin = f"http://{asked.headers['host']}"
        urls = {"absolute": f"{origin}/rows{query}", "path": f"/rows{query}", "query": query}
        return ServedPage(rows=rows, beside={"next": urls[form]})

    return LyingServer(rows=source.cut.rows, paging={"kind": "next_url", "url": "next"},
                       serve=serve, order=source.cut.order, needs_key=source.needs_key,
                       capture=("next",),
                       restart=source.restart)  # fmt: skip


class _LinkedSource:
    """Pages whose addresses hold their number."""

    def __init__(self, draw: DrawFn, behaviours: Behaviours) -> None:
        self.cut: CutList = cut_list(draw, behaviours, may_skip=True, full=False)
        self._behaviours, self._lie = behaviours, behaviours.choose(draw, _LIES)
        self._requests = 0
        self.needs_key = self._lie.endswith("moving prices")

    def restart(self) -> None:
        self._requests = 0

    def page(self, asked: ReceivedRequest) -> tuple[int, list[Row]]:
        """The number of the page that was asked for, and what is served for it."""
        self._requests += 1
        number = int(asked.params.get("page", "0"))
        if number and self._lie.startswith("ignored parameter"):
            self._behaviours.note(self._lie)
            moving = self._lie.endswith("moving prices")
            return number, self.cut.stuck(number, requests=self._requests, moving=moving)
        if self._lie == "a page comes again in place of the next":
            return number, self.cut.instead(number, self._behaviours)
        return number, self.cut.page(number)

    def following(self, number: int) -> int | None:
        """The number of the next page; None at the end."""
        if self._lie.startswith("ignored parameter"):
            return number + 1
        if number < len(self.cut.pages) - 1:
            return number + 1
        if self._lie == "the cursor leads round":
            self._behaviours.note(self._lie)
            return 0
        return None
