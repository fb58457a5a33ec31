"""We slow down before the limit strikes, and never wait for longer than the feed allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import NotThereYetError, RateLimitedError
from include.ticklake.feed.rate_limit import RateLimit
from include.ticklake.sources.http.rate_limit import RateLimiter
from include.ticklake.sources.rate_store import MemoryStore

NOW_S = 1_795_323_610.0  # ten seconds into a minute


class SleepingClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now_s, self.waits = NOW_S, []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds


def waited(headers: dict[str, str], *, max_wait_s: float = 1e9, **rate) -> float:
    """How long the next request waits after an answer with those headers."""
    clock = SleepingClock()
    limiter = limiter_of(clock, max_wait_s=max_wait_s, **rate)
    with limiter.turn("https://a.example") as turn:
        assert clock.waits == []  # nothing is known before the first answer
        turn.end(headers)
    with limiter.turn("https://a.example"):
        return sum(clock.waits)


def limiter_of(
    clock: SleepingClock, *, store: MemoryStore | None = None, max_wait_s: float = 1e9, **rate
) -> RateLimiter:
    """A unit's limiter; those with one *store* share what they know."""
    return RateLimiter(
        RateLimit.model_validate(rate),
        store=store or MemoryStore(now_s=lambda: clock.now_s),
        host="a.example",
        path="/trades",
        max_wait_s=max_wait_s,
        sleep=clock.sleep,
    )


BUDGET = {"used_header": "X-Used", "quota": 100, "quota_period": "1m"}
RESET = {"remaining_header": "X-Left", "reset_ms_header": "X-Reset"}


@pytest.mark.parametrize(
    ("rate", "headers", "wait_s"),
    [
        pytest.param({}, {}, 0, id="no rules"),
        pytest.param({"requests_per_s": 0.25}, {}, 4 / 0.95, id="a fixed rate"),
        pytest.param(BUDGET, {"X-Used": "89"}, 0, id="budget left"),
        pytest.param(BUDGET, {"X-Used": "90"}, 50, id="a tenth of the budget left: next minute"),
        pytest.param(BUDGET, {}, 0, id="no word of the budget"),
        pytest.param(RESET, {"X-Left": "1", "X-Reset": "1795323640000"}, 0, id="one left"),
        pytest.param(RESET, {"X-Left": "0", "X-Reset": "1795323640000"}, 30, id="none left"),
        pytest.param(RESET, {"X-Left": "0", "X-Reset": "1795323600000"}, 0, id="renewed already"),
        pytest.param(RESET, {"X-Left": "0", "X-Reset": "1795323640"}, 30, id="in seconds"),
        pytest.param(RESET, {"X-Left": "0", "X-Reset": "1795323640000000"}, 30, id="in us"),
        pytest.param(RESET, {"X-Left": "0", "X-Reset": "1500"}, 1.5, id="milliseconds from now"),
        pytest.param(RESET, {"X-Left": "0", "X-Reset": "4102444800000"}, 0, id="in the year 2100"),
        pytest.param(RESET, {"X-Left": "0"}, 0, id="no word of the time"),
        pytest.param({}, {"RateLimit-Remaining": "0", "RateLimit-Reset": "7"}, 7, id="standard"),
        pytest.param({}, {"RateLimit-Remaining": "0", "RateLimit-Reset": "7, 7"}, 7, id="twice"),
        pytest.param({}, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1795323617000"}, 7,
                     id="standard, in milliseconds since 1970"),
        pytest.param({}, {"RateLimit-Remaining": "2", "RateLimit-Reset": "7"}, 0, id="some left"),
        pytest.param({}, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1795323617"}, 7,
                     id="standard, since 1970"),
        pytest.param({"requests_per_s": 0.25}, {"RateLimit-Remaining": "0", "RateLimit-Reset": "7"},
                     7, id="the longest of several"),
    ],
)  # fmt: skip
def test_the_next_request_waits_as_long_as_it_must(rate, headers, wait_s):
    """By the feed's rules and by what the source says of itself."""
    assert waited(headers, **rate) == pytest.approx(wait_s)


def test_a_long_wait_goes_back_to_the_scheduler():
    """Nobody sleeps longer than the feed allows."""
    with pytest.raises(RateLimitedError, match=r"^https://a.example: rate limited; retry in 50 s"):
        waited({"X-Used": "95"}, max_wait_s=30, **BUDGET)


@pytest.mark.parametrize(("requests_per_s", "said"), [(0.1, True), (0.25, False)])
def test_a_long_wait_is_said_as_it_begins(caplog, requests_per_s, said):
    """Eleven seconds are, four are not."""
    caplog.set_level("INFO")
    waited({}, requests_per_s=requests_per_s)
    assert ("rate_limit.wait wait_s=11: https://a.example" in caplog.text) is said


def test_no_wait_outlasts_the_time_that_a_unit_has_left():
    """It goes back to the scheduler as well."""
    limiter = limiter_of(SleepingClock(), max_wait_s=30, requests_per_s=0.25)
    with limiter.turn("https://a.example") as turn:
        turn.end({})
    with (
        pytest.raises(RateLimitedError, match=r"retry in 4\.2"),
        limiter.turn("https://a.example", within_s=3),
    ):
        pass


@pytest.mark.parametrize("wait_s", [7, 3600])
def test_one_refusal_has_all_workers_of_the_host_wait(wait_s):
    """As long as the source said; a long one goes back to the scheduler before it is sent."""
    clock = SleepingClock()
    store = MemoryStore(now_s=lambda: clock.now_s)
    with (
        pytest.raises(RateLimitedError),
        limiter_of(clock, store=store).turn("https://a.example/1"),
    ):
        raise RateLimitedError("https://a.example/1", retry_after_s=wait_s)
    other = limiter_of(clock, store=store, max_wait_s=60)
    if wait_s > 60:
        with (
            pytest.raises(RateLimitedError, match=r"/2: rate limited; retry in 3600 s"),
            other.turn("https://a.example/2"),
        ):
            pytest.fail("it was sent")
    else:
        with other.turn("https://a.example/2"):
            assert clock.waits == [wait_s]


def test_the_one_that_was_refused_waits_once():
    """Whoever repeats the request has waited as the error says."""
    clock = SleepingClock()
    limiter = limiter_of(clock)
    with pytest.raises(RateLimitedError), limiter.turn("https://a.example"):
        raise RateLimitedError("https://a.example", retry_after_s=7)
    with limiter.turn("https://a.example"):
        assert clock.waits == []


def test_a_file_that_is_not_there_yet_blocks_nobody():
    """It is no refusal of the host."""
    clock = SleepingClock()
    store = MemoryStore(now_s=lambda: clock.now_s)
    with pytest.raises(NotThereYetError), limiter_of(clock, store=store).turn("https://a.example"):
        raise NotThereYetError("https://a.example", retry_after_s=3600)
    with limiter_of(clock, store=store).turn("https://a.example"):
        assert clock.waits == []


@given(
    used=st.text(max_size=8) | st.floats().map(str),
    left=st.text(max_size=3) | st.sampled_from(["0", "-1", "nan", "inf"]),
    reset=st.text(max_size=8)
    | st.floats().map(str)
    | st.integers(0, 10**20).map(str)
    | st.sampled_from(["inf", "nan", "1e400", "-5"]),
)
def test_no_header_makes_an_error_or_a_wait_without_end(used, left, reset):
    """A source may send anything; a week is the longest that anybody waits for it."""
    headers = {
        "X-Used": used, "X-Left": left, "X-Reset": reset,
        "RateLimit-Remaining": left, "RateLimit-Reset": reset,
    }  # fmt: skip
    try:
        assert 0 <= waited(headers, max_wait_s=60, **BUDGET, **RESET) <= 60
    except RateLimitedError as wrong:
        bounded = wrong.retry_after_s
        assert 60 < bounded <= 7 * 86_400


def test_a_feed_that_waits_for_nothing_still_lets_one_unit_of_a_batch_go_first():
    """The others wait for the moment that its answer takes."""
    store, slept = MemoryStore(), []

    def limiter() -> RateLimiter:
        return RateLimiter(
            RateLimit(), store=store, host="a.example", path="/a", max_wait_s=0, sleep=sleep
        )

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        first.end({})

    with limiter().turn("first") as first, limiter().turn("second") as second:
        second.end({})
    assert slept
