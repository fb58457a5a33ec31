"""Paging is inferred from the URL, the response headers and the values around the records."""

from __future__ import annotations

from typing import Any

import pytest

from include.ticklake.scaffold.infer_paging import (
    InferredPaging,
    first_id,
    frozen_params,
    infer_paging,
)
from include.ticklake.scaffold.infer_window import time_params
from include.ticklake.scaffold.probed_page import ProbedPage
from tests.support.drafts import TRADES, URL, draft_feed

LATER = [TRADES[0], TRADES[1] | {"T": 1_795_323_600_500}]


@pytest.mark.parametrize(
    ("body", "url", "headers", "paging"),
    [
        pytest.param(TRADES, URL, {}, {"kind": "single"}, id="nothing"),
        pytest.param(
            TRADES, URL, {"Link": '<https://a/?p=2>; rel="next"'}, {"kind": "link_header"},
            id="Link",
        ),
        pytest.param(
            TRADES, URL, {"CB-AFTER": "9"}, {"kind": "header_cursor", "header": "CB-AFTER"},
            id="header",
        ),
        pytest.param(
            {"data": TRADES, "next_cursor": "abc"}, URL, {},
            {"kind": "cursor", "cursor": "next", "param": "cursor"}, id="cursor",
        ),
        pytest.param(
            {"data": TRADES, "nextPageCursor": ""}, URL, {},
            {"kind": "cursor", "cursor": "next", "param": "cursor"}, id="a last page's cursor",
        ),
        pytest.param(
            {"data": TRADES, "next_page_token": "abc", "has_more": True}, URL, {},
            {"kind": "cursor", "param": "page_token", "has_more": "has_more"}, id="token",
        ),
        pytest.param(
            {"result": {"XXBTZUSD": TRADES, "last": "1795323600000000007"}}, URL, {},
            {"kind": "cursor", "param": "since", "first_params": {"since": "{before_ns}"}},
            id="a cursor that is a time",
        ),
        pytest.param(
            {"data": TRADES, "nextCursor": "1795323602-0"}, f"{URL}?since=1795323600", {},
            {"kind": "cursor", "param": "cursor", "first_params": {}},
            id="a cursor that is none of the window's times",
        ),
        pytest.param(
            {"data": TRADES, "nextCursor": None}, f"{URL}?since=1795323600", {},
            {"kind": "cursor", "param": "cursor", "first_params": {}},
            id="a last page's cursor beside a window",
        ),
        pytest.param(
            {"data": TRADES, "last": "1795323602"}, f"{URL}?since=1795323600", {},
            {"kind": "cursor", "param": "since", "first_params": {"since": "{before_s}"}},
            id="a cursor that is a time like the window's",
        ),
        pytest.param(
            {"next": "/v1/trades?page=2", "data": TRADES}, URL, {}, {"kind": "next_url"},
            id="next URL",
        ),
        pytest.param(
            {"next": None, "previous": None, "data": TRADES}, URL, {}, {"kind": "next_url"},
            id="a last page's next URL",
        ),
        pytest.param(
            TRADES, f"{URL}?page=1&limit=2", {}, {"kind": "page", "page_rows": None}, id="page"
        ),
        pytest.param(
            TRADES, f"{URL}?page=3", {}, {"kind": "page", "first": 1}, id="not from page 3 on"
        ),
        pytest.param(
            {"data": TRADES, "has_more": True}, f"{URL}?page=1", {},
            {"kind": "page", "has_more": "has_more"}, id="has more",
        ),
        pytest.param(
            {"data": TRADES, "has_more": True}, URL, {},
            {"kind": "page", "has_more": "has_more"}, id="more, but not how",
        ),
        pytest.param(
            {"data": TRADES, "total": 90}, URL, {}, {"kind": "offset", "total": "total"},
            id="a total of more",
        ),
        pytest.param({"data": TRADES, "total": 2}, URL, {}, {"kind": "single"}, id="all of them"),
        pytest.param(
            {"data": TRADES, "info": {"coins_num": 90}}, f"{URL}?start=0", {},
            {"kind": "offset", "param": "start", "total": "total"}, id="offset",
        ),
        pytest.param(
            TRADES, f"{URL}?fromId=7&limit=500", {},
            {"kind": "id_search", "param": "fromId", "field": "id", "page_rows": 500,
             "search_params": {"limit": "1"}}, id="ids",
        ),
        pytest.param(
            TRADES, f"{URL}?fromId=7&startTime=1795323600000", {},
            {"kind": "id_forward", "first_params": {"startTime": "{start_ms}"}},
            id="ids after a time",
        ),
        pytest.param(
            LATER, f"{URL}?startTime=1795323600000&endTime=1795323600001", {},
            {"kind": "time_forward", "start_param": "startTime", "end_param": "endTime",
             "unit": "ms", "end": "exclusive", "page_rows": None}, id="time",
        ),
        pytest.param(
            LATER, f"{URL}?start=1795323600&end=1795323601", {},
            {"kind": "time_forward", "unit": "s"}, id="in the unit of the URL",
        ),
        pytest.param(
            LATER[::-1], f"{URL}?startTime=1795323600000&endTime=1795323600001", {},
            {"kind": "time_backward"}, id="newest first",
        ),
        pytest.param(
            TRADES, f"{URL}?startTime=1795323600000&endTime=1795323600001&limit=2", {},
            {"kind": "single", "page_rows": 2}, id="a page of one instant shows no direction",
        ),
        pytest.param(
            LATER, f"{URL}?after=1795323600000&limit=2", {}, {"kind": "single", "page_rows": 2},
            id="an exclusive start would skip what shares an instant",
        ),
        pytest.param(
            LATER, f"{URL}?limit=2", {}, {"kind": "newest_only", "page_rows": 2}, id="full, newest"
        ),
        pytest.param(
            [{"id": 1}, {"id": 2}], f"{URL}?limit=2", {}, {"kind": "single", "page_rows": 2},
            id="a full snapshot",
        ),
    ],
)  # fmt: skip
def test_paging_is_inferred_from_a_page(body, url, headers, paging):
    """From the response first, then from the URL."""
    found = draft_feed(body, url, **headers).source.paging.model_dump()
    assert {name: found.get(name) for name in paging} == paging


def inferred(**known: Any) -> InferredPaging:
    return infer_paging(ProbedPage(**{"params": {}, "rows": 5, "order": "ascending"} | known))


def test_parameters_that_paging_sets_are_named():
    """They leave the feed's own parameters."""
    window = time_params([("from", "1795323600"), ("to", "1795323660")])
    assert inferred(params={"page": "1", "x": "y"}).paging_params == {"page"}
    assert inferred(params=dict.fromkeys(window, ""), window=window).paging_params == window.keys()


def test_ids_without_a_parameter_are_a_hint():
    """What to look for in the API's documentation."""
    assert "look for a parameter such as fromId" in inferred(ids="id").reason


def test_a_page_of_a_round_number_may_be_full():
    """Where the URL does not say how many records it asked for."""
    assert inferred(rows=500).options == {"kind": "newest_only", "page_rows": 500}
    assert inferred(rows=500, is_snapshot=True).options == {"kind": "single"}


def test_a_position_that_no_paging_moves_on_is_frozen():
    """The same page would be requested forever."""
    single = inferred()
    assert frozen_params({"fromId": "5", "cursor": "x", "symbol": "A"}, single) == {
        "fromId",
        "cursor",
    }
    assert frozen_params({"page": "2"}, inferred(params={"page": "2"})) == set()
    assert first_id({"fromId": "5"}) == "5"
    assert first_id({"order_id": "5"}) is None
