"""The body of a POST has parameters like a URL, each at its place."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.scaffold.probed_body import ProbedBody, with_values
from tests.support.drafts import TRADES, draft_feed, draft_text

MS = 1_795_323_600_000
QUERY = "query ($after: String) { trades(after: $after) { id } }"


def test_values_of_json_have_the_last_name_of_their_path():
    """Or all of it, where that is not the only one, or the URL has it too."""
    text = json.dumps({"req": {"coin": "BTC", "n": 5}, "x": {"n": 7}, "limit": 9, "on": True})
    body = ProbedBody.of_json(text, taken=["limit"])
    assert dict(body.pairs) == {"coin": "BTC", "req.n": "5", "x.n": "7", "limit": "9"}
    assert body.path_of("coin") == "req.coin"
    assert body.path_of("invented") == "invented"
    assert (body.is_number("req.n"), body.is_number("coin")) == (True, False)


def test_a_query_is_no_parameter():
    """Nor a list; null is where a cursor goes."""
    text = json.dumps({"query": QUERY, "variables": {"after": None, "ids": ["a", "b"]}})
    assert ProbedBody.of_json(text).pairs == [("after", "")]


def test_a_form_has_its_fields():
    """In the order in which they were given."""
    body = ProbedBody.of_form(["coin=BTC", "note=a=b"])
    assert body.pairs == [("coin", "BTC"), ("note", "a=b")]
    assert body.path_of("coin") == "coin"


@pytest.mark.parametrize("text", ["", "coin=BTC", "7", '"a"', '{"a":'])
def test_what_is_no_json_body_is_refused(text):
    """With what to write."""
    with pytest.raises(UsageError, match="--data: not a JSON object or array; write one such as"):
        ProbedBody.of_json(text)


@pytest.mark.parametrize("pairs", [["coin"], ["=x"], ["a=1", "a=2"]])
def test_what_is_no_form_is_refused(pairs):
    """With what to write."""
    with pytest.raises(UsageError, match="write each field once, as name=value"):
        ProbedBody.of_form(pairs)


def test_values_are_replaced_where_they_are():
    """The rest stays as it is."""
    value = {"a": [{"b": 1, "c": 2}], "d": None}
    found = with_values(value, {("a", 0, "b"): "{x}"}, without={("a", 0, "c")})
    assert found == {"a": [{"b": "{x}"}], "d": None}


def drafted(body: object, page: object = TRADES, **options: object):
    text = draft_feed(page, body=ProbedBody.of_json(json.dumps(body)), **options)
    return text.source


def test_a_draft_of_a_post_fills_its_body():
    """A number stays one, a text stays one, and paging has the path."""
    req = {"coin": "BTC", "interval": 60, "startTime": MS, "endTime": str(MS + 3_600_000)}
    source = drafted({"type": "candleSnapshot", "req": req})
    assert source.method == "POST"
    assert source.body == {
        "type": "candleSnapshot",
        "req": {
            "coin": "{coin}", "interval": "{interval:d}", "startTime": "{start_ms}",
            "endTime": "{end_ms:s}",
        },
    }  # fmt: skip


def test_a_cursor_goes_to_its_path_in_the_body():
    """As in GraphQL."""
    info = {"endCursor": "x7", "hasNextPage": True}
    page = {"data": {"trades": {"edges": [{"node": row} for row in TRADES], "pageInfo": info}}}
    source = drafted({"query": QUERY, "variables": {"after": None, "pair": "BTC-USD"}}, page)
    assert source.paging.param == "variables.after"
    assert source.capture["next"] == "data.trades.pageInfo.endCursor"
    assert source.body["query"] == QUERY
    assert source.body["variables"] == {"after": None, "pair": "{pair}"}


def test_a_secret_in_a_body_is_not_written():
    """It belongs into a connection."""
    body = {"coin": "BTC", "login": {"apiKey": "canary"}}
    assert drafted(body).body == {"coin": "{coin}", "login": {}}
    text = draft_text(TRADES, body=ProbedBody.of_json(json.dumps(body)))
    assert "canary" not in text
    assert "  # source.auth: {kind: body, name: login.apiKey, connection: ...}\n" in text
