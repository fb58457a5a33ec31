"""What only the API that lies in every legal way could find, each in its smallest form."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import MalformedPageError
from tests.support.feed_texts import feed
from tests.support.paging import END, START
from tests.support.servers.http import HttpServer, Reply
from tests.support.small_source import KEYED, NO_KEY, Row, rows_of


def serve_by_offset(server: HttpServer, pages: dict[int, list[Row]], **beside: object) -> None:
    """A source that has a page for each offset, and none for others."""

    def answer(request) -> Reply:
        page = pages.get(int(request.params["offset"]), [])
        return Reply(body=json.dumps({"data": page, **beside}).encode())

    server.answer_by("/rows", answer)


def counted(**options: object) -> dict[str, object]:
    """A source that is paged by offset and counts its records."""
    paging = {"kind": "offset", "total": "total", **options}
    return {"records": "data", "capture": {"total": "total"}, "paging": paging}


def test_an_edge_that_comes_twice_counts_once_without_a_key_or_an_order(http_server, storage):
    """Records without a key, in no order: only their place says that they came before."""
    rows = [{"price": n, "t": START + at} for n, at in enumerate([7, 3, 5, 9, 8, 4])]
    serve_by_offset(http_server, {0: rows[:3], 3: rows[2:5], 6: rows[5:]})
    described = feed(
        source={"records": "data", "paging": {"kind": "offset"}}, fields=NO_KEY, order="none"
    )
    assert rows_of(described, http_server, storage) == rows


def test_a_total_that_is_smaller_than_what_came_is_an_error(http_server, storage):
    """It would end the paging before the last page."""
    rows = [{"id": n, "t": START + n} for n in range(6)]
    serve_by_offset(http_server, {0: rows[:2], 2: rows[2:4], 4: rows[4:]}, total=3)
    with pytest.raises(MalformedPageError, match="total is 3, but 4 records came"):
        rows_of(feed(source=counted(), fields=KEYED), http_server, storage)
    assert list(storage.list("manifests")) == []


def test_a_source_that_shows_nothing_behind_an_offset_is_an_error(http_server, storage):
    """A total of 6, and empty pages from the third record on: 2 of 6 rows, exit 0."""
    serve_by_offset(http_server, {0: [{"id": 1, "t": START}, {"id": 2, "t": START}]}, total=6)
    described = feed(source=counted(page_rows=2), fields=KEYED)
    with pytest.raises(MalformedPageError, match=r"total is 6, .* from offset=4 on"):
        rows_of(described, http_server, storage)
    assert list(storage.list("manifests")) == []


@pytest.mark.parametrize(
    ("direction", "times"),
    [
        pytest.param("forward", [START - 2, START, START - 1, START + 1], id="forward"),
        pytest.param("backward", [END - 2, END, END - 1, END + 1, END + 2], id="backward"),
    ],
)
def test_a_search_by_id_finds_a_record_that_is_out_of_order(http_server, storage, direction, times):
    """One of the window lies on the other side of its edge, less than a page away."""
    rows = [{"id": n + 1, "t": t} for n, t in enumerate(times)]

    def answer(request) -> Reply:
        at, limit = request.params.get("at"), int(request.params.get("limit", 2))
        if at is None:
            page = rows[-limit:]
        elif direction == "forward":
            page = [row for row in rows if row["id"] >= int(at)][:limit]
        else:
            page = [row for row in rows if row["id"] < int(at)][-limit:][::-1]
        return Reply(body=json.dumps(page).encode())

    http_server.answer_by("/rows", answer)
    paging = {"kind": "id_search", "param": "at", "field": "id", "direction": direction,
              "page_rows": 2}  # fmt: skip
    staged = rows_of(feed(source={"paging": paging}, fields=KEYED), http_server, storage)
    assert {row["id"] for row in staged} == {row["id"] for row in rows if START <= row["t"] < END}


def test_a_source_that_repeats_the_id_that_it_should_exclude_is_an_error(http_server, storage):
    """The feed says `start: exclusive`: each page would bring the last record again."""
    rows = [{"id": n, "t": START + n} for n in range(1, 6)]

    def answer(request) -> Reply:
        at = int(request.params.get("from", 0))
        return Reply(body=json.dumps([row for row in rows if row["id"] >= at][:2]).encode())

    http_server.answer_by("/rows", answer)
    paging = {"kind": "id_forward", "param": "from", "field": "id", "start": "exclusive",
              "first_params": {"since": "{start_ms}"}}  # fmt: skip
    with pytest.raises(MalformedPageError, match="does not start at the requested cursor"):
        rows_of(feed(source={"paging": paging}, fields=NO_KEY), http_server, storage)
    assert list(storage.list("manifests")) == []


@pytest.mark.parametrize("fields", [KEYED, NO_KEY], ids=["by key", "by the whole record"])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_a_source_that_answers_for_other_times_than_requested_is_an_error(
    http_server, storage, backward, fields
):
    """Its second page is the whole list, of which it would double what came before."""
    rows = [{"id": n, "price": n, "t": START + n * 1_000} for n in range(6)]
    first = rows[2:5][::-1] if backward else rows[1:4]
    pages = [Reply(body=json.dumps(page).encode()) for page in (first, rows)]
    http_server.answer_in_turn("/rows", *pages)
    paging = (
        {"kind": "time_backward", "end_param": "to"}
        if backward
        else {"kind": "time_forward", "start_param": "from"}
    )
    with pytest.raises(MalformedPageError, match=r"returned (earlier|later) records"):
        rows_of(feed(source={"paging": paging}, fields=fields), http_server, storage)
    assert list(storage.list("manifests")) == []


def test_a_page_of_one_id_that_comes_again_is_an_error(http_server, storage):
    """The source includes the id, and two records have it: what is before them does not fit."""
    rows = [{"id": n, "price": at, "t": START + 1} for at, n in enumerate([1, 2, 2])]

    def answer(request) -> Reply:
        at = int(request.params.get("before", 9))
        return Reply(body=json.dumps([row for row in rows if row["id"] <= at][-2:]).encode())

    http_server.answer_by("/rows", answer)
    paging = {"kind": "id_backward", "param": "before", "field": "id",
              "first_params": {"until": "{last_ms}"}}  # fmt: skip
    with pytest.raises(MalformedPageError, match=r"makes no progress|came before"):
        rows_of(feed(source={"paging": paging}, fields=KEYED), http_server, storage)
    assert list(storage.list("manifests")) == []


def test_the_newest_records_may_lack_others_of_their_oldest_time(http_server, storage):
    """The range that the manifest calls missed includes that time."""
    rows = [{"id": n, "t": START + 1_000 + n // 2} for n in range(1, 4)]
    http_server.answer("/rows", json.dumps(rows).encode())
    described = feed(source={"paging": {"kind": "newest_only", "page_rows": 3}}, fields=KEYED)
    assert len(rows_of(described, http_server, storage)) == 3
    [key] = storage.list("manifests")
    missed = json.loads(storage.read(key) or b"")["json"]["missed"]
    assert missed == [START * 10**6, (START + 1_000) * 10**6 + 1]
