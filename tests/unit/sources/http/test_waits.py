"""How long to wait is read from what sources really send, and is never absurd."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.errors import LONGEST_WAIT_S
from include.ticklake.sources.http.waits import read_wait_s, retry_after_s

NOW_S = 1_795_323_600.0  # 2026-11-22T05:00:00Z


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        pytest.param("120", 120, id="seconds"),
        pytest.param(" 0 ", 0, id="none"),
        pytest.param("0.503", 0.503, id="half a second"),
        pytest.param("1.5", 1.5, id="a fraction"),
        pytest.param(".5", 0.5, id="a fraction without a zero"),
        pytest.param("-1", 0, id="less than nothing"),
        pytest.param("1, 1", 1, id="sent twice"),
        pytest.param("1, 7", 7, id="the longest of two"),
        pytest.param("259200", 259_200, id="three days, as real bans take"),
        pytest.param("1795323690", 90, id="an epoch"),
        pytest.param("1795323690.5", 90.5, id="an epoch with a fraction"),
        pytest.param("1795323690000", 90, id="an epoch in milliseconds"),
        pytest.param("1795323690000000", 90, id="an epoch in microseconds"),
        pytest.param("1795323690000000000", 90, id="an epoch in nanoseconds"),
        pytest.param("1795323000", 0, id="an epoch that has passed"),
        pytest.param("30s", 30, id="its unit said"),
        pytest.param("500 ms", 0.5, id="milliseconds said"),
        pytest.param("2 minutes", 120, id="its unit in words"),
        pytest.param(formatdate(NOW_S + 90, usegmt=True), 90, id="a date"),
        pytest.param(formatdate(NOW_S - 90, usegmt=True), 0, id="a date that has passed"),
        pytest.param("Sun, 22 Nov 2026 05:01:00 -0000", 60, id="a date without a zone"),
        pytest.param("Sunday, 22-Nov-26 05:01:10 GMT", 70, id="the oldest form"),
        pytest.param("Sun Nov 22 05:01:10 2026", 70, id="the form of C"),
        pytest.param("2026-11-22T05:01:10Z", 70, id="a time of ISO 8601"),
    ],
)
def test_how_long_to_wait_is_read_from_the_answer(value, wait_s):
    """Seconds, a date, or a moment."""
    found_s = retry_after_s({"Retry-After": value}, now_s=NOW_S, default_s=999)
    assert found_s == pytest.approx(wait_s, abs=1e-3)


@pytest.mark.parametrize(
    "value",
    [
        "", "soon", "\xb2", "1_0", "nan", "inf", "1e400", "5 parsecs", "Mon, 99 Foo 2026",
        "1, soon",
        "9" * 400, "99999999999999999999", "4102444800", "604801", "86400000",
        "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999 23:59:59 GMT", "2100-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_what_does_not_say_how_long_means_the_usual_wait(value):
    """Nothing waits a week by accident."""
    assert read_wait_s(value, now_s=NOW_S) is None
    assert retry_after_s({"Retry-After": value}, now_s=NOW_S, default_s=7) == 7
    assert retry_after_s({}, now_s=NOW_S) == 60


@given(st.text(st.characters(max_codepoint=255), max_size=40))
@example("1, 2 3 4:5:6 7 8")
@example("Mon, 01 Jan 0000 00:00:00 +9999")
def test_any_header_is_a_wait_of_a_week_at_most(value):
    """No text in it makes an error of its own."""
    assert 0 <= retry_after_s({"Retry-After": value}, now_s=NOW_S) <= LONGEST_WAIT_S


@given(
    number=st.integers(-(10**20), 10**20) | st.floats(-1e20, 1e20),
    unit_s=st.sampled_from([1.0, 0.001]),
)
def test_any_number_is_a_wait_of_a_week_at_most(number, unit_s):
    """Whatever its unit was meant to be."""
    text = f"{number:f}" if isinstance(number, float) else str(number)
    wait_s = read_wait_s(text, now_s=NOW_S, unit_s=unit_s)
    assert wait_s is None or 0 <= wait_s <= LONGEST_WAIT_S


@given(
    wait_s=st.integers(0, 86_400),
    form=st.sampled_from(
        [
            lambda wait_s: str(wait_s),
            lambda wait_s: f"{wait_s}.000",
            lambda wait_s: f"{wait_s} s",
            lambda wait_s: str(int(NOW_S) + wait_s),
            lambda wait_s: str((int(NOW_S) + wait_s) * 10**3),
            lambda wait_s: str((int(NOW_S) + wait_s) * 10**6),
            lambda wait_s: str((int(NOW_S) + wait_s) * 10**9),
            lambda wait_s: formatdate(NOW_S + wait_s, usegmt=True),
            lambda wait_s: datetime.fromtimestamp(NOW_S + wait_s, UTC).isoformat(),
            lambda wait_s: f"{wait_s}, {wait_s}",
        ]
    ),
)
def test_a_wait_is_the_same_in_every_form(wait_s, form):
    """As seconds, as a moment in any unit, as a date."""
    assert read_wait_s(form(wait_s), now_s=NOW_S) == pytest.approx(wait_s, abs=1e-3)
