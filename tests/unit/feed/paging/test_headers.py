"""Headers that say that there is more than a page."""

from __future__ import annotations

import pytest
from requests.structures import CaseInsensitiveDict

from include.ticklake.errors import FeedFileError
from include.ticklake.feed.paging import PageInfo
from include.ticklake.feed.paging.headers import headers_name_more
from tests.support.paging import WINDOW, paging

STEPS = {"start_param": "from", "end_param": "to", "step": "1h"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"Link": '<https://a.example/?page=2>; rel="next"'}, True),
        ({"link": "<https://a.example/?page=1>; rel=prev"}, False),
        ({"Content-Range": "bytes 0-999/3573"}, True),
        ({"content-range": "items 0-24/25"}, False),
        ({"Content-Range": "0-24/*"}, False),
        ({"Content-Range": "trades 0-24/*"}, False),
        ({"Content-Range": "*/0"}, False),
        ({"Content-Range": "x 99999999999999999999-99999999999999999999/999999999999999999999"},
         True),
        ({"Content-Range": "nonsense"}, False),
    ],
)  # fmt: skip
def test_a_next_link_or_a_range_of_a_larger_total_names_more(headers, expected):
    """In any case of letters; a total that is not known says nothing."""
    info = PageInfo(rows=25, headers=CaseInsensitiveDict(headers))
    assert headers_name_more(info) is expected


@pytest.mark.parametrize(
    ("kind", "options"), [("single", {}), ("time_steps", STEPS)], ids=["single", "time_steps"]
)
@pytest.mark.parametrize(
    "headers", [{"Link": "<?page=2>; rel=next"}, {"Content-Range": "items 0-0/3573"}]
)
def test_more_than_a_page_is_refused_where_no_other_page_is_requested(kind, options, headers):
    """Never 1,000 of 3,573 records and exit 0."""
    pager = paging(kind, **options).pages(WINDOW)
    next(pager)
    with pytest.raises(FeedFileError, match="the source says that there are more"):
        pager.send(PageInfo(rows=1, headers=headers))
