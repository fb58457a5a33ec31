"""Paging ends only when the source says so."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import (
    FeedFileError,
    MalformedPageError,
    SourceRefusedError,
    SourceUnavailableError,
)
from tests.support.feed_texts import feed
from tests.support.paging import START
from tests.support.servers.http import HttpServer, Reply
from tests.support.small_source import KEYED, NO_KEY, Row, rows_of


def serve_by_time(server: HttpServer, rows: list[Row], *, page_rows: int, backward: bool) -> None:
    """A source that answers for ``from`` and ``to``, inclusive, *page_rows* at a time."""

    def answer(request) -> Reply:
        first, last = int(request.params.get("from", 0)), int(request.params.get("to", 10**15))
        inside = [row for row in rows if first <= row["t"] <= last]
        page = inside[-page_rows:][::-1] if backward else inside[:page_rows]
        return Reply(body=json.dumps(page).encode())

    server.answer_by("/rows", answer)


@pytest.mark.parametrize("fields", [KEYED, NO_KEY], ids=["by key", "by the whole record"])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_records_that_share_an_instant_at_a_page_edge_come_once(
    http_server, storage, backward, fields
):
    """Five records a millisecond, pages of seven: 30 of 30."""
    rows = [{"id": n, "price": n, "t": START + n // 5} for n in range(30)]
    serve_by_time(http_server, rows, page_rows=7, backward=backward)
    paging = (
        {"kind": "time_backward", "end_param": "to"}
        if backward
        else {"kind": "time_forward", "start_param": "from"}
    )
    described = feed(source={"paging": paging}, fields=fields)
    staged = rows_of(described, http_server, storage)
    assert sorted(row["id"] for row in staged) == list(range(30))


def test_a_source_that_gives_the_edge_twice_yields_each_record_once(http_server, storage):
    """10 for 10 in steps whose ends are inclusive on both sides, without a key."""
    rows = [{"price": n, "t": START + n * 6 * 60_000} for n in range(10)]
    serve_by_time(http_server, rows, page_rows=100, backward=False)
    paging = {"kind": "time_steps", "start_param": "from", "end_param": "to", "step": "30m",
              "end": "exclusive"}  # fmt: skip
    assert rows_of(feed(source={"paging": paging}, fields=NO_KEY), http_server, storage) == rows


def test_a_whole_page_of_one_instant_is_an_error_and_commits_nothing(http_server, storage):
    """Where the source can go no finer."""
    rows = [{"id": n, "t": START + n // 9} for n in range(30)]
    serve_by_time(http_server, rows, page_rows=7, backward=False)
    described = feed(source={"paging": {"kind": "time_forward", "start_param": "from"}},
                     fields=KEYED)  # fmt: skip
    with pytest.raises(MalformedPageError, match="all 7 records of a page have the time"):
        rows_of(described, http_server, storage)
    assert list(storage.list("manifests")) == []


@pytest.mark.parametrize(
    ("after", "reply"),
    [
        pytest.param("empty", Reply(body=b"[]"), id="an empty page"),
        pytest.param("repeated", None, id="the last page again"),
        pytest.param("refused", Reply(body=b"{}", status=404), id="404"),
        pytest.param("refused", Reply(body=b"{}", status=400), id="400"),
    ],
)
def test_endings_that_real_apis_use_end_the_paging(http_server, storage, after, reply):
    """Each by one word in the feed where it is ambiguous."""
    pages = [[{"id": 1, "t": START}, {"id": 2, "t": START}], [{"id": 3, "t": START}]]

    def answer(request) -> Reply:
        number = int(request.params["page"])
        if number > len(pages) and reply is not None:
            return reply
        return Reply(body=json.dumps(pages[min(number, len(pages)) - 1]).encode())

    http_server.answer_by("/rows", answer)
    paging = {"kind": "page", "after_last_page": after}
    staged = rows_of(feed(source={"paging": paging}, fields=KEYED), http_server, storage)
    assert [row["id"] for row in staged] == [1, 2, 3]


def test_a_first_page_that_is_refused_is_never_an_ending(http_server, storage):
    """404 says that the path is wrong."""
    http_server.answer("/rows", b"{}", status=404)
    described = feed(source={"paging": {"kind": "page", "after_last_page": "refused"}})
    with pytest.raises(SourceRefusedError, match="HTTP 404"):
        rows_of(described, http_server, storage)


def test_no_paging_runs_forever(http_server, storage):
    """Neither one whose pages stay empty, nor one whose pages never end."""
    http_server.answer_by(
        "/rows",
        lambda _: Reply(body=json.dumps({"data": [], "next": len(http_server.asked)}).encode()),
    )
    source = {
        "records": "data",
        "capture": {"next": "next"},
        "paging": {"kind": "cursor", "param": "at", "cursor": "next"},
    }
    with pytest.raises(MalformedPageError, match="100 pages in a row had no records"):
        rows_of(feed(source=source), http_server, storage)
    http_server.answer_by(
        "/rows",
        lambda _: Reply(
            body=json.dumps(
                {"data": [{"id": len(http_server.asked), "t": START}],
                 "next": len(http_server.asked)}
            ).encode()
        ),
    )  # fmt: skip
    with pytest.raises(MalformedPageError, match=r"40 pages were read.*limits.max_pages"):
        rows_of(feed(source=source, limits={"max_pages": 40}), http_server, storage)
    with pytest.raises(SourceUnavailableError, match=r"limits.unit_timeout: 0:00:01"):
        rows_of(feed(source=source, limits={"unit_timeout": "1s"}), http_server, storage)
    assert list(storage.list("manifests")) == []


def test_a_cursor_is_data(http_server, storage):
    """Arrays, objects, numbers of any size, ``true``, text that looks like a template."""
    written = [
        '"{start_ms}"', '"a&b=c"', "true", '[1700000000, "abc"]', '{"id": 5}',
        "1" + "0" * 40, "1.10", "-0.00000010",
    ]  # fmt: skip
    cursors = [
        "{start_ms}", "a&b=c", "true", '[1700000000,"abc"]', '{"id":5}',
        "1" + "0" * 40, "1.10", "-0.00000010",
    ]  # fmt: skip

    def answer(request) -> Reply:
        number = len(http_server.asked) - 1
        assert request.params.get("at") == (cursors[number - 1] if number else None)
        body = f'{{"data": [{{"id": {number}, "t": {START + number}}}]'
        if number < len(cursors):
            body += f', "next": {written[number]}'
        return Reply(body=f"{body}}}".encode())

    http_server.answer_by("/rows", answer)
    source = {
        "records": "data",
        "capture": {"next": "next"},
        "paging": {"kind": "cursor", "param": "at", "cursor": "next"},
    }
    staged = rows_of(feed(source=source, fields=KEYED), http_server, storage)
    assert [row["id"] for row in staged] == list(range(9))


def test_a_full_page_without_paging_is_an_error_with_advice(http_server, storage):
    """Never 200 of 288 candles and exit 0."""
    rows = [{"id": n, "t": START + n} for n in range(200)]
    http_server.answer("/rows", json.dumps(rows).encode())
    described = feed(source={"paging": {"kind": "single", "page_rows": 200}}, fields=KEYED)
    with pytest.raises(FeedFileError, match=r"/rows.*the page is full.*shorter window"):
        rows_of(described, http_server, storage)
    assert list(storage.list("manifests")) == []


PAGED = {
    "page": {"kind": "page"},
    "offset": {"kind": "offset"},
    "time_forward": {"kind": "time_forward", "start_param": "from", "end_param": "to"},
    "time_backward": {"kind": "time_backward", "start_param": "from", "end_param": "to"},
    "id_forward": {
        "kind": "id_forward", "param": "id", "field": "id", "first_params": {"from": "{start_ms}"},
    },
    "id_backward": {
        "kind": "id_backward", "param": "before", "field": "id",
        "first_params": {"to": "{end_ms}"},
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", PAGED)
@pytest.mark.parametrize("cap", [3, 5], ids=["less than page_rows", "page_rows"])
def test_a_source_that_returns_less_than_page_rows_gives_all_of_its_records(
    http_server, storage, kind, cap
):
    """Its first page is short, as each of them is: that alone is no end."""
    rows = [{"id": n, "t": START + n} for n in range(1, 14)]

    def answer(request) -> Reply:
        asked = {name: int(value) for name, value in request.params.items()}
        page = [row for row in rows if asked.get("from", 0) <= row["t"] <= asked.get("to", 10**15)]
        page = [row for row in page if asked.get("id", 0) <= row["id"] < asked.get("before", 99)]
        skipped = asked.get("offset", (asked.get("page", 1) - 1) * cap)
        page = page[::-1][:cap] if "backward" in kind else page[skipped : skipped + cap]
        return Reply(body=json.dumps(page).encode())

    http_server.answer_by("/rows", answer)
    described = feed(source={"paging": PAGED[kind] | {"page_rows": 5}}, fields=KEYED)
    staged = rows_of(described, http_server, storage)
    assert sorted(row["id"] for row in staged) == list(range(1, 14))


def test_two_signals_that_contradict_each_other_commit_nothing(http_server, storage):
    """``total_pages: 5``, and 404 behind the second one."""
    body = json.dumps({"data": [{"id": 1, "t": START}], "pages": 5}).encode()
    http_server.answer_in_turn("/rows", Reply(body=body), Reply(body=b"{}", status=404))
    source = {
        "records": "data",
        "capture": {"pages": "pages"},
        "paging": {"kind": "page", "total_pages": "pages", "after_last_page": "refused"},
    }
    with pytest.raises(MalformedPageError, match="there are 5 pages, but none at page=2"):
        rows_of(feed(source=source, fields=KEYED), http_server, storage)
    assert list(storage.list("manifests")) == []


@pytest.mark.parametrize("kind", ["cursor", "next_url"])
@pytest.mark.parametrize("says_null", [False, True], ids=["left out", "null"])
def test_a_full_first_page_without_its_next_is_no_end(http_server, storage, kind, says_null):
    """A wrong path in capture looks like a last page; where it is one, the feed says so.

    A page that is not full may be the last one, and so may one whose next is null.
    """
    rows = [{"id": n, "price": n, "t": START + n} for n in range(9)]
    option = {"cursor": {"param": "at", "cursor": "next"}, "next_url": {"url": "next"}}[kind]

    def described(**more: object):
        paging = {"kind": kind, **option, **more}
        return feed(source={"params": {"limit": 9}, "records": "rows", "paging": paging,
                            "capture": {"next": "info.next"}}, fields=KEYED)  # fmt: skip

    def answer(count: int) -> None:
        info = {"next": None} if says_null else {"more": 1}
        http_server.answer("/rows", json.dumps({"info": info, "rows": rows[:count]}).encode())

    answer(8)
    assert rows_of(described(), http_server, storage) == rows[:8]
    answer(9)
    if not says_null:
        with pytest.raises(MalformedPageError, match=r"is full, but has nothing at source.capture"):
            rows_of(described(), http_server, storage)
    more = {} if says_null else {"may_lack_next": True}
    assert rows_of(described(**more), http_server, storage) == rows
