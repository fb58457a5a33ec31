"""A run plans what is listed now; whatever is wrong with a list, the one before stays in force."""

from __future__ import annotations

import pytest

from include.ticklake.errors import (
    CorruptRecordError,
    RateLimitedError,
    RetryableError,
    SourceRefusedError,
    UsageError,
)
from include.ticklake.extract import renew_slices
from include.ticklake.feed import loader
from include.ticklake.lake import layout, slice_lists
from include.ticklake.lake.slice_lists import Listing
from tests.support.listed_symbols import (
    PRICES,
    SYMBOLS,
    ListedSymbols,
    counting,
    fetched_ms,
    hour,
    rows,
)

FIVE = ["ADA", "BTC", "DOT", "ETH", "SOL"]


@pytest.fixture
def exchange(tmp_path, http_server, monkeypatch) -> ListedSymbols:
    """Five symbols, of which the lake has a snapshot."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    made = ListedSymbols(tmp_path, http_server)
    made.fetch(0, rows(FIVE) + rows(["OLD"], "BREAK"))
    return made


def test_the_newest_window_of_the_other_feed_is_the_list(exchange):
    """Of its rows those that `where` selects, from the time on at which they were fetched."""
    assert exchange.renew(0) == FIVE
    assert exchange.listed.in_force == FIVE
    assert exchange.listed.values["ADA"] == (Listing(fetched_ms(0)),)


def test_a_new_listing_joins_and_a_delisted_one_leaves(exchange, caplog):
    """The log says which; what left is still known, with the time at which it did."""
    caplog.set_level("INFO")
    exchange.renew(0)
    exchange.fetch(1, rows([*FIVE[1:], "XRP"]) + rows(["ADA"], "BREAK"))
    assert exchange.renew(1) == [*FIVE[1:], "XRP"]
    assert exchange.listed.values["ADA"] == (Listing(fetched_ms(0), fetched_ms(1)),)
    assert exchange.listed.values["XRP"] == (Listing(fetched_ms(1)),)
    assert "joined=1 (XRP) left=1 (ADA)" in caplog.text
    known = slice_lists.with_known(exchange.prices, storage=exchange.storage)
    assert [str(slice_) for slice_ in known.all_slices] == [
        f"symbol={symbol}" for symbol in [*FIVE, "XRP"]
    ]


def test_one_that_comes_back_has_two_times(exchange):
    """It was not listed in between."""
    for number, symbols in enumerate([FIVE, FIVE[1:], FIVE]):
        exchange.fetch(number + 1, rows(symbols))
        exchange.renew(number + 1)
    assert exchange.listed.values["ADA"] == (
        Listing(fetched_ms(1), fetched_ms(2)),
        Listing(fetched_ms(3)),
    )


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        pytest.param([], "it is empty", id="empty"),
        pytest.param(rows(FIVE, "HALT"), "it is empty", id="nothing that `where` selects"),
        pytest.param(
            rows(FIVE[:3]),
            "2 of 5 values are gone, such as 'ETH', more than may_shrink allows (20%); if that is "
            "right, run `slices prices --accept-shrink`",
            id="shrunken",
        ),
    ],
)
def test_a_list_that_cannot_be_right_leaves_the_last_one_in_force(
    exchange, caplog, records, reason
):
    """Also the new listings in it wait; the log and the lake say why, until a good one comes."""
    exchange.renew(0)
    exchange.fetch(1, records)
    assert exchange.renew(1) == FIVE
    assert reason in caplog.text
    assert exchange.listed.problem.text == reason
    since_ms = exchange.listed.problem.since_ms
    exchange.renew(2)
    assert exchange.listed.problem.since_ms == since_ms
    exchange.fetch(3, rows(FIVE))
    assert exchange.renew(3) == FIVE
    assert exchange.listed.problem is None


def test_a_shrunken_list_can_be_accepted(exchange):
    """Where it is right; the next reading does not bring the old one back."""
    exchange.renew(0)
    exchange.fetch(1, rows(FIVE[:1]))
    assert exchange.renew(1, accepts_shrink=True) == FIVE[:1]
    assert exchange.renew(1) == FIVE[:1]


def test_a_list_that_cannot_be_read_leaves_the_last_one_in_force(exchange, caplog):
    """A part is gone; nothing is planned by half of a list."""
    exchange.renew(0)
    exchange.fetch(1, rows([*FIVE, "XRP"]))
    for key in exchange.storage.list("json/symbols"):
        exchange.storage.delete(key)
    assert exchange.renew(1) == FIVE
    assert "the part is gone" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"symbols": SYMBOLS + "snapshots: true\n"}, id="an invalid file"),
        pytest.param({"symbols": SYMBOLS.replace("status:", "state:")}, id="a column less"),
    ],
)
def test_a_feed_file_that_cannot_be_used_leaves_the_last_one_in_force(exchange, caplog, change):
    """The other feed's file is somebody else's."""
    exchange.renew(0)
    exchange.write(**change)
    assert exchange.renew(1) == FIVE
    assert "the newest list is not in force" in caplog.text


def test_another_where_is_another_list(exchange):
    """However many values leave by it: its author knows. They leave when it was changed."""
    exchange.renew(0)
    exchange.write(prices=PRICES.replace("TRADING", "BREAK"))
    assert exchange.renew(1) == ["OLD"]
    assert exchange.listed.values["OLD"] == (Listing(fetched_ms(1) + 10_000),)
    assert exchange.listed.values["ADA"] == (Listing(fetched_ms(0), fetched_ms(1) + 10_000),)


def test_the_first_plan_without_a_list_says_what_to_run(tmp_path, http_server, monkeypatch):
    """A later attempt may find one."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    exchange = ListedSymbols(tmp_path, http_server)
    with pytest.raises(
        RetryableError,
        match=r"prices: the values of slices.symbol are not known yet: feed symbols has no window "
        r"that was fetched; run ingest_symbols, or `extract` a window of symbols, first",
    ):
        exchange.renew(0)


def test_a_first_list_that_no_attempt_can_read_is_refused(exchange):
    """The file must change first."""
    exchange.write(prices=PRICES.replace("feed: symbols", "feed: symbls"))
    with pytest.raises(UsageError, match="unknown feed 'symbls'"):
        exchange.renew(0)


def test_an_old_list_is_in_force_and_is_said_to_be_old(exchange, caplog):
    """Its feed has fetched nothing for more than three of its windows."""
    exchange.renew(2)
    assert "slices.old" not in caplog.text
    assert exchange.renew(3) == FIVE
    assert "slices.old" in caplog.text
    assert "the list is of 2026-01-02T01:00:10Z, 3:00:10 ago" in caplog.text


def test_a_list_that_is_the_same_is_not_read_again(exchange):
    """A plan costs the list's object, two listings and a manifest."""
    exchange.renew(0)
    storage, calls = counting(exchange.storage)
    renew_slices.renew(exchange.prices, storage=storage, now_ms=fetched_ms(0))
    assert calls == ["read_versioned", "folders", "infos", "read_versioned"]


def test_a_feed_that_lists_its_slices_itself_costs_no_request(exchange):
    """It is returned as it is."""
    storage, calls = counting(exchange.storage)
    feed = loader.load("symbols")
    assert renew_slices.renew(feed, storage=storage, now_ms=fetched_ms(0)) is feed
    assert calls == []


def test_a_damaged_list_is_not_replaced(exchange):
    """It alone knows what left it."""
    exchange.renew(0)
    exchange.storage.put(layout.slice_lists_key("prices"), b'{"format": 1}')
    with pytest.raises(CorruptRecordError, match="restore it from a backup, or delete it"):
        exchange.renew(1)


def test_of_a_snapshot_fetched_twice_the_newest_fetch_is_the_list(exchange):
    """What it had before in the same hour is there, too, and is no longer listed."""
    exchange.fetch(1, rows(FIVE))
    exchange.fetch(1, rows(FIVE[1:]), after_ms=60_000)
    assert exchange.renew(1) == FIVE[1:]
    assert hour(1).end_ms < exchange.listed.as_of_ms


class TestAnEndpoint:
    """What lists the symbols is the exchange itself, which each plan asks."""

    @pytest.fixture
    def asked(self, exchange) -> ListedSymbols:
        """Five symbols that the exchange returns, and one that is not traded."""
        exchange.list_by_endpoint()
        exchange.answer(rows(FIVE) + rows(["OLD"], "BREAK"))
        return exchange

    def test_listings_join_and_delisted_ones_leave(self, asked, caplog):
        """From the moment on at which the exchange was asked; the log names what lists them."""
        caplog.set_level("INFO")
        assert asked.renew(1) == FIVE
        at_ms = [fetched_ms(number) + 10_000 for number in (1, 2)]
        asked.answer(rows([*FIVE[1:], "XRP"]))
        assert asked.renew(2) == [*FIVE[1:], "XRP"]
        assert asked.listed.values["ADA"] == (Listing(at_ms[0], at_ms[1]),)
        assert asked.listed.values["XRP"] == (Listing(at_ms[1]),)
        assert "from=/symbols listed=5 joined=1 (XRP) left=1 (ADA)" in caplog.text
        assert (asked.listed.source.feed, asked.listed.source.endpoint) == ("", "/symbols")

    @pytest.mark.parametrize(
        ("records", "status", "reason"),
        [
            pytest.param([], 200, "it is empty", id="empty"),
            pytest.param(rows(FIVE), 500, "HTTP 500", id="a failure"),
            pytest.param(rows(FIVE), 403, "HTTP 403", id="no access"),
            pytest.param(rows(FIVE[:3]), 200, "2 of 5 values are gone", id="shrunken"),
            pytest.param([{"name": "ADA"}], 200, "it is empty", id="other names"),
        ],
    )
    def test_a_list_that_fails_leaves_the_last_one_in_force(
        self, asked, caplog, records, status, reason
    ):
        """The log and the lake say why, until it is whole again."""
        asked.renew(1)
        asked.answer(records, status=status)
        assert asked.renew(2) == FIVE
        assert "slices.kept" in caplog.text
        assert reason in asked.listed.problem.text
        asked.answer(rows(FIVE))
        assert asked.renew(3) == FIVE
        assert asked.listed.problem is None

    def test_a_shrunken_list_can_be_accepted(self, asked):
        """As one of a feed."""
        asked.renew(1)
        asked.answer(rows(FIVE[:1]))
        assert asked.renew(2, accepts_shrink=True) == FIVE[:1]

    def test_another_request_is_another_list(self, asked):
        """Whoever changes its parameters knows what leaves by it."""
        asked.renew(1)
        asked.list_by_endpoint(", params: {kind: swap}")
        asked.answer(rows(["BTC-SWAP"]))
        assert asked.renew(2) == ["BTC-SWAP"]

    @pytest.mark.parametrize(
        ("status", "error", "message"),
        [
            pytest.param(500, RetryableError, "HTTP 500", id="a failure"),
            pytest.param(403, SourceRefusedError, "HTTP 403", id="no access"),
            pytest.param(200, RetryableError, "it is empty; if it should have values, correct",
                         id="empty"),
        ],
    )  # fmt: skip
    def test_the_first_plan_without_a_list_fails(self, asked, status, error, message):
        """There is nothing to plan by; a retry helps where the exchange may answer then."""
        asked.answer([], status=status)
        with pytest.raises(error, match=f"slices.symbol are not known yet: .*{message}"):
            asked.renew(1)

    def test_a_rate_limit_says_when_to_ask_again(self, asked, http_server):
        """Also before there is a list: the scheduler waits, not the worker."""
        http_server.answer("/symbols", b"{}", status=429, headers={"Retry-After": "900"})
        with pytest.raises(RateLimitedError, match="are not known yet") as limited:
            asked.renew(1)
        assert limited.value.retry_after_s == 900
