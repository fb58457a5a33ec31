"""Infer the paging of a feed from a URL, its response headers and the values around the records."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_CURSOR = re.compile(r"cursor|next_?page|token|continu|^last$|^after$|^next$", re.IGNORECASE)
_CURSOR_PARAM = re.compile(r"cursor|since|after|token|marker", re.IGNORECASE)
_NEXT = re.compile(r"next", re.IGNORECASE)
_MORE = re.compile(r"has_?(more|next)|^more$", re.IGNORECASE)
_TOTAL = re.compile(r"total|count|_num$|^num_", re.IGNORECASE)
_PAGE = re.compile(r"^(page|p|page_?(no|num|number|index))$", re.IGNORECASE)
_OFFSET = re.compile(r"^(offset|skip|start(_?(at|index|row))?)$", re.IGNORECASE)
_LIMIT = re.compile(r"^(limit|per_?page|page_?size|count|size|limit_trades)$", re.IGNORECASE)
_FROM_ID = re.compile(r"^(from_?id|since_?(t?id|id))$", re.IGNORECASE)
_START = re.compile(r"^(start_?time|start_?at|from|since|begin|start)(_?ms|_?ts)?$", re.IGNORECASE)
_END = re.compile(r"^(end_?time|end_?at|to|until|end)(_?ms|_?ts)?$", re.IGNORECASE)
_CURSOR_HEADERS = re.compile(
    r"^(cb-after|x-next-(cursor|page)|x-cursor|next-cursor)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredPaging:
    """The ``paging`` of a feed with the ``capture`` that it needs, and the reason for it."""

    options: dict[str, object]
    capture: dict[str, str] = field(default_factory=dict)
    paging_params: frozenset[str] = frozenset()
    """Parameters of the URL that paging will set."""
    reason: str


def infer_paging(
    *,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    siblings: Mapping[str, object],
    rows: int,
    ids: str | None,
    unit: str | None,
    ascending: bool,
) -> InferredPaging:
    """The most likely way to the next page; ``single`` where nothing indicates one.

    *siblings* maps the paths of the scalars outside the records to their values, *ids* is the
    source's name of an integer key, *unit* that of the event time.
    """
    sized = _page_rows(params, rows=rows)
    inferred = (
        _by_header(headers)
        or _by_body(siblings, params)
        or _by_position(params, siblings, sized)
        or _by_id(params, sized, ids=ids, unit=unit)
        or _by_time(params, sized, unit=unit, ascending=ascending)
    )
    if inferred:
        return inferred
    hint = "; the ids increase: look for a parameter such as fromId" if ids else ""
    return InferredPaging(
        options={"kind": "single"},
        reason=f"neither the URL nor the response indicates a next page{hint}",
    )


def _page_rows(params: Mapping[str, str], *, rows: int) -> dict[str, object]:
    limits = (value for name, value in params.items() if _LIMIT.match(name))
    full = any(value.isdecimal() and int(value) == rows and rows for value in limits)
    return {"page_rows": rows} if full else {}


def _by_header(headers: Mapping[str, str]) -> InferredPaging | None:
    if 'rel="next"' in headers.get("Link", ""):
        return InferredPaging(
            options={"kind": "link_header"}, reason="the Link header has a next page"
        )
    name = next((name for name in headers if _CURSOR_HEADERS.match(name)), None)
    if name is None:
        return None
    options: dict[str, object] = {"kind": "header_cursor", "param": "after", "header": name}
    return InferredPaging(options=options, reason=f"the header {name}; check the parameter's name")


def _by_body(siblings: Mapping[str, object], params: Mapping[str, str]) -> InferredPaging | None:
    for path, value in siblings.items():
        name = path.rpartition(".")[2]
        if _NEXT.search(name) and isinstance(value, str) and re.match(r"https?://|/|\?", value):
            return InferredPaging(
                options={"kind": "next_url", "url": "next_url"},
                capture={"next_url": path},
                reason=f"{path} in the body is a URL",
            )
    for path, value in siblings.items():
        name = path.rpartition(".")[2]
        if _CURSOR.search(name) and not _MORE.search(name) and isinstance(value, str | int):
            if isinstance(value, bool) or value == "":
                continue
            param = next((name for name in params if _CURSOR_PARAM.search(name)), "cursor")
            return InferredPaging(
                options={"kind": "cursor", "param": param, "cursor": "next"},
                capture={"next": path},
                paging_params=frozenset({param}),
                reason=f"{path} in the body may be the next cursor; check the parameter's name",
            )
    return None


def _by_position(
    params: Mapping[str, str], siblings: Mapping[str, object], sized: dict[str, object]
) -> InferredPaging | None:
    more = next((p for p, v in siblings.items() if _MORE.search(p) and isinstance(v, bool)), None)
    total = next(
        (p for p, v in siblings.items() if _TOTAL.search(p) and type(v) is int and v >= 0), None
    )
    flag = {"has_more": "has_more"} if more else {}
    for name, value in params.items():
        if _PAGE.match(name) and value.isdecimal():
            options = {"kind": "page", "param": name, "first": int(value), **sized, **flag}
            capture = {"has_more": more} if more else {}
            return InferredPaging(
                options=options, capture=capture, paging_params=frozenset({name}),
                reason=f"the parameter {name}",
            )  # fmt: skip
        if _OFFSET.match(name) and value.isdecimal() and len(value) < 9:
            counted = {"total": "total"} if total else {}
            capture = {"total": total} if total else {}
            return InferredPaging(
                options={"kind": "offset", "param": name, **sized, **counted}, capture=capture,
                paging_params=frozenset({name}), reason=f"the parameter {name}",
            )  # fmt: skip
    return None


def _by_id(
    params: Mapping[str, str], sized: dict[str, object], *, ids: str | None, unit: str | None
) -> InferredPaging | None:
    name = next((name for name in params if _FROM_ID.match(name)), None)
    if name is None or ids is None or unit not in ("s", "ms", "us", "ns"):
        return None
    first = {"startTime": f"{{start_{unit}}}", "endTime": f"{{last_{unit}}}"}
    options = {"kind": "id_forward", "param": name, "field": ids, "first_params": first, **sized}
    return InferredPaging(
        options=options, paging_params=frozenset({name}),
        reason=f"the parameter {name}; check how the first page is requested by time",
    )  # fmt: skip


def _by_time(
    params: Mapping[str, str], sized: dict[str, object], *, unit: str | None, ascending: bool
) -> InferredPaging | None:
    start = next((name for name in params if _START.match(name)), None)
    end = next((name for name in params if _END.match(name)), None)
    by = unit if unit in ("s", "ms", "us", "ns") else None
    if by is None or not (start or end):
        return None
    range_params = frozenset(filter(None, (start, end)))
    if ascending and start:
        options = {"kind": "time_forward", "start_param": start}
        options |= {"end_param": end} if end else {}
    elif end:
        options = {"kind": "time_backward", "end_param": end}
        options |= {"start_param": start} if start else {}
    else:
        return None
    return InferredPaging(
        options={**options, "unit": by, **sized}, paging_params=range_params,
        reason=f"the parameters {json.dumps(sorted(range_params))}; if several records share a "
        "time, page by id",
    )  # fmt: skip
