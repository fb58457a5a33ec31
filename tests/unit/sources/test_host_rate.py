"""What is known of a host, and how each request and each response changes it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.sources.host_rate import HostRate, QuotaReport

NOW_S = 1_795_323_610.0
PATH = "/trades"


def sent(rate: HostRate, now_s: float, requests_per_s: float | None = None) -> HostRate:
    assert rate.wait_s(PATH, now_s=now_s) <= 0
    return rate.send(PATH, now_s=now_s, requests_per_s=requests_per_s)


def answered(rate: HostRate, sent_s: float, now_s: float, left: float | None) -> HostRate:
    reading = None if left is None else QuotaReport(left=left, renewed_s=NOW_S + 60)
    return rate.answer(PATH, sent_s=sent_s, reading=reading, now_s=now_s)


def test_a_pace_is_kept_whoever_sends():
    """At 95 % of the rate, as one that is late counts with those of the next second."""
    rate = sent(HostRate(), NOW_S, requests_per_s=10)
    assert rate.wait_s("/candles", now_s=NOW_S) == pytest.approx(0.1 / 0.95)


def test_feeds_with_other_rates_share_the_time_of_a_host():
    """A request of a feed with half the rate takes twice the time."""
    rate = sent(HostRate(), NOW_S, requests_per_s=5)
    assert rate.wait_s(PATH, now_s=NOW_S) == pytest.approx(0.2 / 0.95)


def test_a_request_that_is_a_little_late_delays_no_other():
    """By 20 ms at most: later ones are not made up for, as that were a burst."""
    first = answered(sent(HostRate(), NOW_S, 1), NOW_S, NOW_S, None)
    times_s = [NOW_S + 1 / 0.95 + late_s for late_s in (0.01, 0.5)]
    late = [sent(first, now_s, 1).next_s - NOW_S for now_s in times_s]
    assert late == pytest.approx([2 / 0.95, 2 / 0.95 + 0.5], abs=1e-3)


def test_the_first_request_goes_alone():
    """What is left of a small quota nobody knows before its answer."""
    rate = sent(HostRate(), NOW_S)
    assert 0 < rate.wait_s(PATH, now_s=NOW_S) < 0.1
    assert rate.wait_s("/candles", now_s=NOW_S) == 0
    assert answered(rate, NOW_S, NOW_S + 0.1, None).wait_s(PATH, now_s=NOW_S + 0.1) == 0


def test_requests_on_their_way_count():
    """Three are left: three may be sent, and the fourth waits until the quota is renewed."""
    rate = answered(sent(HostRate(), NOW_S), NOW_S, NOW_S, 3)
    for _ in range(3):
        rate = sent(rate, NOW_S + 1)
    assert rate.wait_s(PATH, now_s=NOW_S + 1) == 59


def test_what_a_request_costs_is_measured():
    """Nine are left, and one takes four of them: two may be sent."""
    rate = answered(sent(HostRate(), NOW_S), NOW_S, NOW_S, 17)
    for number in range(2):
        rate = answered(sent(rate, NOW_S + number), NOW_S + number, NOW_S + number, 13 - 4 * number)
    for _ in range(2):
        rate = sent(rate, NOW_S + 3)
    assert rate.wait_s(PATH, now_s=NOW_S + 3) == 57


def test_a_killed_worker_holds_nobody_up():
    """Its request counts as over after ten seconds."""
    rate = sent(HostRate(), NOW_S)
    assert rate.wait_s(PATH, now_s=NOW_S + 9) > 0
    assert rate.wait_s(PATH, now_s=NOW_S + 11) == 0


def test_a_request_without_a_response_is_over():
    """The next one may ask what is left."""
    rate = sent(HostRate(), NOW_S).lose(PATH, sent_s=NOW_S, now_s=NOW_S + 1)
    assert rate.wait_s(PATH, now_s=NOW_S + 1) == 0


def test_a_refusal_stops_the_whole_host():
    """All paths, until it is over, except for the one who has waited; then one goes alone."""
    rate = answered(sent(HostRate(), NOW_S), NOW_S, NOW_S, 9)
    rate = sent(rate, NOW_S).refuse(PATH, sent_s=NOW_S, wait_s=30, now_s=NOW_S)
    assert rate.wait_s("/candles", now_s=NOW_S + 1) == 29
    assert rate.wait_s(PATH, now_s=NOW_S + 1, has_waited=rate.refused_until_s) == 0
    assert sent(rate, NOW_S + 30).wait_s(PATH, now_s=NOW_S + 30) > 0


def test_a_shorter_refusal_does_not_end_a_longer_one():
    """A ban of an hour remains one."""
    rate = sent(HostRate(), NOW_S).refuse(PATH, sent_s=NOW_S, wait_s=3600, now_s=NOW_S)
    assert rate.refuse(PATH, sent_s=NOW_S, wait_s=1, now_s=NOW_S).refused_until_s == NOW_S + 3600


def test_a_renewed_quota_is_believed_before_its_time():
    """The source's clock may be ahead of ours."""
    rate = answered(sent(HostRate(), NOW_S), NOW_S, NOW_S, 1)
    rate = answered(sent(rate, NOW_S + 1), NOW_S + 1, NOW_S + 1, 20)
    assert rate.wait_s(PATH, now_s=NOW_S + 1) == 0


def test_a_response_without_its_word_of_the_quota_blocks_nothing():
    """From a source that otherwise has one."""
    rate = answered(sent(HostRate(), NOW_S), NOW_S, NOW_S, 0)
    rate = answered(sent(rate, NOW_S + 60), NOW_S + 60, NOW_S + 60, None)
    assert rate.wait_s(PATH, now_s=NOW_S + 60.5) == 0
    assert answered(rate, 0.0, NOW_S + 60.5, 0).wait_s(PATH, now_s=NOW_S + 60.5) <= 0


@given(
    budget=st.integers(8, 60),
    cost=st.integers(1, 4),
    delays_s=st.lists(st.integers(1, 40), min_size=20, max_size=300),
)
def test_eight_workers_never_ask_for_more_than_is_left(budget, cost, delays_s):
    """However late the responses are, and in whichever order: and 90 % of it are used."""
    rate, now_s, used, pending = HostRate(), NOW_S, 0, []
    for delay_s in delays_s:
        wait_s = rate.wait_s(PATH, now_s=now_s)
        if wait_s <= 0 and len(pending) < 8:
            rate, used = rate.send(PATH, now_s=now_s, requests_per_s=None), used + cost
            pending.append((now_s + delay_s / 100, now_s, budget - used))
        now_s += 0.01
        for due in [one for one in sorted(pending) if one[0] <= now_s]:
            pending.remove(due)
            rate = rate.answer(
                PATH, sent_s=due[1], now_s=now_s,
                reading=QuotaReport(left=due[2], renewed_s=NOW_S + 60),
            )  # fmt: skip
        # Before it is known what a request costs, what is on its way may cost as much.
        assert used <= budget + 7 * (cost - 1)


@pytest.mark.parametrize(("requests_per_s", "has_headers"), [(20, False), (20, True), (None, True)])
@pytest.mark.parametrize("latency_s", [0.005, 0.03])
def test_eight_workers_use_nine_tenths_of_a_rate_and_none_is_refused(
    requests_per_s, has_headers, latency_s
):
    """Of 40 requests in 2 seconds, by a clock of its own: each worker asks as soon as it may."""
    rate, now_s, taken, pending = HostRate(), NOW_S, Counter(), []
    while now_s < NOW_S + 20:
        for due in [one for one in pending if one[0] <= now_s]:
            pending.remove(due)
            reading = QuotaReport(left=due[2], renewed_s=due[1] + 2) if has_headers else None
            rate = rate.answer(PATH, sent_s=due[1], reading=reading, now_s=now_s)
        while len(pending) < 8 and rate.wait_s(PATH, now_s=now_s) <= 0:
            rate = rate.send(PATH, now_s=now_s, requests_per_s=requests_per_s)
            window = now_s // 2
            taken[window] += 1
            pending.append((now_s + latency_s, now_s, 40 - taken[window]))
        now_s += 0.001
    full = [taken[window] for window in sorted(taken)[1:-1]]
    assert max(taken.values()) <= 40
    assert sum(full) >= 0.9 * 40 * len(full)
