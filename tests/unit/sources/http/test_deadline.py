"""One request has a time by which it must be answered, and no read waits longer."""

from __future__ import annotations

import math

import pytest

from include.ticklake.errors import MalformedPageError, SourceUnavailableError
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.http.deadline import RequestDeadline
from tests.support import api_pages
from tests.support.api_pages import BY_TIME, by_time
from tests.support.feed_texts import feed
from tests.support.http_requests import read
from tests.support.servers.raw import Drip, RawServer, ok

SHORT = Limits(page_timeout_s=1)


def test_nothing_is_bounded_before_a_request():
    """A connection may be made without one."""
    deadline = RequestDeadline()
    assert not deadline.is_over
    assert deadline.timeout_s(30) == 30
    assert deadline.timeout_s(None) == math.inf


def test_a_read_waits_for_what_is_left_of_the_request_at_most():
    """Or for the read timeout, which is shorter as a rule."""
    deadline = RequestDeadline()
    deadline.start("acme", limits=Limits(page_timeout_s=100), unit=None)
    assert deadline.timeout_s(30) == 30
    assert 99 < deadline.timeout_s(101) <= 100
    assert 99 < deadline.timeout_s(None) <= 100


def test_the_time_of_the_unit_counts_where_it_is_shorter():
    """The error then names the unit's setting, and no request starts that is too late."""
    now_s = [0.0]
    unit = UnitDeadline(Limits(unit_timeout="1m"), clock=lambda: now_s[0])
    deadline = RequestDeadline()
    now_s[0] = 55
    deadline.start("acme", limits=Limits(), unit=unit)
    assert 4 < deadline.timeout_s(30) <= 5
    now_s[0] = 60
    for is_answered in (True, False):
        error = deadline.error(is_answered=is_answered)
        assert isinstance(error, SourceUnavailableError)
        assert str(error).startswith("acme: the unit is incomplete after limits.unit_timeout")
    with pytest.raises(SourceUnavailableError, match=r"limits.unit_timeout: 0:01:00"):
        deadline.start("acme", limits=Limits(), unit=unit)


@pytest.mark.parametrize(
    ("head", "drop", "kind", "message"),
    [
        pytest.param(b"HTTP/1.1 200 ", b"O", SourceUnavailableError,
                     "no whole answer after limits.page_timeout_s: 1", id="in the head"),
        pytest.param(ok("Content-Length: 9999"), b" ", MalformedPageError,
                     "^incomplete after limits.page_timeout_s: 1", id="in the body"),
    ],
)  # fmt: skip
def test_a_request_that_takes_too_long_names_the_setting(session, head, drop, kind, message):
    """Before or after the head of its answer."""
    with RawServer(head, then=Drip(drop)) as server, pytest.raises(kind, match=message):
        read(f"{server.url}/x", session, limits=SHORT)


def test_a_connection_that_is_used_again_has_the_deadline_of_its_new_request(http_server, session):
    """Not that of its first one."""
    http_server.answer("/x", b"[]")
    read(f"{http_server.url}/x", session, limits=Limits(page_timeout_s=100))
    http_server.answer("/x", Drip(b" "))
    with pytest.raises(MalformedPageError, match=r"limits.page_timeout_s: 1"):
        read(f"{http_server.url}/x", session, limits=SHORT)


def test_a_unit_has_a_time_by_which_its_pages_must_be_read(http_server, waits):
    """Checked between two pages; a unit that is complete is not too late."""
    http_server.answer_by("/rows", by_time(12))
    timed = feed(source=BY_TIME, limits={"unit_timeout": "1m"})

    def pages_of(page_s: float):
        """A clock by which each page takes *page_s*."""
        already = len(http_server.asked)
        return lambda: page_s * (len(http_server.asked) - already)

    with pytest.raises(
        SourceUnavailableError, match=r"/rows\?from=\d+&.*limits.unit_timeout: 0:01:00"
    ):
        api_pages.read(timed, http_server, waits, clock=pages_of(20))
    assert len(http_server.asked) == 3
    assert len(api_pages.read(timed, http_server, waits, clock=pages_of(19))) == 4
