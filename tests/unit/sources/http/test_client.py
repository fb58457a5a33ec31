"""A client fills requests, keeps to the rate limit, adds credentials and reads error codes."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from datetime import datetime

import pytest

from include.ticklake.errors import (
    RateLimitedError,
    SourceRefusedError,
    TicklakeError,
    UsageError,
)
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.auth import Credentials, RequestSecrets
from tests.support.api_pages import BY_TIME, ROWS, WINDOW, by_time, read
from tests.support.feed_texts import feed
from tests.support.servers.http import ReceivedRequest, Reply


def test_addresses_are_filled_with_slice_and_window(http_server, waits):
    """As the source spells them; what is special in a path or a query is escaped."""
    special = feed(
        source={
            "path": "/v1/{symbol}/rows",
            "params": {"interval": "{interval}", "from": "{start_iso}", "raw": True, "limit": 5},
            "headers": {"X-Unit": "MICRO"},
        },
        slices={"symbol": ["A"], "interval": {"1month": "1M"}},
    )
    http_server.answer("/v1/B%2FC%20%3F/rows", b"[]")
    unit = Unit(Slice.of({"symbol": "B/C ?", "interval": "1month"}), WINDOW)
    assert read(special, http_server, waits, unit=unit) == [[]]
    [asked] = http_server.asked
    assert asked.params == {
        "interval": "1M", "from": "2026-11-22T05:00:00Z", "raw": "true", "limit": "5",
    }  # fmt: skip
    assert asked.headers["x-unit"] == "MICRO"


def test_a_source_is_asked_at_its_own_address(http_server, waits):
    """Unless another one takes its place."""
    http_server.answer("/rows", b"[]")
    own = feed(source={"base_url": http_server.url})
    assert read(own, http_server, waits, base_url=None) == [[]]
    with pytest.raises(
        UsageError, match="does not begin with http:// or https://; check the base URL"
    ):
        read(own, http_server, waits, base_url="127.0.0.1")


def test_an_error_in_an_answer_of_200_is_an_error(http_server, waits):
    """By the feed's own rules: some pass, some are limits, some are refusals."""
    rules = {"code": "retCode", "ok": ["0"], "message": "retMsg", "retry": ["10016"]}
    ruled = feed(source={"records": "result", "errors": rules})
    http_server.answer_in_turn(
        "/rows",
        Reply(body=b'{"retCode":10016,"retMsg":"busy","result":[]}'),
        Reply(body=b'{"retCode":0,"retMsg":"OK","result":[{"id":1}]}'),
    )
    assert read(ruled, http_server, waits) == [[{"id": 1}]]
    assert len(waits) == 1
    http_server.answer("/rows", b'{"retCode":10001,"retMsg":"bad\\nsymbol"}')
    with pytest.raises(SourceRefusedError, match=r"/rows: the body reports '10001' \(bad symbol\)"):
        read(ruled, http_server, waits)


@pytest.mark.parametrize(
    ("following", "leads"),
    [
        pytest.param("/other?page=2", "/other", id="a path"),
        pytest.param("{own}/rows2?page=2", "/rows2", id="a whole address"),
        pytest.param("?page=2", "/rows", id="a query"),
    ],
)
def test_the_next_page_may_have_its_own_address(http_server, waits, following, leads):
    """On the same host; the feed's parameters are not added again."""
    paged = feed(
        source={
            "records": "rows", "capture": {"next": "next"}, "params": {"limit": 2},
            "paging": {"kind": "next_url", "url": "next"},
        }
    )  # fmt: skip
    first = {"rows": ROWS[:1], "next": following.format(own=http_server.url)}

    def answer(asked: ReceivedRequest) -> Reply:
        last = "page" in asked.params
        return Reply(body=json.dumps({"rows": ROWS[1:2]} if last else first).encode())

    for path in {"/rows", leads}:
        http_server.answer_by(path, answer)
    assert read(paged, http_server, waits) == [ROWS[:1], ROWS[1:2]]
    assert [asked.params for asked in http_server.asked] == [{"limit": "2"}, {"page": "2"}]


@pytest.mark.parametrize(
    "following",
    ["http://127.0.0.2/rows?token=t0ken", "//127.0.0.2/", "http://[", "http://127.0.0.1:1/"],
)
def test_a_next_page_on_another_host_is_refused(http_server, waits, following):
    """Nothing is sent there, least of all our login."""
    paged = feed(
        source={
            "records": "rows", "capture": {"next": "next"},
            "paging": {"kind": "next_url", "url": "next"},
        }
    )  # fmt: skip
    following = following.format(own=http_server.url.removeprefix("http://"))
    http_server.answer("/rows", json.dumps({"rows": ROWS, "next": following}).encode())
    with pytest.raises(
        SourceRefusedError, match=r"its next page is at .* nothing was sent"
    ) as wrong:
        read(paged, http_server, waits)
    assert "t0ken" not in str(wrong.value)
    assert len(http_server.asked) == 1


def test_a_login_goes_to_no_other_port(http_server, waits):
    """Not even over https: another program may listen there."""
    source = {
        "records": "rows", "capture": {"next": "next"},
        "paging": {"kind": "next_url", "url": "next"},
        "auth": {"kind": "bearer", "connection": "acme"},
    }  # fmt: skip
    following = {"rows": ROWS, "next": "https://127.0.0.1:1/rows"}
    http_server.answer("/rows", json.dumps(following).encode())
    login = Credentials(user="me", secret="s3cret")
    with pytest.raises(SourceRefusedError, match="another host or port; nothing was sent"):
        read(feed(source=source), http_server, waits, get_credentials=lambda _: login)


@pytest.mark.parametrize(
    ("auth", "where", "sent"),
    [
        ({"kind": "header", "name": "X-Key"}, "headers", {"x-key": "s3cret"}),
        ({"kind": "query", "name": "appid"}, "params", {"appid": "s3cret"}),
        ({"kind": "header", "headers": {"X-Key": "{login}", "X-Secret": "{password}"}}, "headers",
         {"x-key": "me", "x-secret": "s3cret"}),
        ({"kind": "bearer"}, "headers", {"authorization": "Bearer s3cret"}),
        ({"kind": "basic"}, "headers", {"authorization": "Basic bWU6czNjcmV0"}),
    ],
)  # fmt: skip
def test_a_login_is_sent_with_every_page_and_shown_nowhere(
    http_server, waits, auth, where, sent, caplog
):
    """It comes from the connection that the feed names."""
    caplog.set_level(logging.DEBUG)
    asked_for = []

    def get_credentials(connection: str) -> Credentials:
        asked_for.append(connection)
        return Credentials(user="me", secret="s3cret")

    http_server.answer_by("/rows", by_time(20))
    login = feed(source=BY_TIME | {"auth": auth | {"connection": "acme"}})
    read(login, http_server, waits, get_credentials=get_credentials)
    assert asked_for == ["acme"]
    assert len(http_server.asked) == 3
    for asked in http_server.asked:
        assert getattr(asked, where).items() >= sent.items()
    assert "page.read url=" in caplog.text
    assert "s3cret" not in caplog.text
    assert "bWU6czNjcmV0" not in caplog.text


def sign(login: Credentials, path: str, _: object, body: bytes) -> RequestSecrets:
    """As exchanges want it: over the path and the body, with a passphrase beside it."""
    text = f"POST{path}{body.decode()}{login.options['passphrase']}"
    made = hmac.new(login.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {"X-Key": login.user, "X-Sign": made, "X-Passphrase": login.options["passphrase"]}
    return RequestSecrets(headers=headers)


def test_a_signed_post_pages_with_a_signature_for_each_body(http_server, waits, caplog):
    """The passphrase comes from the connection's extra, and shows nowhere."""
    caplog.set_level(logging.DEBUG)
    login = Credentials(user="me", secret="s3cret", options={"passphrase": "p4ss-phrase"})

    def answer(asked: ReceivedRequest) -> Reply:
        signed = sign(login, asked.path, {}, asked.body).headers
        assert {name: asked.headers[name.lower()] for name in signed} == signed
        number = json.loads(asked.body)["page"]
        page = ROWS[2 * number : 2 * number + 2] if number < 3 else []
        return Reply(body=json.dumps(page).encode())

    http_server.answer_by("/rows", answer)
    auth = {"kind": "sign", "signer": f"{__name__}:sign", "connection": "acme"}
    signed = feed(source={"method": "POST", "body": {}, "auth": auth, "paging": {"kind": "page"}})
    assert len(read(signed, http_server, waits, get_credentials=lambda _: login)) == 3
    assert len({asked.headers["x-sign"] for asked in http_server.asked}) == 3
    assert "page.read url=POST" in caplog.text
    assert "p4ss-phrase" not in caplog.text
    assert "s3cret" not in caplog.text


def test_the_pace_of_a_feed_is_kept(http_server, waits):
    """By waiting before a request, not by being refused."""
    http_server.answer_by("/rows", by_time(20))
    slow = BY_TIME | {"rate_limit": {"requests_per_s": 0.25}, "base_url": http_server.url}
    read(feed(source=slow), http_server, waits, base_url=None)
    assert len(http_server.asked) == 3
    assert [4 < wait <= 4.22 for wait in waits] == [True, True]


def test_a_budget_that_is_used_up_goes_back_to_the_scheduler(http_server, waits):
    """Before the source has to say no; the next period is too far away to sleep for."""
    used = {"X-Used": "95"}
    http_server.answer_by("/rows", lambda asked: Reply(body=by_time(20)(asked).body, headers=used))
    rate = {"used_header": "X-Used", "quota": 100, "quota_period": "1w"}
    with pytest.raises(RateLimitedError) as wrong:
        read(feed(source=BY_TIME | {"rate_limit": rate}), http_server, waits)
    assert 0 < wrong.value.retry_after_s <= 7 * 86_400
    assert (len(http_server.asked), waits) == (1, [])


def test_every_error_of_a_source_is_one_of_ours(http_server, waits):
    """Whoever calls has one tree of errors to look at."""
    for reply in (Reply(status=600), Reply(body=b"\xff"), Reply(status=301), Reply(body=b"{}")):
        http_server.answer_by("/rows", lambda _, reply=reply: reply)
        with pytest.raises(TicklakeError):
            read(feed(), http_server, waits)


def test_a_window_of_another_time_is_asked_for_by_its_own_bounds(http_server, waits):
    """Nothing is kept from one unit of unit to the next."""
    http_server.answer("/rows", b"[]")
    for day in (1, 2):
        start = datetime.fromisoformat(f"2026-01-0{day}T00:00:00+00:00")
        unit = Unit(Slice(), Window(start, start.replace(hour=1)))
        read(feed(source=BY_TIME), http_server, waits, unit=unit)
    assert [int(asked.params["from"]) for asked in http_server.asked] == [
        1_767_225_600_000, 1_767_312_000_000,
    ]  # fmt: skip
