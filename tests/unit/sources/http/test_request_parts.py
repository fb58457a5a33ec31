"""Each page's request has the feed's parts, and its own in place of them."""

from __future__ import annotations

import pytest

from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageRequest
from include.ticklake.feed.paging.json_text import JsonText
from include.ticklake.sources.http.request_parts import PartsOfUnit, RequestParts

VALUES = {"symbol": "A", "start_ms": "5", "none": ""}


def parts(page: PageRequest, **source) -> RequestParts:
    """The parts for *page* of a source that pages by ``at``."""
    plain = {"kind": "http", "base_url": "https://a.example", "path": "/"}
    return PartsOfUnit(HttpSource.model_validate(plain | source), VALUES).of_page(page)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param(7, 7, id="a number"),
        pytest.param("{start_ms}", 5, id="a template"),
        pytest.param(None, None, id="null"),
        pytest.param(["{symbol}"], ["A"], id="a list"),
    ],
)
def test_a_parameter_of_a_page_goes_into_the_body_by_its_path(value, sent):
    """As JSON has it; what was there before is replaced, the rest stays."""
    found = parts(PageRequest(params={"a.at": value}), method="POST", body={"a": {"at": 0, "b": 1}})
    assert found == RequestParts(params={}, body={"a": {"at": sent, "b": 1}})


@pytest.mark.parametrize(
    ("value", "in_body", "in_query"),
    [
        pytest.param("{symbol}", "{symbol}", "{symbol}", id="a text, never a template"),
        pytest.param(JsonText('[1,"x"]'), [1, "x"], '[1,"x"]', id="JSON"),
        pytest.param("5", "5", "5", id="a text of digits"),
    ],
)
def test_what_the_source_returned_goes_back_as_it_came(value, in_body, in_query):
    """In a query it is a text in any case."""
    page = PageRequest(params={}, source_params={"at": value})
    assert parts(page, method="POST", body={}).body == {"at": in_body}
    assert parts(page, method="POST", form={}).form == {"at": in_query}
    assert parts(page).params == {"at": in_query}


def test_a_parameter_that_is_left_empty_is_left_out():
    """Also in place of one that the feed has."""
    page = PageRequest(params={"at": "{none}", "b": None})
    assert parts(page, params={"at": 1, "b": 2, "c": 3}).params == {"c": "3"}


def test_a_parameter_that_params_name_stays_in_the_query():
    """The body has the others."""
    page = PageRequest(params={"at": 7, "b": 8})
    found = parts(page, method="POST", params={"at": 1}, body={"c": 1})
    assert found == RequestParts(params={"at": "7"}, body={"c": 1, "b": 8})
