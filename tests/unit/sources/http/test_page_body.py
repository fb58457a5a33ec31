"""A body is its records, or the error that it reports, with its request's address."""

from __future__ import annotations

import pytest

from include.ticklake.errors import MalformedPageError, RateLimitedError, SourceRefusedError
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.sources.http.page_body import PageBody
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.http.transport import HttpResponse

REQUEST = HttpRequest(url="https://a.example/x", secret_headers={"X": "s3cret"})
ERRORS = {"code": "code", "ok": [0], "rate_limited": {"*ratelimit*": "5s"}}


def read(body: bytes, *, status: int = 200, **source: object) -> list[str]:
    described = HttpSource.model_validate(
        {"kind": "http", "base_url": "https://a.example", "path": "/x"} | source
    )
    response = HttpResponse(
        status=status, headers={}, chunks=iter([body]), describe=lambda: f"HTTP {status}"
    )
    page = PageBody(response, described, request=REQUEST, max_record_bytes=1_000)
    with page.failures():
        return [bytes(record).decode() for record in page]


@pytest.mark.parametrize("status", [204, 205])
def test_a_status_without_a_body_means_no_records(status):
    """Whatever path the records have."""
    assert read(b"", status=status, records="data.list") == []


def test_a_plain_value_among_records_is_one():
    """Conversion refuses it; others are not lost with it."""
    assert read(b'["x",null,{"a":1},5]') == ['"x"', "null", '{"a":1}', "5"]


@pytest.mark.parametrize("columns", [None, ["a", "b"]])
def test_a_list_without_a_record_is_an_error_that_shows_it(columns):
    """As Bitfinex sends its errors."""
    with pytest.raises(SourceRefusedError, match=r"^https://a.example/x: the body reports 'error, "
                       r"10020, symbol: invalid'; there are only plain values"):  # fmt: skip
        read(b'["error", 10020, "symbol: invalid"]', columns=columns)
    with pytest.raises(SourceRefusedError, match="only plain values where the records should be"):
        read(b'{"data":[' + b"1," * 50_000 + b"1]}", records="data")
    with pytest.raises(RateLimitedError, match="'error, 11010, ratelimit: error'"):
        read(b'["error", 11010, "ratelimit: error"]', errors=ERRORS)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b'{"msg":"no s3cret"}', r"the body reports 'no \*\*\*'; no array of records",
                     id="a message"),
        pytest.param(b'{"s3cret":{"a":1}}', r"x: no array of records at 'data': the body is an "
                     r"object with the names \*\*\*; if", id="a name"),
        pytest.param(b'"down for s3cret"', r"the body reports 'down for \*\*\*'; no array",
                     id="a text"),
    ],
)  # fmt: skip
def test_a_body_without_records_shows_its_message_and_no_secret(body, message):
    """Where the feed declares no errors, and where it does."""
    with pytest.raises(SourceRefusedError, match=message):
        read(body, records="data")


def test_a_failure_counts_before_the_body_that_is_broken():
    """What the source says is the better reason."""
    with pytest.raises(SourceRefusedError, match="the body reports '7'"):
        read(b'{"code":7,"data":[{"a":1}', records="data", errors=ERRORS)
    with pytest.raises(MalformedPageError, match="the body ends at byte 25"):
        read(b'{"code":0,"data":[{"a":1}', records="data", errors=ERRORS)


def test_null_with_a_message_is_a_failure_where_no_code_says_otherwise():
    """With a code of success it has no records, and so it has without a message."""
    failure = b'{"%b":0,"msg":"Parameter does not exist","data":null}'
    with pytest.raises(SourceRefusedError, match=r"'Parameter does not exist'.* source\.errors"):
        read(failure % b"code", records="data")
    with pytest.raises(SourceRefusedError, match="'Parameter does not exist'"):
        read(failure % b"other", records="data", errors=ERRORS)
    assert read(failure % b"code", records="data", errors=ERRORS) == []
    assert read(b'{"code":null,"msg":"x","data":null}', records="data", errors=ERRORS) == []
    assert read(b'{"data":null}', records="data", errors=ERRORS) == []
