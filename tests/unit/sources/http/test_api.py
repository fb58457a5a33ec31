"""An API is read page by page, only as far as it is needed, and again where a page broke."""

from __future__ import annotations

import gzip
from contextlib import closing
from itertools import chain, groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ticklake.errors import (
    MalformedPageError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnavailableError,
)
from tests.support.api_pages import (
    BODY,
    BY_TIME,
    ROWS,
    START,
    WINDOW,
    Waits,
    body,
    by_time,
    pages,
    read,
)
from tests.support.feed_texts import feed
from tests.support.servers.http import HttpServer, Reply
from tests.support.servers.raw import RawServer

# ---- what is asked for


def test_pages_are_asked_for_until_there_are_no_more(http_server, waits):
    """Each with its cursor, one after the other, from the last instant of the one before."""
    http_server.answer_by("/rows", by_time(12))
    found = []
    for cursor, page in pages(feed(source=BY_TIME), http_server, waits):
        found.append((cursor, len(list(page)), page.rows, page.page_bytes))
    sizes = [len(body(ROWS[at : at + 12])) for at in (0, 11, 22, 29)]
    assert [(rows, size) for _, rows, _, size in found] == list(
        zip([12, 12, 8, 1], sizes, strict=True)
    )
    assert [cursor for cursor, *_ in found] == [
        f"{START}", f"{START + 11}/12", f"{START + 22}/12", f"{START + 29}/12",
    ]  # fmt: skip
    assert [asked.params["to"] for asked in http_server.asked] == [str(WINDOW.end_ms - 1)] * 4


def test_a_page_that_nobody_reads_is_not_asked_for(http_server, waits):
    """One request per page, when its first record is wanted, and none ahead."""
    http_server.answer_by("/rows", by_time(12))
    with closing(pages(feed(source=BY_TIME), http_server, waits)) as found:
        _, page = next(found)
        assert http_server.asked == []
        records = iter(page)
        next(records)
        assert len(http_server.asked) == 1
        assert len(list(records)) == 11
        assert len(http_server.asked) == 1
        next(found)
        assert len(http_server.asked) == 1


def test_a_page_left_in_the_middle_is_not_asked_for_again(waits):
    """Whoever stops reading gets rid of the connection, without a word."""
    head = b"HTTP/1.1 200 OK\r\n\r\n[" + b'{"id":0},' * 10_000
    with RawServer(head, then=iter(lambda: b'{"id":1},' * 10_000, None)) as server:
        with closing(pages(feed(), None, waits, base_url=server.url)) as found:
            _, page = next(found)
            records = iter(page)
            next(records)
            records.close()
        assert server.disconnected.wait(10)
    assert waits == []


@pytest.mark.parametrize("turn", range(4))
def test_paging_goes_on_from_a_cursor(http_server, waits, turn):
    """In another process, with the very page that the cursor stood for."""
    http_server.answer_by("/rows", by_time(12))
    whole = read(feed(source=BY_TIME), http_server, waits)
    cursor = str(START + [0, 11, 22, 29][turn])
    resumed = read(feed(source=BY_TIME), http_server, waits, cursor=cursor)
    assert resumed[: len(whole) - turn] == whole[turn:]
    assert not any(resumed[len(whole) - turn :])


# ---- pages that break


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
@settings(max_examples=25)
@given(cuts=st.lists(st.integers(1, len(BODY) - 1), min_size=1, max_size=4))
def test_a_page_that_broke_is_read_on_in_the_next_try(chunked, cuts):
    """Every record comes once, in order, wherever it broke and however often."""
    waits = Waits()
    answer = [BODY[:300], BODY[300:]] if chunked else BODY
    with HttpServer() as server:
        broken = [Reply(body=answer, cut_after_bytes=cut) for cut in cuts]
        server.answer_in_turn("/rows", *broken, Reply(body=answer))
        assert read(feed(), server, waits) == [ROWS]
        assert (len(server.asked), len(waits)) == (len(cuts) + 1, len(cuts))


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(ROWS[1:], id="one gone"),
        pytest.param([{"id": -1}, *ROWS], id="one more"),
        pytest.param([*ROWS[:19], ROWS[19] | {"text": "x"}, *ROWS[20:]], id="another text"),
        pytest.param(ROWS[:5], id="shorter"),
        pytest.param([], id="empty"),
    ],
)
def test_a_page_that_changed_between_two_tries_is_refused(http_server, waits, again):
    """Half of one state and half of another is no state of the source."""
    cut = len(body(ROWS[:20])) + 1  # twenty records were read when it broke
    http_server.answer_in_turn(
        "/rows", Reply(body=[BODY], cut_after_bytes=cut), Reply(body=body(again))
    )
    with pytest.raises(MalformedPageError, match="/rows: changed between two attempts to read it"):
        read(feed(), http_server, waits)


def test_a_page_is_given_up_after_five_tries(http_server, waits):
    """With waits that grow, and are bounded."""
    http_server.answer("/rows", status=500)
    with pytest.raises(SourceUnavailableError, match="/rows: HTTP 500"):
        read(feed(), http_server, waits)
    assert len(http_server.asked) == 5
    assert [
        first <= wait <= first + 1 for first, wait in zip([1, 2, 4, 8], waits, strict=True)
    ] == ([True] * 4)


def test_the_next_page_has_tries_of_its_own(http_server, waits):
    """What was read before is not asked for again."""
    good = by_time(15)
    fail = iter([False, True, True, False, True, False, False])
    http_server.answer_by("/rows", lambda asked: Reply(status=502) if next(fail) else good(asked))
    records = chain(*read(feed(source=BY_TIME), http_server, waits))
    assert [record for record, _ in groupby(records)] == ROWS  # pages share their edges
    assert len(waits) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_not_tried_again(http_server, waits, status):
    """It would only be refused again."""
    http_server.answer("/rows", b'{"msg":"no"}', status=status)
    with pytest.raises(SourceRefusedError, match=rf"HTTP {status} \(no\)"):
        read(feed(), http_server, waits)
    assert (len(http_server.asked), waits) == (1, [])


@pytest.mark.parametrize("retry_after", [0, 1, 30])
def test_a_short_rate_limit_is_waited_for_as_long_as_the_source_says(
    http_server, waits, retry_after
):
    """Neither longer nor shorter."""
    limited = Reply(status=429, headers={"Retry-After": str(retry_after)})
    http_server.answer_in_turn("/rows", limited, limited, Reply(body=BODY))
    assert read(feed(limits={"max_wait_s": 30}), http_server, waits) == [ROWS]
    assert waits == [retry_after, retry_after]


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [(429, {"Retry-After": "31"}, 31), (418, {"Retry-After": "7200"}, 7200), (429, {}, 60)],
)
def test_a_long_rate_limit_goes_back_to_the_scheduler_at_once(
    http_server, waits, status, headers, wait_s
):
    """No worker sleeps for it."""
    http_server.answer("/rows", status=status, headers=headers)
    with pytest.raises(RateLimitedError) as wrong:
        read(feed(limits={"max_wait_s": 30}), http_server, waits)
    assert wrong.value.retry_after_s == wait_s
    assert (len(http_server.asked), waits) == (1, [])


# ---- bodies that are not what they should be

BAD = {
    "truncated": (b'[{"id":1},{"id":', MalformedPageError, "the body ends at byte 16"),
    "invalid UTF-8": (b'[{"id":1},{"id":"\xff"}]', MalformedPageError, "invalid UTF-8 at byte 17"),
    "nan": (b'[{"id":nan}]', MalformedPageError, "not JSON at byte [78]"),
    "HTML": (
        b"<html><body>Just a moment...</body></html>",
        MalformedPageError,
        "not JSON near byte 0",
    ),
    "no array": (b'{"code":1,"x":"x"}', SourceRefusedError, r"no array of records at '\$'"),
    "deep": (b'[{"id":' + b"[" * 10_000, MalformedPageError, "nested too deep|ends at byte"),
    "too long": (
        b'[{"id":"' + b"x" * 2_000_000 + b'"}]',
        MalformedPageError,
        "max_record_bytes: 1000000",
    ),
    "empty": (b"", MalformedPageError, "the body is empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_told_with_its_address_and_byte(http_server, waits, name):
    """And with nothing of what is in it."""
    bad, kind, message = BAD[name]
    http_server.answer("/rows", bad)
    limited = feed(
        limits={"max_record_bytes": 1_000_000}, source={"params": {"apiKey": "s3cret", "x": 1}}
    )
    with pytest.raises(kind, match=message) as wrong:
        read(limited, http_server, waits)
    assert str(wrong.value).startswith(f"{http_server.url}/rows?apiKey=***&x=1: ")
    assert "s3cret" not in str(wrong.value)
    assert len(http_server.asked) == (5 if kind is MalformedPageError else 1)


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        # Closed, or the rest might be taken for the answer to the next attempt.
        pytest.param(
            "Connection: close\r\nContent-Length: 99", BODY, id="a length that is too short"
        ),
        pytest.param("Content-Encoding: gzip", gzip.compress(BODY)[:-30], id="cut gzip"),
        pytest.param("Content-Encoding: gzip", gzip.compress(BODY[:-1]), id="gzip of a cut body"),
        pytest.param("Connection: close", BODY[:-1], id="no length at all"),
    ],
)
def test_a_short_body_that_http_takes_for_whole_is_noticed(waits, headers, sent):
    """The array of records has no end: that is known whatever the transport says."""
    with (
        RawServer(f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode(), sent) as server,
        pytest.raises(
            MalformedPageError, match=r"/rows: (the body ends at byte|its gzip data ends early)"
        ),
    ):
        read(feed(), None, waits, base_url=server.url)
    assert len(waits) == 4


@pytest.mark.parametrize("paging", [BY_TIME, {"paging": {"kind": "page"}}], ids=["time", "page"])
def test_a_page_that_repeats_the_previous_one_is_asked_for_again(http_server, waits, paging):
    """It may have been by mistake; after five attempts it is refused."""
    replies = [Reply(body=body(ROWS[:5])), Reply(body=body(ROWS[:5])), Reply(body=body(ROWS[4:9]))]
    http_server.answer_in_turn("/rows", *replies, Reply(body=body(ROWS[8:9])), Reply(body=b"[]"))
    read_rows = [row for page in read(feed(source=paging), http_server, waits) for row in page]
    assert [row for row, _ in groupby(read_rows)] == ROWS[:9]
    assert len(waits) == 1
    http_server.answer("/rows", body(ROWS[:5]))
    with pytest.raises(MalformedPageError, match="repeats the previous page: the source ignores"):
        read(feed(source=paging), http_server, waits)


def test_paging_that_is_stuck_is_told_with_its_address(http_server, waits):
    """A different page, without progress."""
    replies = [Reply(body=body(ROWS[n : n + 3])) for n in (5, 3)]
    http_server.answer_in_turn("/rows", *replies)
    with pytest.raises(
        MalformedPageError, match=rf"/rows\?from={START + 7}&.*: paging makes no progress: from="
    ):
        read(feed(source=BY_TIME), http_server, waits)


def test_an_object_that_no_field_reads_is_no_record(http_server, waits):
    """It is an error, or its names are others; ``errors`` says what reports one."""
    described = feed(source={"shape": "object"})
    http_server.answer("/rows", b'{"code":-1121,"msg":"Invalid symbol."}')
    with pytest.raises(SourceRefusedError, match=r"reports 'Invalid symbol\.'; the object at '\$'"):
        read(described, http_server, waits)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param('{"id":1,"t":%d,"s":"\\ud83d"}', id="half a surrogate pair"),
        pytest.param('{"id":1,"t":%d,"n":1e99999999999999999999}', id="a number beyond all"),
        pytest.param('{"id":1,"t":%d,"n":' + "9" * 5_000 + "}", id="a number of 5,000 digits"),
        pytest.param('{"id":1,"t":%d,"n":' + "[" * 985 + "]" * 985 + "}", id="nested"),
        pytest.param("[%d]", id="no object"),
    ],
)
def test_an_odd_record_at_the_edge_of_a_page_does_not_break_the_reader(http_server, waits, record):
    """It is given out as it came; the converter will look at it."""
    text = record % START
    http_server.answer("/rows", f"[{text}]".encode())
    [(_, page)] = pages(feed(), http_server, waits)
    try:
        [found] = page
    except MalformedPageError as wrong:
        assert "nested too deep" in str(wrong)  # noqa: PT017 - it depends on the interpreter
    else:
        assert bytes(found).decode() == text
        assert page.info().rows == 1
