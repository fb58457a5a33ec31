"""No paging runs forever, and a page that came before is never taken for the next one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count

import pytest

from include.ticklake.errors import MalformedPageError
from tests.support.feed_texts import feed
from tests.support.paging import START
from tests.support.servers.http import HttpServer, Reply
from tests.support.small_source import KEYED, NO_KEY, Row, rows_of

FIELDS = pytest.mark.parametrize("fields", [KEYED, NO_KEY], ids=["by key", "by the whole record"])
KINDS = {
    "page": {"kind": "page"},
    "offset": {"kind": "offset"},
    "cursor": {"kind": "cursor", "param": "at", "cursor": "next"},
    "header_cursor": {"kind": "header_cursor", "param": "at", "header": "X-Next"},
    "next_url": {"kind": "next_url", "url": "next"},
    "link_header": {"kind": "link_header"},
    "time_steps": {"kind": "time_steps", "start_param": "from", "end_param": "to", "step": "5m"},
}
REFUSAL = "repeats the previous page|all came before|have the times of those|makes no progress"


def rows(first: int, last: int, *, price: int = 0) -> list[Row]:
    """Records from number *first* to *last*; their prices are their numbers, and *price*."""
    return [{"id": n, "price": n + price, "t": START + n * 60_000} for n in range(first, last)]


def serve(server: HttpServer, kind: str, pages: Iterator[list[Row]]) -> None:
    """Whatever is asked for: the next of *pages*, and a cursor that never comes again."""

    def answer(_) -> Reply:
        turn = len(server.asked)
        following = f"{server.url}/rows?turn={turn}"
        body = {"data": next(pages), "next": following if kind == "next_url" else f"c{turn}"}
        headers = {"X-Next": f"c{turn}"}
        if kind == "link_header":
            headers["Link"] = f'<{following}>; rel="next"'
        return Reply(body=json.dumps(body).encode(), headers=headers)

    server.answer_by("/rows", answer)


def described(kind: str, fields: dict, **more):
    source = {"records": "data", "capture": {"next": "next"}, "paging": KINDS[kind]}
    return feed(source=source, fields=fields, **more)


@FIELDS
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_whose_records_were_all_seen_before_is_an_error(http_server, storage, kind, fields):
    """On the second page, with the parameter and with what to do; nothing is committed."""
    serve(http_server, kind, iter(lambda: rows(0, 7), None))
    with pytest.raises(MalformedPageError, match=rf"/rows.*({REFUSAL}).*check source.paging"):
        rows_of(described(kind, fields), http_server, storage)
    assert len(http_server.asked) == 2
    assert list(storage.list("manifests")) == []


@FIELDS
@pytest.mark.parametrize("kind", KINDS)
def test_a_parameter_that_the_api_ignores_while_its_prices_move_is_an_error(
    http_server, storage, kind, fields
):
    """The same ids; and without ids, the same times."""
    serve(http_server, kind, (rows(0, 7, price=turn) for turn in count()))
    with pytest.raises(MalformedPageError, match=rf"/rows.*({REFUSAL}).*check source.paging"):
        rows_of(described(kind, fields), http_server, storage)
    assert len(http_server.asked) == 2
    assert list(storage.list("manifests")) == []


@FIELDS
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "time_steps"])
def test_pages_that_wrap_round_are_an_error(http_server, storage, kind, fields):
    """Twenty records in pages of seven, again and again."""
    every = rows(0, 20)
    starts = count(0, 7)
    serve(http_server, kind, ([every[(at + n) % 20] for n in range(7)] for at in starts))
    with pytest.raises(MalformedPageError, match=r"/rows.*its 7 records all came before"):
        rows_of(described(kind, fields), http_server, storage)
    assert len(http_server.asked) <= 5
    assert list(storage.list("manifests")) == []


@FIELDS
def test_one_record_in_a_window_is_not_a_page_that_repeats(http_server, storage, fields):
    """Paging by time requests its instant again; two steps share it."""
    [row] = every = rows(30, 31)

    def answer(request) -> Reply:
        first, last = int(request.params.get("from", 0)), int(request.params.get("to", 10**15))
        return Reply(body=json.dumps(every if first <= row["t"] <= last else []).encode())

    http_server.answer_by("/rows", answer)
    steps = {"kind": "time_steps", "start_param": "from", "end_param": "to", "step": "30m",
             "end": "exclusive"}  # fmt: skip
    for paging in (
        {"kind": "time_forward", "start_param": "from"},
        {"kind": "time_backward", "end_param": "to"},
        steps,
    ):
        assert rows_of(feed(source={"paging": paging}, fields=fields), http_server, storage) == [
            row
        ]


@pytest.mark.parametrize("moves", [False, True], ids=["the same", "its prices moved"])
def test_the_last_page_again_is_an_ending(http_server, storage, moves):
    """By its keys: also when its prices moved meanwhile."""
    pages = [rows(0, 3), rows(3, 5)]

    def answer(request) -> Reply:
        number = int(request.params["page"])
        price = number if moves else 0
        page = [row | {"price": price} for row in pages[min(number, 2) - 1]]
        return Reply(body=json.dumps(page).encode())

    http_server.answer_by("/rows", answer)
    paging = {"kind": "page", "after_last_page": "repeated"}
    staged = rows_of(feed(source={"paging": paging}, fields=KEYED), http_server, storage)
    assert [row["id"] for row in staged] == [0, 1, 2, 3, 4]


def test_a_page_that_comes_again_since_records_were_added_is_not_the_last(http_server, storage):
    """So many of them between two requests that page 2 is page 1: the paging goes on."""
    every, added = rows(0, 6), iter([0, 2, 2, 2, 2, 2, 2])

    def answer(request) -> Reply:
        at = (int(request.params["page"]) - 1) * 2 - next(added)
        shifted = every[max(at, 0) : at + 2] or every[-2:]
        return Reply(body=json.dumps(shifted).encode())

    http_server.answer_by("/rows", answer)
    paging = {"kind": "page", "after_last_page": "repeated"}
    staged = rows_of(
        feed(source={"paging": paging}, fields=KEYED, order="none"), http_server, storage
    )
    assert [row["id"] for row in staged] == [0, 1, 2, 3, 4, 5]
