"""Records that are arrays may change their length: nothing is lost, and nothing is guessed."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from pyarrow import parquet as pq

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.errors import MalformedPageError, TooManyBadRecordsError
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

COLUMNS = ["price", "volume", "t"]
FIELDS: dict[str, dict[str, Any]] = {
    "price": {"type": "string", "required": True},
    "volume": {"type": "string"},
    "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
}
TRADE_ID = {"trade_id": {"type": "int64"}}


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


@pytest.mark.parametrize("short", [(0,), (9,), (0, 1, 8, 9)], ids=str)
def test_an_array_that_shrank_at_a_page_edge_does_not_stop_the_paging(http_server, storage, short):
    """The nearest record that can be read is where the next page starts."""
    rows = [[f"{n}.5", "0.1", START + n] for n in range(10)]
    pages = [[row[1:] if n in short else row for n, row in enumerate(rows)], [rows[-1]], []]
    http_server.answer_in_turn("/rows", *(Reply(body=json.dumps(page).encode()) for page in pages))
    source = {"columns": COLUMNS, "paging": {"kind": "time_forward", "start_param": "from"}}
    described = feed(source=source, fields=FIELDS, limits={"max_bad_share": 0.5})
    result = staged(described, http_server, storage)
    last = max(n for n in range(10) if n not in short)
    assert http_server.asked[1].params == {"from": str(START + last)}
    parquet = rebuilt(described, result, storage)
    assert parquet.quarantined_rows == len(short)
    http_server.answer("/rows", json.dumps([row[1:] for row in rows]).encode())
    with pytest.raises(MalformedPageError, match=r"an array of 2 values, .* 3 names; correct"):
        staged(described, http_server, Storage.open(f"{storage.uri('')}2", {}))


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
