"""An endpoint is asked for the values of a slice, whatever its form, with the source's login."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.extract import endpoint_values
from include.ticklake.extract.endpoint_values import EndpointAccess
from include.ticklake.feed import loader
from include.ticklake.lake.list_rules import ListReading
from include.ticklake.sources.auth import Credentials
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.listed_symbols import PRICES, START
from tests.support.servers.http import Reply

NOW_MS = int(START.timestamp() * 1000) + 123


@pytest.fixture
def ask(tmp_path, http_server):
    """Asks for the symbols as a feed file lists them."""

    def read(listed: str, *, login: str = "", known=()) -> ListReading:
        text = PRICES.replace("{feed: symbols, where: {status: TRADING}}", listed)
        text = text.replace("path: /prices,", f"path: /prices, {login}")
        (tmp_path / "prices.yaml").write_text(text)
        access = EndpointAccess(
            base_url_for=lambda _: http_server.url,
            lookup=lambda _: Credentials(secret="s3cr3t-key-1"),
            patience=SourceRetryPolicy(max_attempts=2, sleep=lambda _: None),
        )
        feed = loader.read_feed(tmp_path / "prices.yaml")
        return endpoint_values.read(feed, "symbol", known=known, access=access, now_ms=NOW_MS)

    return read


ROWS = [
    {"symbol": "A", "status": "ON", "id": 7, "info": {"name": "a.1"}, "open": True},
    {"symbol": "B", "status": "OFF", "id": 9_007_199_254_740_993, "open": False},
    {"symbol": "C", "id": None, "open": "true"},
    {"symbol": "A", "status": "ON"},
]


@pytest.mark.parametrize(
    ("listed", "body", "values"),
    [
        pytest.param("{path: /list}", ROWS, ["A", "B", "C"], id="an array"),
        pytest.param("{path: /list, records: data.list}", {"data": {"list": ROWS}},
                     ["A", "B", "C"], id="below a path"),
        pytest.param("{path: /list, column: id}", ROWS[:2], ["7", "9007199254740993"],
                     id="whole numbers"),
        pytest.param("{path: /list, column: info.name}", ROWS[:1], ["a.1"], id="inside"),
        pytest.param("{path: /list, where: {status: ON}}", ROWS, ["A"],
                     id="a record without the value does not count"),
        pytest.param("{path: /list, where: {open: true}}", ROWS, ["A", "C"],
                     id="true, also as text"),
        pytest.param("{path: /list, where: {id: [7, 8]}}", ROWS, ["A"], id="one of two numbers"),
        pytest.param("{path: /list, records: 'result.*', shape: object, key_as: symbol}",
                     {"result": {"XBT": {"a": 1}, "ETH": {"a": 2}}}, ["XBT", "ETH"],
                     id="the names of a map"),
        pytest.param("{path: /list, records: '*', shape: object, key_as: s, column: id}",
                     {"x": {"id": "X"}}, ["X"], id="a value of a map's objects"),
        pytest.param("{path: /list, columns: [kind, symbol]}", [["k", "A"], ["k", "B"]],
                     ["A", "B"], id="arrays"),
        pytest.param("{path: /list, columns: first_row}", [["symbol"], ["A"]], ["A"],
                     id="a table"),
        pytest.param("{path: /list, records: s, shape: columns}", {"s": {"symbol": ["A", "B"]}},
                     ["A", "B"], id="parallel arrays"),
    ],
)  # fmt: skip
def test_any_form_of_answer_lists_values(ask, http_server, listed, body, values):
    """As records of a feed are read."""
    http_server.answer("/list", json.dumps(body).encode())
    reading = ask(listed)
    assert (list(reading.values), reading.as_of_ms) == (values, NOW_MS)


def test_plain_texts_are_values(ask, http_server):
    """Gemini's symbols are an array of texts; what can name no slice is left out."""
    http_server.answer("/list", b'["btcusd", "ethusd", "", "BTCUSD"]')
    reading = ask("{path: /list}")
    assert list(reading.values) == ["btcusd", "ethusd"]
    assert reading.left_out_rows == 2


def test_the_request_is_sent_as_the_api_wants_it(ask, http_server):
    """By POST, with parameters, the login of the source, and page by page."""
    http_server.answer_in_turn(
        "/list",
        Reply(body=b'{"rows": [{"symbol": "A"}], "next": "n1"}'),
        Reply(body=b'{"rows": [{"symbol": "B"}]}'),
    )
    reading = ask(
        "{path: /list, method: POST, params: {v: 2}, body: {type: spot}, records: rows, "
        "capture: {next: next}, paging: {kind: cursor, cursor: next, param: after}}",
        login="auth: {kind: header, name: X-Key, connection: acme},",
    )
    assert list(reading.values) == ["A", "B"]
    first, second = http_server.asked
    assert (first.method, first.params, json.loads(first.body)) == (
        "POST", {"v": "2"}, {"type": "spot"},
    )  # fmt: skip
    assert json.loads(second.body) == {"type": "spot", "after": "n1"}
    assert {request.headers["x-key"] for request in http_server.asked} == {"s3cr3t-key-1"}


def test_an_answer_that_is_cut_is_no_list(ask, http_server):
    """Less is never taken for the whole: it is asked again, and then it is an error."""
    body = json.dumps(ROWS).encode()
    http_server.answer("/list", body, cut_after_bytes=len(body) // 2)
    with pytest.raises(MalformedPageError, match="2 tries"):
        ask("{path: /list}")
    assert len(http_server.asked) == 2


def test_an_error_in_the_answer_is_one(ask, http_server):
    """As the source reports errors, also inside an HTTP 200."""
    http_server.answer("/list", b'{"code": 12, "msg": "no access"}')
    with pytest.raises(SourceRefusedError, match="no access"):
        ask("{path: /list, records: data}", login="errors: {code: code, message: msg},")
