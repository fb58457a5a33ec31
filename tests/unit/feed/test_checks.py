"""A feed that can be read may still never work in Airflow, or be doubtful."""

from __future__ import annotations

from include.ticklake.feed.checks import find_doubts, find_problems
from tests.support.feed_texts import SMALL, feed


def test_a_window_that_airflow_cannot_schedule_is_a_problem():
    """At the option that says so."""
    [problem] = find_problems(feed(window="7h"))
    assert problem.path == ("window",)
    assert "write 6h or 8h" in str(problem)
    assert list(find_problems(feed(window="1w"))) == []


def test_a_key_that_may_be_null_is_doubtful():
    """Records without it are never taken for duplicates."""
    fields = SMALL["fields"] | {"id": {"type": "int64", "key": True, "required": False}}
    [doubt] = find_doubts(feed(fields=fields))
    assert doubt.path == ("fields", "id", "required")
    assert list(find_doubts(feed())) == []
