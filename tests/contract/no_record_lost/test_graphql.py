"""GraphQL is a POST whose query is sent as it is written, and whose errors are seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.ticklake.errors import SourceRefusedError
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from tests.support.api_pages import WINDOW, read
from tests.support.feed_texts import feed
from tests.support.paging import START
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply
from tests.support.small_source import KEYED, rows_of

ROWS = [{"id": n, "t": START + n // 3} for n in range(30)]
PAGE = 7

QUERY = """query ($pool: String!, $after: Int) {
  trades(where: {pool: $pool, id_gt: $after}, first: 7) { id t }
}"""


def graphql(**changes: Any):
    """A feed of GraphQL: a query, and its values as variables."""
    return feed(
        source={
            "path": "/graphql",
            "method": "POST",
            "params": {},
            "body": {
                "query": QUERY,
                "variables": {"pool": "{pool}", "from": "{start_s}", "text": "{start_s:s}"},
            },
            "records": "data.trades",
            "paging": {
                "kind": "id_forward", "param": "variables.after", "field": "id",
                "first_params": {}, "start": "exclusive",
            },
        }
        | changes,
        slices={"pool": ["0xAB"]},
        fields=KEYED,
    )  # fmt: skip


def serve_graphql(server: HttpServer, **last: Any) -> None:
    """Answer as GraphQL does; *last* is beside the data of the page that starts past 20."""

    def answer(asked: ReceivedRequest) -> Reply:
        sent = json.loads(asked.body)
        assert sent["query"] == QUERY
        after = sent["variables"].get("after", -1)
        found = [row for row in ROWS if row["id"] > after][:PAGE]
        body = {"data": {"trades": found}} | (last if after > 20 else {})
        return Reply(body=json.dumps(body).encode())

    server.answer_by("/graphql", answer)


def test_graphql_is_a_post_with_variables(http_server, storage):
    """End to end: the query goes as it is written, a number as a number, paging into a variable."""
    serve_graphql(http_server, errors=[])
    unit = Unit(Slice.of({"pool": "0xAB"}), WINDOW)
    assert rows_of(graphql(), http_server, storage, unit=unit) == ROWS
    assert json.loads(http_server.asked[0].body)["variables"] == {
        "pool": "0xAB", "from": START // 1000, "text": str(START // 1000),
    }  # fmt: skip


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param({}, id="without rules"),
        pytest.param({"errors": {"code": "errors"}}, id="the list"),
        pytest.param(
            {"errors": {"code": "errors.item.message", "message": "errors"}}, id="its messages"
        ),
    ],
)
def test_errors_of_graphql_are_errors_although_data_is_there(http_server, storage, rules):
    """On any page, after the records as well: nothing is committed."""
    serve_graphql(http_server, errors=[{"message": "indexer is behind", "path": ["trades"]}])
    unit = Unit(Slice.of({"pool": "0xAB"}), WINDOW)
    with pytest.raises(SourceRefusedError, match="indexer is behind"):
        rows_of(graphql(**rules), http_server, storage, unit=unit)
    assert list(storage.list("manifests")) == []


def test_an_error_of_graphql_may_be_one_to_try_again(http_server, waits):
    """By its code, as in any body."""
    rules = {"code": "errors.item.extensions.code", "retry": ["TIMEOUT"]}
    failed = {"errors": [{"message": "x", "extensions": {"code": "TIMEOUT"}}], "data": None}
    http_server.answer_in_turn(
        "/graphql",
        Reply(body=json.dumps(failed).encode()),
        Reply(body=json.dumps({"data": {"trades": ROWS[:2]}}).encode()),
        Reply(body=b'{"data": {"trades": []}}'),
    )
    unit = Unit(Slice.of({"pool": "0xAB"}), WINDOW)
    assert read(graphql(errors=rules), http_server, waits, unit=unit) == [ROWS[:2], []]
    assert len(waits) == 1
