"""APIs that answer with CSV or NDJSON: the same pages, paging and errors as with JSON."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.feed.feed import Feed
from tests.support.memory_storage import memory_storage
from tests.support.paging import START
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply
from tests.support.small_source import KEYED, rows_of

TIMES = [START + number for number in range(25)]


def feed(**source: Any) -> Feed:
    described = {"kind": "http", "base_url": "https://api.example.com", "path": "/rows"} | source
    return Feed.model_validate({"name": "small", "source": described, "fields": KEYED})


def written(times: list[int], form: str) -> bytes:
    if form == "csv":
        return "".join(["id,t\n", *(f"{n},{n}\n" for n in times)]).encode()
    return "".join(f'{{"id":{n},"t":{n}}}\n' for n in times).encode()


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_pages_are_followed_by_what_they_hold(http_server: HttpServer, form):
    """Here by offset, until a page is empty."""

    def answer(request: ReceivedRequest) -> Reply:
        at = int(request.params["offset"])
        return Reply(
            body=written(TIMES[at : at + 10], form), headers={"Content-Type": "text/plain"}
        )

    http_server.answer_by("/rows", answer)
    paging = {"kind": "offset", "param": "offset", "page_rows": 10}
    described = feed(format=form, paging=paging, no_records=["empty_body"])
    found = rows_of(described, http_server, memory_storage())
    assert [int(row["id"]) for row in found] == TIMES


def test_names_and_dialect_are_those_of_the_feed(http_server):
    """A row that does not fit is kept as an array."""
    http_server.answer("/rows", f"1;{START}\n2\n".encode())
    described = feed(format="csv", columns=["id", "t"], csv={"delimiter": ";"})
    found = rows_of(described, http_server, memory_storage())
    assert found == [{"id": "1", "t": str(START)}, ["2"]]


@pytest.mark.parametrize(
    ("form", "body", "problem"),
    [
        pytest.param("csv", b"<html>", "the body begins as HTML", id="html"),
        pytest.param("csv", b"", "no_records: .empty_body.", id="empty-csv"),
        pytest.param("ndjson", b"", "no_records: .empty_body.", id="empty-ndjson"),
        pytest.param("ndjson", b'{"id":1\n', "line 1 is not one JSON value", id="cut"),
    ],
)
def test_what_is_not_a_page_is_an_error(http_server, form, body, problem):
    """With the request that it answers."""
    http_server.answer("/rows", body)
    with pytest.raises(MalformedPageError, match=problem) as error:
        rows_of(feed(format=form), http_server, memory_storage())
    assert "/rows" in str(error.value)


def test_a_header_that_changed_is_refused(http_server):
    """As that of a file."""
    http_server.answer("/rows", b"id,time\n1,2\n")
    with pytest.raises(SourceRefusedError, match="the header has no 't', which a field reads"):
        rows_of(feed(format="csv"), http_server, memory_storage())


@pytest.mark.parametrize("source", [
    {"capture": {"next": "a.b"}}, {"errors": {"code": "code", "ok": ["0"]}},
    {"csv": {"header": False}},
])  # fmt: skip
def test_what_text_does_not_have_is_refused(source):
    """When the feed is read."""
    with pytest.raises(ValidationError, match=r"only JSON has|needs the names"):
        feed(format="csv", **source)
