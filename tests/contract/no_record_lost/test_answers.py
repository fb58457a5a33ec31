"""Answers as they really are: arrays that change, errors of every form, endings without records."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from pyarrow import parquet as pq

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.errors import MalformedPageError, SourceRefusedError, TooManyBadRecordsError
from include.ticklake.extract.extract import ExtractResult, extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.feed_texts import feed
from tests.support.paging import END, START, WINDOW
from tests.support.servers.http import HttpServer, Reply
from tests.support.small_source import KEYED, rows_of

COLUMNS = ["price", "volume", "t"]
FIELDS: dict[str, dict[str, Any]] = {
    "price": {"type": "string", "required": True},
    "volume": {"type": "string"},
    "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
}
TRADE_ID = {"trade_id": {"type": "int64", "required": True}}


def trades(columns: list[str], **changes: Any) -> Feed:
    """A feed of trades that are arrays."""
    source = {"records": "result.*", "columns": columns}
    return feed(source=source, **{"fields": FIELDS} | changes)


def staged(described: Feed, server: HttpServer, storage: Storage) -> ExtractResult:
    """The extraction of the one window."""
    return extract(
        described, Unit(Slice(()), WINDOW), storage=storage, base_url=server.url,
        patience=SourceRetryPolicy(max_attempts=1), clock=lambda: END / 1000 + 3600,
    )  # fmt: skip


def staged_records(result: ExtractResult, storage: Storage) -> list[Any]:
    """The records of its parts."""
    parts = [storage.read(part.key) or b"" for part in result.manifest.json.parts]
    return [record for part in parts for record in json.loads(gzip.decompress(part))]


def rebuilt(described: Feed, result: ExtractResult, storage: Storage):
    """The Parquet section of the window's JSON, converted for *described*."""
    return convert(
        result.manifest.key, feed=described, storage=storage, budget=budget_for(256 * MIB)
    ).manifest.require_parquet()


def test_an_array_that_grew_is_kept_and_reported_and_nothing_is_refused(http_server, storage):
    """As Kraken's trades did (pykrakenapi#76); one record of them is enough to see it."""
    records: list[list[Any]] = [[f"{n}.5", "0.1", START + n] for n in range(10)]
    records[7] += [86_000_001, {"x": None}]
    http_server.answer("/rows", json.dumps({"result": {"XXBTZUSD": records}}).encode())
    described = trades(COLUMNS)
    result = staged(described, http_server, storage)
    assert result.manifest.json.new_fields == ("column_4", "column_5")
    names = [*COLUMNS, "column_4", "column_5"]
    assert staged_records(result, storage) == [
        dict(zip(names, record, strict=False)) for record in records
    ]
    parquet = rebuilt(described, result, storage)
    assert (parquet.rows, parquet.quarantined_rows) == (10, 0)


@pytest.mark.parametrize(
    "settled",
    [
        pytest.param({"ignore": ["column_4"]}, id="ignored"),
        pytest.param(
            {"fields": FIELDS | {"trade_id": {"from": "column_4", "type": "int64"}}}, id="read"
        ),
    ],
)
def test_a_value_that_is_ignored_or_read_is_no_longer_reported(http_server, storage, settled):
    """By its position, as it has no name."""
    http_server.answer("/rows", json.dumps({"result": {"X": [["1", "2", START, 7]]}}).encode())
    result = staged(trades(COLUMNS, **settled), http_server, storage)
    assert result.manifest.json.new_fields == ()


def test_an_array_that_shrank_is_refused_record_by_record_with_both_lengths(http_server, storage):
    """The others are rows; without the share that the feed allows, nothing is committed."""
    records: list[list[Any]] = [[f"{n}.5", "0.1", START + n] for n in range(10)]
    del records[3][1], records[6][:2]
    http_server.answer("/rows", json.dumps({"result": {"XXBTZUSD": records}}).encode())
    described = trades(COLUMNS, limits={"max_bad_share": 0.2})
    result = staged(described, http_server, storage)
    parquet = rebuilt(described, result, storage)
    assert (parquet.rows, parquet.quarantined_rows) == (8, 2)
    lines = gzip.decompress(storage.read(parquet.quarantine_key or "") or b"").splitlines()
    assert [(json.loads(line)["reason"], json.loads(line)["record"]) for line in lines] == [
        (f"the record is an array of {len(record)} values, and source.columns has 3 names",
         json.dumps(record))
        for record in (records[3], records[6])
    ]  # fmt: skip
    with pytest.raises(TooManyBadRecordsError, match=r"an array of 2 values.* has 3 names"):
        rebuilt(trades(COLUMNS), result, storage)


@pytest.mark.parametrize(
    "staged_with",
    [
        pytest.param(COLUMNS, id="with fewer names"),
        pytest.param(None, id="without any name"),
        pytest.param([*COLUMNS, "a", "b"], id="with more names, so that every record was refused"),
    ],
)
def test_json_that_was_staged_before_columns_was_fixed_can_be_rebuilt(
    http_server, storage, staged_with
):
    """Every value is in its column then."""
    records = [[f"{n}.5", "0.1", START + n, 86_000_000 + n] for n in range(100)]
    http_server.answer("/rows", json.dumps({"result": {"XXBTZUSD": records}}).encode())
    source = {"records": "result.*"} | ({"columns": staged_with} if staged_with else {})
    result = staged(feed(source=source, fields=FIELDS), http_server, storage)
    fixed = trades([*COLUMNS, "trade_id"], fields=FIELDS | TRADE_ID)
    parquet = rebuilt(fixed, result, storage)
    assert (parquet.rows, parquet.quarantined_rows) == (100, 0)
    with storage.open_file(parquet.key or "") as file:
        rows = pq.ParquetFile(file).read().to_pylist()
    assert [[row["price"], row["trade_id"]] for row in rows] == [
        [record[0], record[3]] for record in records
    ]


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
@pytest.mark.parametrize("source", [{"columns": COLUMNS}, {"records": "data"}], ids=str)
def test_nested_reasons_are_shown(http_server, storage, status, body, reason, source):
    """The same with each status, in a feed that declares no errors."""
    http_server.answer("/rows", body, status=status)
    with pytest.raises(SourceRefusedError) as error:
        staged(feed(source=source, fields=FIELDS), http_server, storage)
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
    first = Reply(body=json.dumps(page).encode(), headers=NEXT)
    described = described_by(kind, words)
    http_server.answer_in_turn("/rows", first, reply)
    assert rows_of(described, http_server, storage) == rows
    http_server.answer("/rows", reply.body, status=reply.status)
    assert rows_of(described, http_server, storage) == []


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
