"""A request with a body pages, retries and resumes like one without, for every kind of paging."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.model.slice import Slice
from include.ticklake.model.times import epoch_ns
from include.ticklake.model.unit import Unit
from include.ticklake.sources.auth import Credentials
from tests.support.api_pages import WINDOW, Waits, pages, read
from tests.support.feed_texts import feed
from tests.support.paging import END, START
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply
from tests.support.small_source import KEYED, rows_of

ROWS = [{"id": n, "t": START + n // 3} for n in range(30)]
PAGE = 7

KINDS = {
    "page": {"kind": "page", "param": "req.page"},
    "offset": {"kind": "offset", "param": "req.offset"},
    "cursor": {"kind": "cursor", "param": "req.after", "cursor": "next"},
    "time_forward": {"kind": "time_forward", "start_param": "req.from", "end_param": "req.to"},
    "time_backward": {"kind": "time_backward", "start_param": "req.from", "end_param": "req.to"},
    "time_steps": {
        "kind": "time_steps", "start_param": "req.from", "end_param": "req.to", "step": "5m",
        "end": "exclusive",
    },
    "time_forward, in texts": {
        "kind": "time_forward", "start_param": "req.from", "end_param": "req.to",
        "format": "%Y-%m-%d %H:%M:%S.%f",
    },
    "id_forward": {
        "kind": "id_forward", "param": "req.id", "field": "id",
        "first_params": {"req.from": "{start_ms}"},
    },
    "id_backward": {
        "kind": "id_backward", "param": "req.before", "field": "id",
        "first_params": {"req.to": "{last_ms}"},
    },
}  # fmt: skip


def paged(kind: str, **source: Any):
    """A feed of POST requests, whose paging puts its parameters into ``req``."""
    paging = KINDS[kind]
    asks = {"method": "POST", "body": {"type": "rows", "req": {"limit": PAGE}}, "records": "rows"}
    return feed(
        source=asks | {"paging": paging, "capture": {"next": "next"}} | source, fields=KEYED
    )


def rows_for(asked: dict[str, Any], rows: list[dict[str, int]]) -> dict[str, Any]:
    """The page of a source that takes numbers where they are numbers, and nothing else."""
    for name in {"from", "to"} & asked.keys():
        if isinstance(asked[name], str):
            at = datetime.fromisoformat(asked[name]).replace(tzinfo=UTC)
            asked[name] = epoch_ns(at) // 10**6
    assert all(isinstance(value, int) for name, value in asked.items() if name != "after"), asked
    found = [r for r in rows if asked.get("from", 0) <= r["t"] <= asked.get("to", END)]
    if "id" in asked:
        found = [row for row in rows if row["id"] >= asked["id"]]
    backward = "before" in asked or asked.keys() == {"limit", "to"}
    if backward or "before" in asked:
        found = [row for row in rows if row["id"] < asked.get("before", 10**9)][::-1]
    at = (asked.get("page", 1) - 1) * PAGE + asked.get("offset", 0)
    if after := asked.get("after"):
        assert isinstance(after, list), "a cursor goes back as it came"
        at = after[0]
    page = found[at : at + PAGE]
    following = [at + PAGE, "x"] if at + PAGE < len(found) else None
    return {"rows": page, "next": following}


def serve(server: HttpServer, rows: list[dict[str, int]], *, is_backward: bool = False) -> None:
    """Answer POST requests for *rows* on /rows."""

    def answer(asked: ReceivedRequest) -> Reply:
        assert asked.method == "POST"
        assert asked.headers["content-type"] == "application/json"
        sent = json.loads(asked.body)
        assert sent["type"] == "rows"
        req = dict(sent["req"])
        if is_backward:
            found = [r for r in rows if req["from"] <= r["t"] <= req["to"]]
            return Reply(body=json.dumps({"rows": found[-PAGE:][::-1]}).encode())
        return Reply(body=json.dumps(rows_for(req, rows)).encode())

    server.answer_by("/rows", answer)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_paging_puts_its_parameter_into_the_body(http_server, storage, kind):
    """All records, each once; numbers are sent as numbers, and what came goes back as it came."""
    rows = ROWS[:PAGE] if kind == "time_steps" else ROWS
    serve(http_server, rows, is_backward=kind == "time_backward")
    assert sorted(r["id"] for r in rows_of(paged(kind), http_server, storage)) == [
        row["id"] for row in rows
    ]
    assert all(json.loads(asked.body)["req"]["limit"] == PAGE for asked in http_server.asked)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"time_steps"}))
def test_another_process_resumes_at_every_page_of_a_post(http_server, waits, kind):
    """With the body of that page; a cursor that is a list is a list again."""
    serve(http_server, ROWS, is_backward=kind == "time_backward")
    found = [
        (cursor, [json.loads(bytes(r))["id"] for r in page])
        for cursor, page in pages(paged(kind), http_server, waits)
    ]
    assert len(found) > 3
    for number, (cursor, _) in enumerate(found):
        if cursor is not None:
            resumed = read(paged(kind), http_server, waits, cursor=cursor)
            assert [row["id"] for page in resumed for row in page] == [
                row for _, page in found[number:] for row in page
            ]


def test_a_post_is_tried_again_with_its_body(http_server, waits):
    """After a failure, and after a page that ended early: no record comes twice."""
    whole = json.dumps({"rows": ROWS[:PAGE]}).encode()
    http_server.answer_in_turn(
        "/rows",
        Reply(status=503),
        Reply(body=whole, cut_after_bytes=100),
        Reply(body=whole),
        Reply(body=b'{"rows": []}'),
    )
    assert read(paged("page"), http_server, waits) == [ROWS[:PAGE], []]
    sent = [json.loads(asked.body)["req"]["page"] for asked in http_server.asked]
    assert sent == [1, 1, 1, 2]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["/other", "http://127.0.0.2/rows?token=t0ken"])
def test_a_body_follows_no_redirect(http_server, waits, status, place):
    """Neither to another path, where it may do something else, nor to another host."""
    http_server.answer("/rows", b"", status=status, headers={"Location": place})
    http_server.answer("/other", b'{"rows": []}')
    with pytest.raises(SourceRefusedError, match="a body is sent to no other place") as wrong:
        read(paged("page"), http_server, waits)
    assert [asked.path for asked in http_server.asked] == ["/rows"]
    assert "t0ken" not in str(wrong.value)


def test_the_next_url_of_a_post_gets_the_body_too(http_server, waits):
    """On the same host only."""
    following = {"kind": "next_url", "url": "next"}

    def answer(asked: ReceivedRequest) -> Reply:
        last = asked.params.get("page") == "2"
        page = {"rows": ROWS[1:2]} if last else {"rows": ROWS[:1], "next": "/rows?page=2"}
        return Reply(body=json.dumps(page).encode())

    http_server.answer_by("/rows", answer)
    assert read(paged("page", paging=following), http_server, waits) == [ROWS[:1], ROWS[1:2]]
    assert [json.loads(asked.body) for asked in http_server.asked] == [
        {"type": "rows", "req": {"limit": PAGE}}
    ] * 2


def test_a_form_is_filled_and_paged_as_a_query_is(http_server, waits):
    """Its names are plain, whatever dots they have; values that are empty are left out."""
    sent = []

    def answer(asked: ReceivedRequest) -> Reply:
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        sent.append(parse_qsl(asked.body.decode(), keep_blank_values=True))
        page = int(dict(sent[-1])["p.n"])
        return Reply(body=json.dumps(ROWS[:1] if page == 1 else []).encode())

    http_server.answer_by("/rows", answer)
    form = {"s": "{symbol} é", "kind": "{kind}", "ids": [1, 2], "x": "", "n": None}
    described = feed(
        source={
            "method": "POST", "form": form, "params": {},
            "paging": {"kind": "page", "param": "p.n"},
        },
        slices={"symbol": ["A"], "kind": {"all": "", "spot": "spot"}},
    )  # fmt: skip
    unit = Unit(Slice.of({"symbol": "A", "kind": "all"}), WINDOW)
    assert read(described, http_server, waits, unit=unit) == [ROWS[:1], []]
    plain = [("s", "A é"), ("ids", "1"), ("ids", "2"), ("x", "")]
    assert sent == [[*plain, ("p.n", "1")], [*plain, ("p.n", "2")]]


@pytest.mark.parametrize("is_form", [False, True], ids=["in JSON", "in a form"])
def test_a_key_in_the_body_is_sent_with_each_page_and_shown_nowhere(http_server, waits, is_form):
    """Neither in an error's message, nor in records that repeat it."""
    key, sent = "k3y/of+acme 77", []

    def answer(asked: ReceivedRequest) -> Reply:
        text = asked.body.decode()
        sent.append(dict(parse_qsl(text)) if is_form else json.loads(text)["req"])
        if len(sent) == 3:
            return Reply(status=403, body=text.encode())
        rows = [{**row, "echo": key} for row in ROWS[len(sent) - 1 : len(sent)]]
        return Reply(body=json.dumps({"rows": rows}).encode())

    http_server.answer_by("/rows", answer)
    place = "key" if is_form else "req.key"
    parts = {"form": {"a": "1"}, "body": None, "paging": {"kind": "page", "param": "page"}}
    described = paged(
        "page",
        auth={"kind": "body", "name": place, "connection": "acme"},
        **(parts if is_form else {}),
    )
    login = Credentials(secret=key)
    read_pages = pages(described, http_server, waits, get_credentials=lambda _: login)
    records = [bytes(one).decode() for _ in range(2) for one in next(read_pages)[1]]
    third = next(read_pages)[1]
    with pytest.raises(SourceRefusedError, match="HTTP 403") as refused:
        list(third)
    assert len(records) == 2
    assert {one["key"] for one in sent} == {key}
    assert [int(one["page"]) for one in sent] == [1, 2, 3]
    for text in (*records, str(refused.value), repr(refused.value)):
        assert "k3y" not in text


def test_a_parameter_that_params_name_is_paged_in_the_query(http_server, waits):
    """Beside a body that stays as it is."""
    http_server.answer_by(
        "/rows",
        lambda asked: Reply(
            body=json.dumps({"rows": ROWS[:1] if asked.params["page"] == "1" else []}).encode()
        ),
    )
    described = paged("page", params={"page": 1}, paging={"kind": "page"})
    assert read(described, http_server, waits) == [ROWS[:1], []]
    assert {asked.body for asked in http_server.asked} == {b'{"type":"rows","req":{"limit":7}}'}


def test_a_source_that_ignores_the_body_is_noticed(http_server, storage):
    """As one that ignores a parameter."""
    http_server.answer("/rows", json.dumps({"rows": ROWS[:PAGE]}).encode())
    with pytest.raises(MalformedPageError, match="repeats the previous page"):
        rows_of(paged("page"), http_server, storage)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["page", "offset", "cursor", "id_forward", "time_forward"]),
    count=st.integers(0, 40),
)
def test_any_number_of_records_comes_whole_over_post(http_server, kind, count):
    """Whatever the kind of paging: each of them, and from each cursor on the rest."""
    rows = [{"id": n, "t": START + n} for n in range(count)]
    serve(http_server, rows)
    read_rows = [
        json.loads(bytes(record))["id"]
        for _, page in pages(paged(kind), http_server, Waits())
        for record in page
    ]
    assert sorted(set(read_rows)) == list(range(count))
