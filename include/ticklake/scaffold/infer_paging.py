"""Infer the paging of a feed from a URL, its response headers and the values around the records.

``page_rows`` is set only where a full page is refused: that one page is full does not mean that
all pages but the last are, so that a short one would end the paging too early.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from include.ticklake.scaffold.infer_window import starts_and_ends, time_params
from include.ticklake.scaffold.probed_page import ProbedPage, is_more_name

_CURSOR = re.compile(r"cursor|next_?page|page_?token|next_?token|continu|^last$|^next$|^after$|"
                     r"next_?key|search_?after", re.IGNORECASE)  # fmt: skip
_SURE_CURSOR = re.compile(r"next_?(page_?)?(cursor|token)|^cursor$|page_?token|continuation",
                          re.IGNORECASE)  # fmt: skip
_CURSOR_PARAM = re.compile(r"cursor|since|after|token$|marker|continuation", re.IGNORECASE)
_NEXT = re.compile(r"next", re.IGNORECASE)
_URL = re.compile(r"https?://|/|\?")
_PAGE = re.compile(r"^(page|p|page_?(no|num|number|index)|current_?page)$", re.IGNORECASE)
_OFFSET = re.compile(r"^\$?(offset|skip|from|start(_?(at|index|row))?)$", re.IGNORECASE)
_FROM_ID = re.compile(r"^(from_?id|since_?(t?id|id)|start_?id|after_?id)$", re.IGNORECASE)
_POSITION_PARAM = re.compile(
    r"cursor|(next_?)?page_?token|next_?token|marker|continuation(_?token)?|(before|after)_?id|"
    r"max_?id|last_?id|search_?after|scroll_?id",
    re.IGNORECASE,
)
_CURSOR_HEADERS = re.compile(
    r"^(cb-after|x-next-(cursor|page)|x-cursor|next-cursor)$", re.IGNORECASE
)
_CURSOR_PARAMS = ("cursor", "after", "page_token", "next_token", "pageToken")
_ROUND_PAGES = {50, 100, 200, 250, 300, 500, 1_000, 1_500, 2_000, 5_000, 10_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredPaging:
    """The ``paging`` of a feed with the ``capture`` that it needs, and the reason for it."""

    options: dict[str, object]
    capture: dict[str, str] = field(default_factory=dict)
    paging_params: frozenset[str] = frozenset()
    """Parameters of the URL that paging will set."""
    reason: str
    seen: str = ""
    """What came when a second page was asked for so; empty if it was not, or did not work."""


def infer_paging(page: ProbedPage) -> InferredPaging:
    """The most likely way to the next page; one page where nothing indicates another."""
    return next(likely_pagings(page))


def likely_pagings(page: ProbedPage) -> Iterator[InferredPaging]:
    """Every way to the next page that something indicates, the most likely one first.

    The last of all is one page.
    """
    ways: tuple[Callable[[ProbedPage], InferredPaging | None], ...] = (
        _by_header, _by_next_url, _by_cursor, _by_position, _by_id, _by_time, _by_flag,
    )  # fmt: skip
    for way in ways if not page.is_whole else ():
        if paging := way(page):
            yield from _with_other_names(paging, page)
    yield _one_page(page)


def _with_other_names(paging: InferredPaging, page: ProbedPage) -> Iterator[InferredPaging]:
    """*paging*, then with other names of its parameter where the URL does not give it."""
    yield paging
    param = paging.options.get("param")
    if paging.options["kind"] not in ("cursor", "header_cursor") or param in page.params:
        return
    for name in _CURSOR_PARAMS:
        if name != param:
            yield replace(paging, options={**paging.options, "param": name})


def first_id(params: Mapping[str, str]) -> str | None:
    """The id that the page was requested from, if the URL names one."""
    return next((value for name, value in params.items() if _FROM_ID.match(name)), None)


def is_position(name: str) -> bool:
    """Whether a parameter of that name says where a page begins: ``page``, ``cursor``."""
    return any(way.match(name) for way in (_PAGE, _OFFSET, _FROM_ID, _POSITION_PARAM))


def frozen_params(params: Mapping[str, str], paging: InferredPaging) -> set[str]:
    """The parameters that name a position which no paging moves on: a cursor, a first id."""
    left = set(params) - paging.paging_params
    return {
        name
        for name in left
        if params[name] and (_FROM_ID.match(name) or _POSITION_PARAM.fullmatch(name))
    }


def _by_header(page: ProbedPage) -> InferredPaging | None:
    if re.search(r'rel="?[^"]*\bnext\b', page.headers.get("Link", ""), re.IGNORECASE):
        return InferredPaging(
            options={"kind": "link_header"}, reason="the Link header has a next page"
        )
    name = next((name for name in page.headers if _CURSOR_HEADERS.match(name)), None)
    if name is None:
        return None
    options: dict[str, object] = {"kind": "header_cursor", "param": "after", "header": name}
    return InferredPaging(options=options, reason=f"the header {name}; check the parameter's name")


def _by_next_url(page: ProbedPage) -> InferredPaging | None:
    names = {path.rpartition(".")[2].lower() for path in page.siblings}
    for path, value in page.siblings.items():
        name = path.rpartition(".")[2]
        is_url = isinstance(value, str) and _URL.match(value)
        # {"next": null, "previous": null}: the last page of a source whose other pages have one.
        is_last = value is None and name.lower() == "next" and names & {"previous", "prev"}
        if _NEXT.search(name) and (is_url or is_last):
            return InferredPaging(
                options={"kind": "next_url", "url": "next_url"},
                capture={"next_url": path},
                reason=f"{path} in the body is {'a URL' if is_url else 'null on the last page'}",
            )
    return None


def _by_cursor(page: ProbedPage) -> InferredPaging | None:
    for path, value in page.siblings.items():
        name = path.rpartition(".")[2]
        if not _CURSOR.search(name) or is_more_name(name) or isinstance(value, bool):
            continue
        if value in (None, "") and not _SURE_CURSOR.search(name):
            continue
        param = next((name for name in page.params if _may_hold(value, name, page)), "")
        options: dict[str, object] = {
            "kind": "cursor", "param": param or _cursor_param(name), "cursor": "next",
        }  # fmt: skip
        if first := _first_params(str(options["param"]), value, page):
            options["first_params"] = first
        if more := page.more_flag:
            options["has_more"] = "has_more"
        return InferredPaging(
            options=options, capture={"next": path} | ({"has_more": more} if more else {}),
            paging_params=frozenset({param} if param else ()),
            reason=f"{path} in the body may be the next cursor; check the parameter's name",
        )  # fmt: skip
    return None


def _may_hold(cursor: object, param: str, page: ProbedPage) -> bool:
    """Whether *param* may be where *cursor* goes: a time of the window holds no other cursor."""
    if param in page.window:
        found = time_params([(param, str(cursor))]).get(param)
        if found is None or found.unit is None:
            return False
    return _CURSOR_PARAM.search(param) is not None


def _first_params(param: str, cursor: object, page: ProbedPage) -> dict[str, str]:
    """How the first page is requested, where the cursor is a time: otherwise it is the newest."""
    if param in page.window:
        return {param: page.window[param].template} if page.window[param].role == "start" else {}
    if param != "since" or page.window:
        return {}
    times = time_params([(param, str(cursor))])
    return {name: found.template for name, found in times.items()}


def _cursor_param(name: str) -> str:
    """The likely parameter for a cursor called *name*: ``next_page_token`` goes to page_token."""
    bare = re.sub(r"^next_?(?=[A-Za-z])", "", name, flags=re.IGNORECASE)
    if bare.lower() in ("last", "next", ""):
        return "since" if bare.lower() == "last" else "cursor"
    return "cursor" if bare.lower() == "pagecursor" else bare[0].lower() + bare[1:]


def _by_position(page: ProbedPage) -> InferredPaging | None:
    more = page.more_flag
    flag: dict[str, object] = {"has_more": "has_more"} if more else {}
    for name, value in page.params.items():
        if name in page.window:
            continue
        if _PAGE.match(name) and value.isdecimal():
            first = 0 if value == "0" else 1
            return InferredPaging(
                options={"kind": "page", "param": name, "first": first, **flag},
                capture={"has_more": more} if more else {},
                paging_params=frozenset({name}), reason=f"the parameter {name}",
            )  # fmt: skip
        if _OFFSET.match(name) and value.isdecimal() and len(value) < 9:
            total = page.total
            capture = {"total": total} if total else {}
            options = {"kind": "offset", "param": name, **({"total": "total"} if total else {})}
            return InferredPaging(
                options={**options, **flag}, capture=capture | ({"has_more": more} if more else {}),
                paging_params=frozenset({name}), reason=f"the parameter {name}",
            )  # fmt: skip
    return None


def _by_id(page: ProbedPage) -> InferredPaging | None:
    """From an id on: the first page by the URL's own times, else ids are searched for the window.

    No parameter is invented: a source that ignored it would return its newest page.
    """
    name = next((name for name in page.params if _FROM_ID.match(name)), None)
    if name is None or page.ids is None or page.is_snapshot:
        return None
    start, _ = starts_and_ends(page.window)
    if start:
        first = {param.name: param.template for param in page.window.values()}
        options: dict[str, object] = {
            "kind": "id_forward", "param": name, "field": page.ids, "first_params": first,
        }  # fmt: skip
        return InferredPaging(
            options=options, paging_params=frozenset({name, *page.window}),
            reason=f"the parameter {name}, after a first page by {', '.join(first)}",
        )  # fmt: skip
    limit = page.limit_param
    size = page.params[limit] if limit else ""
    options = {
        "kind": "id_search", "param": name, "field": page.ids, "direction": "forward",
        **({"search_params": {limit: "1"}} if limit else {}),
        "page_rows": int(size) if size.isdecimal() and int(size) else max(page.rows, 1),
    }  # fmt: skip
    return InferredPaging(
        options=options, paging_params=frozenset({name}),
        reason=f"the parameter {name}; if the first page can be requested by time, id_forward "
        "needs fewer requests",
    )  # fmt: skip


def _by_time(page: ProbedPage) -> InferredPaging | None:
    start, end = starts_and_ends(page.window)
    if page.is_snapshot or not (start or end) or page.order not in ("ascending", "descending"):
        return None
    if (start and end and start.unit != end.unit) or (start and start.is_exclusive):
        return None
    if len(page.window) > sum(param is not None for param in (start, end)):
        return None
    options: dict[str, object]
    if page.order == "ascending" and start:
        options = {"kind": "time_forward", "start_param": start.name}
        options |= {"end_param": end.name} if end else {}
    elif page.order == "descending" and end:
        options = {"kind": "time_backward", "end_param": end.name}
        options |= {"start_param": start.name} if start else {}
    else:
        return None
    names = sorted(param.name for param in (start, end) if param)
    unit = (start or end).unit  # type: ignore[union-attr]
    return InferredPaging(
        options={**options, "unit": unit, "end": "exclusive"}, paging_params=frozenset(names),
        reason=f"the parameters {json.dumps(names)}; the end is sent as the first instant after "
        "the window, which loses nothing either way",
    )  # fmt: skip


def _by_flag(page: ProbedPage) -> InferredPaging | None:
    """The source says that there is more, but not how to get it: a page that repeats is refused."""
    more, total = page.more_flag, page.total
    if more and page.siblings[more] is True:
        return InferredPaging(
            options={"kind": "page", "has_more": "has_more"}, capture={"has_more": more},
            reason=f"{more} says that there are more; check how the next page is requested",
        )  # fmt: skip
    if total and int(str(page.siblings[total])) > page.rows:
        return InferredPaging(
            options={"kind": "offset", "total": "total"}, capture={"total": total},
            reason=f"{total} is more than the {page.rows} records of this page; check how the "
            "next page is requested",
        )  # fmt: skip
    return None


def _one_page(page: ProbedPage) -> InferredPaging:
    if page.is_whole:
        return InferredPaging(options={"kind": "single"}, reason="one state, without other pages")
    hint = "; the ids increase: look for a parameter such as fromId" if page.ids else ""
    reason = f"neither the URL nor the response indicates a next page{hint}"
    cap = page.cap
    if cap is None and page.rows in _ROUND_PAGES and not page.is_snapshot:
        cap, reason = page.rows, f"{page.rows} records may be the most that one page has{hint}"
    if cap is None:
        return InferredPaging(options={"kind": "single"}, reason=reason)
    if page.is_snapshot or page.window:
        reason += "; a full page is refused, as there may be more records"
        return InferredPaging(options={"kind": "single", "page_rows": cap}, reason=reason)
    reason += "; where older records are not in the page, the manifest says so"
    return InferredPaging(options={"kind": "newest_only", "page_rows": cap}, reason=reason)
