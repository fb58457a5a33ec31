"""Answers as they really are: errors of every form, endings without records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.feed.feed import Feed
from tests.support.feed_texts import feed
from tests.support.paging import START
from tests.support.servers.http import Reply
from tests.support.small_source import KEYED, rows_of

# ---- an error inside a 200 is seen whatever its form


@pytest.mark.parametrize(
    ("errors", "body", "shown"),
    [
        pytest.param({"code": "code", "ok": ["0"]}, {"code": "50011", "msg": "slow"}, "'50011'",
                     id="text"),
        pytest.param({"code": "code", "ok": ["0"]}, {"code": 10001}, "'10001'", id="number"),
        pytest.param({"code": "error"}, {"error": {"code": 5, "message": "bad"}}, "'bad'",
                     id="object"),
        pytest.param({"code": "error"}, {"error": ["EQuery:Unknown asset pair"]},
                     "'EQuery:Unknown asset pair'", id="list"),
        pytest.param({"code": "error", "message": "error"}, {"error": "bad symbol"},
                     "'bad symbol'", id="code and message at one path"),
        pytest.param({"code": "error", "message": "error.message"},
                     {"error": {"code": 5, "message": "bad"}}, "'bad'", id="a path in the other"),
        pytest.param({"code": "next"}, {"next": "bad"}, "'bad'", id="a captured path"),
        pytest.param({"code": "ok", "ok": [True]}, {"ok": False}, "'false'", id="ok: [true]"),
        pytest.param({"code": "ok", "ok": [0]}, {"ok": 1}, "'1'", id="[0]"),
        pytest.param({"code": "code", "ok": [0], "message": "error.message"},
                     {"code": 7, "error": {"message": "bad"}}, "'7' (bad)", id="error.message"),
        pytest.param({"code": "error.item", "ok": ["W*"]},
                     {"error": ["EQuery:Unknown asset pair", "WDatabase:Slow"]},
                     "'EQuery:Unknown asset pair'", id="a list that ends with a warning"),
        pytest.param({"code": "errors.item.code", "ok": [0]},
                     {"errors": [{"code": 0}, {"code": 7}, {"code": 0}]}, "'7'",
                     id="one of a list of objects"),
        pytest.param({"code": "error.code", "ok": [0]}, {"error": "bad"}, "'bad'",
                     id="a text where the path goes on"),
        pytest.param(None, {"error": {"message": "bad"}}, "'error: bad'", id="without rules"),
        pytest.param(None, {"success": False}, "'success: false'", id="without rules, a flag"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [[], [{"id": 1, "t": START}]], ids=["no rows", "rows"])
def test_an_error_inside_a_200_is_seen_whatever_its_form(
    http_server, storage, errors, body, shown, rows
):
    """Before the records, beside some of them, and in a feed that declares nothing."""
    source: dict[str, Any] = {"records": "data", "capture": {"next": "next"}}
    described = feed(source=source | ({"errors": errors} if errors else {}), fields=KEYED)
    for text in (body | {"data": rows}, {"data": rows} | body, body):
        http_server.answer("/rows", json.dumps(text).encode())
        with pytest.raises(SourceRefusedError) as error:
            rows_of(described, http_server, storage)
        assert f"the body reports {shown}" in str(error.value)
    assert list(storage.list("manifests")) == []


@pytest.mark.parametrize(
    ("body", "is_failure"),
    [
        ({"code": "51001", "msg": "Instrument does not exist"}, True),
        ({"ret_code": 10001, "ret_msg": "", "message": "params error"}, True),
        ({"code": "00000", "msg": "Instrument list"}, False),
        ({"code": 200, "message": "ok"}, False),
        ({"code": 200000}, False),
        ({"title": "Trades of the last hour"}, False),
    ],
)
def test_no_records_beside_a_code_and_a_message_are_a_failure(
    http_server, storage, body, is_failure
):
    """In a feed that declares nothing; where there are records, they count."""
    described = feed(source={"records": "data"}, fields=KEYED)
    http_server.answer("/rows", json.dumps(body | {"data": []}).encode())
    if is_failure:
        message = r"say in source\.errors which codes mean success"
        with pytest.raises(SourceRefusedError, match=message):
            rows_of(described, http_server, storage)
    else:
        assert rows_of(described, http_server, storage) == []
    http_server.answer("/rows", json.dumps(body | {"data": [{"id": 1, "t": START}]}).encode())
    assert len(rows_of(described, http_server, storage)) == 1


@pytest.mark.parametrize(
    ("ok", "code"),
    [([True], "true"), ([0], "0"), (["0"], "0"), ([0], '"0"'), ([0], "0.0"), ([None], "null"),
     ([], "null"), ([], "[]"), ([], '""'), ([], "false"), ([], "{}")],
)  # fmt: skip
def test_a_code_of_success_is_one_in_jsons_own_words(http_server, storage, ok, code):
    """As the author writes it in the feed."""
    http_server.answer("/rows", b'{"code":%b,"data":[{"id":1,"t":%d}]}' % (code.encode(), START))
    source = {"records": "data", "errors": {"code": "code", "ok": ok}}
    assert len(rows_of(feed(source=source, fields=KEYED), http_server, storage)) == 1


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'["error", 10020, "symbol: invalid"]', "error, 10020, symbol: invalid"),
        (b'{"error":{"code":5,"message":"symbol: invalid"}}', "symbol: invalid"),
        (b'{"error":["EQuery:Unknown asset pair"]}', "EQuery:Unknown asset pair"),
        (b'{"msg":"Invalid symbol."}', "Invalid symbol."),
    ],
)
@pytest.mark.parametrize("source", [{"columns": ["id", "t"]}, {"records": "data"}], ids=str)
def test_nested_reasons_are_shown(http_server, storage, status, body, reason, source):
    """The same with each status, in a feed that declares no errors."""
    http_server.answer("/rows", body, status=status)
    with pytest.raises(SourceRefusedError) as error:
        rows_of(feed(source=source, fields=KEYED), http_server, storage)
    assert reason in str(error.value)
    assert list(storage.list("manifests")) == []


# ---- endings that real APIs use

PAGINGS: dict[str, dict[str, Any]] = {
    "page": {"kind": "page"},
    "offset": {"kind": "offset"},
    "cursor": {"kind": "cursor", "param": "after", "cursor": "next"},
    "next_url": {"kind": "next_url", "url": "url"},
    "time_forward": {"kind": "time_forward", "start_param": "from"},
    "time_backward": {"kind": "time_backward", "end_param": "to"},
    "time_steps": {"kind": "time_steps", "start_param": "from", "end_param": "to", "step": "30m"},
    "id_forward": {"kind": "id_forward", "param": "from", "field": "id",
                   "first_params": {"from": "0"}},
    "header_cursor": {"kind": "header_cursor", "param": "after", "header": "X-Next"},
    "link_header": {"kind": "link_header"},
}  # fmt: skip
ENDINGS: dict[str, tuple[Reply, list[str]]] = {
    "null": (Reply(body=b'{"data":null}'), []),
    "204": (Reply(body=b"", status=204), []),
    "{}": (Reply(body=b'{"data":{}}'), ["empty_object"]),
    "an empty body": (Reply(body=b""), ["empty_body"]),
    "no such name": (Reply(body=b'{"n":0}'), ["missing"]),
}
NEXT = {"X-Next": "2", "Link": '</rows?p=2>; rel="next"'}


def described_by(kind: str, words: list[str]) -> Feed:
    """A feed with that paging, which takes *words* for no records."""
    source = {"records": "data", "capture": {"next": "next", "url": "url"}, "no_records": words}
    return feed(source=source | {"paging": PAGINGS[kind]}, fields=KEYED)


@pytest.mark.parametrize("kind", PAGINGS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_null_or_an_empty_object_or_body_or_204_ends_each_kind_of_paging(
    http_server, storage, kind, ending
):
    """By default where the source says so itself, else by one word in the feed."""
    reply, words = ENDINGS[ending]
    rows = [{"id": 1, "t": START + 1}, {"id": 2, "t": START + 2}]
    page = {"data": rows, "next": "n", "url": "/rows?p=2"}
    headers = {} if kind == "time_steps" else NEXT  # a step of which there is more is refused
    first = Reply(body=json.dumps(page).encode(), headers=headers)
    described = described_by(kind, words)
    http_server.answer("/rows", reply.body, status=reply.status)
    assert rows_of(described, http_server, storage) == []
    http_server.answer_in_turn("/rows", first, reply)
    assert rows_of(described, http_server, storage) == rows


@pytest.mark.parametrize("ending", [name for name, (_, words) in ENDINGS.items() if words])
def test_without_that_word_it_is_an_error_that_names_it(http_server, storage, ending):
    """On the first page and on a later one, and nothing is committed."""
    reply, words = ENDINGS[ending]
    first = Reply(body=json.dumps({"data": [{"id": 1, "t": START}]}).encode())
    for replies in ([reply], [first, reply]):
        http_server.answer_in_turn("/rows", *replies)
        with pytest.raises((SourceRefusedError, MalformedPageError)) as error:
            rows_of(described_by("page", []), http_server, storage)
        assert f"`no_records: [{words[0]}]`" in str(error.value)
    assert list(storage.list("manifests")) == []


@pytest.mark.parametrize("data", [b"null", b"{}"])
def test_paging_goes_on_beside_null_where_the_source_says_so(http_server, storage, data):
    """``has_more: true`` is stronger than a page without records."""
    http_server.answer_in_turn(
        "/rows",
        Reply(body=b'{"data":%b,"more":true}' % data),
        Reply(body=b'{"data":[{"id":1,"t":%d}],"more":false}' % START),
    )
    paging = {"kind": "page", "has_more": "more"}
    source = {"records": "data", "capture": {"more": "more"}, "paging": paging}
    described = feed(source=source | {"no_records": "empty_object"}, fields=KEYED)
    assert [row["id"] for row in rows_of(described, http_server, storage)] == [1]
