"""Paging is inferred from the URL, the response headers and the values around the records."""

from __future__ import annotations

from typing import Any

import pytest

from include.ticklake.scaffold.infer_paging import InferredPaging, infer_paging
from tests.support.drafts import TRADES, URL, draft_feed


@pytest.mark.parametrize(
    ("body", "url", "headers", "paging"),
    [
        pytest.param(TRADES, URL, {}, {"kind": "single"}, id="nothing"),
        pytest.param(
            TRADES,
            URL,
            {"Link": '<https://a/?p=2>; rel="next"'},
            {"kind": "link_header"},
            id="Link",
        ),
        pytest.param(
            TRADES,
            URL,
            {"CB-AFTER": "9"},
            {"kind": "header_cursor", "header": "CB-AFTER"},
            id="header",
        ),
        pytest.param(
            {"data": TRADES, "next_cursor": "abc"},
            URL,
            {},
            {"kind": "cursor", "cursor": "next"},
            id="cursor after the records",
        ),
        pytest.param(
            {"next": "/v1/trades?page=2", "data": TRADES},
            URL,
            {},
            {"kind": "next_url"},
            id="next URL",
        ),
        pytest.param(
            TRADES, f"{URL}?page=1&limit=2", {}, {"kind": "page", "page_rows": 2}, id="page"
        ),
        pytest.param(
            {"data": TRADES, "has_more": True},
            f"{URL}?page=1",
            {},
            {"kind": "page", "has_more": "has_more"},
            id="has more",
        ),
        pytest.param(
            {"data": TRADES, "info": {"coins_num": 90}},
            f"{URL}?start=0",
            {},
            {"kind": "offset", "param": "start", "total": "total"},
            id="offset",
        ),
        pytest.param(
            TRADES,
            f"{URL}?fromId=7",
            {},
            {"kind": "id_forward", "param": "fromId", "field": "id"},
            id="ids",
        ),
        pytest.param(
            TRADES,
            f"{URL}?startTime=1795323600000&endTime=1795323600001",
            {},
            {
                "kind": "time_forward",
                "start_param": "startTime",
                "end_param": "endTime",
                "unit": "ms",
            },
            id="time",
        ),
        pytest.param(
            [*TRADES[::-1], TRADES[0] | {"T": 1}],
            f"{URL}?endTime=1795323600001",
            {},
            {"kind": "single"},
            id="no time, no paging by it",
        ),
    ],
)
def test_paging_is_inferred_from_a_page(body, url, headers, paging):
    """From the response first, then from the URL."""
    options = draft_feed(body, url, **headers).source.paging.model_dump()
    assert options | paging == options


def inferred(**known: Any) -> InferredPaging:
    nothing = {"params": {}, "headers": {}, "siblings": {}, "rows": 5, "ids": None, "unit": None}
    return infer_paging(**nothing | {"ascending": True} | known)


def test_parameters_that_paging_sets_are_named():
    """They leave the feed's own parameters."""
    assert inferred(params={"page": "1", "x": "y"}).paging_params == {"page"}
    assert inferred(params={"since": "5", "to": "9"}, unit="s").paging_params == {"since", "to"}


@pytest.mark.parametrize(
    ("params", "ascending", "kind"),
    [
        ({"startTime": "1", "endTime": "2"}, True, "time_forward"),
        ({"startTime": "1", "endTime": "2"}, False, "time_backward"),
        ({"startTime": "1"}, False, "single"),
    ],
)
def test_the_order_of_the_page_decides_the_direction(params, ascending, kind):
    """Backward paging needs a parameter for the end."""
    assert inferred(params=params, unit="ms", ascending=ascending).options["kind"] == kind


def test_a_page_that_is_not_full_says_nothing_about_its_size():
    """The limit is the page's size only where it was reached."""
    assert inferred(params={"page": "1", "limit": "5"}).options["page_rows"] == 5
    assert "page_rows" not in inferred(params={"page": "1", "limit": "9"}).options


def test_ids_without_a_parameter_are_a_hint():
    """What to look for in the API's documentation."""
    assert "look for a parameter such as fromId" in inferred(ids="id").reason
