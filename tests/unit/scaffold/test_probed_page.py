"""What one page tells of its size: the cap that it reached, a total, a flag for more."""

from __future__ import annotations

import pytest

from include.ticklake.scaffold.probed_page import ProbedPage, is_more_name


@pytest.mark.parametrize(
    ("params", "rows", "cap"),
    [({"limit": "5"}, 5, 5), ({"$top": "5"}, 5, 5), ({"limit": "9"}, 5, None), ({}, 5, None)],
)
def test_a_cap_is_known_where_it_is_reached(params, rows, cap):
    """A page that is not full says nothing about its size."""
    assert ProbedPage(params=params, rows=rows).cap == cap


@pytest.mark.parametrize(
    ("siblings", "path"),
    [
        ({"info.coins_num": 90}, "info.coins_num"),
        ({"total": "90"}, "total"),
        ({"hits.total.value": 90}, "hits.total.value"),
        ({"total": 4}, None),
        ({"total_volume": 90}, None),
        ({"total": True}, None),
    ],
)
def test_a_total_is_a_number_of_records(siblings, path):
    """Not one that is less than the page has."""
    assert ProbedPage(params={}, rows=5, siblings=siblings).total == path


def test_a_flag_is_true_or_false():
    """Its name says that it is about further pages."""
    page = ProbedPage(params={}, rows=5, siblings={"testnet": True, "meta.hasMore": False})
    assert page.more_flag == "meta.hasMore"
    assert is_more_name("has_next")
    assert not is_more_name("anymore")
