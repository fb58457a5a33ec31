"""Values as sources write them: read as the feed says, null, or in the quarantine; never lost."""

from __future__ import annotations

import json

import pytest

from tests.support.rows_lake import FIELDS, HOUR, START_MS, RowsLake, record
from tests.support.servers.http import Reply

NULLS = ["NaN", "N/A", "-", "", "0000-00-00 00:00:00", "Infinity", "-Infinity", -999]
ODD = ["NaN", "Infinity", "-Infinity", '"NaN"', '"N/A"', '"-"', '"0000-00-00 00:00:00"', "-999.0"]


@pytest.fixture
def rows(tmp_path, http_server, monkeypatch) -> RowsLake:
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_SHIPPED_FEEDS", "none")
    return RowsLake(tmp_path, http_server)


@pytest.mark.parametrize("where", ["the feed", "the field"])
def test_values_that_mean_nothing_are_null_where_null_values_says_so(rows: RowsLake, where):
    """``NaN``, ``Infinity`` as literals, texts that mean nothing: every other value is there."""
    if where == "the feed":
        rows.describe(null_values=NULLS)
    else:
        price = FIELDS["price"] | {"null_values": NULLS}
        rows.describe(fields=FIELDS | {"price": price})
    rows.send(*[record(n, text) for n, text in enumerate([*ODD, '"1.5"', "2.50"])])
    assert rows.ingest() == 0
    assert [str(price) for price in rows.column("price")] == [
        *["None"] * len(ODD), "1.50000000", "2.50000000",
    ]  # fmt: skip
    assert rows.quarantined() == []


def test_without_null_values_the_record_goes_to_the_quarantine(rows: RowsLake):
    """Alone, and its part is JSON that a web page reads."""
    rows.describe(limits={"max_bad_share": "70%"})
    rows.send(*[record(n, text) for n, text in enumerate([*ODD[:-1], '"1.5"', "2.50", '""'])])
    assert rows.ingest() == 0
    assert [str(price) for price in rows.column("price")] == ["1.50000000", "2.50000000", "None"]
    assert [reason.partition(": ")[2] for reason in rows.quarantined()] == [
        f"{json.dumps(text.strip(chr(34)))} is not a number" for text in ODD[:-1]
    ]
    assert [row["price"] for row in rows.staged()][:3] == ["NaN", "Infinity", "-Infinity"]


def test_a_literal_anywhere_loses_nothing(rows: RowsLake):
    """In fields that nobody reads, in nested values, beside the records, at a piece's edge."""
    rows.describe(source={"records": "data"}, fields=FIELDS | {"rest": {"type": "json"}})
    data = ",".join(
        record(n, "1.5")[:-1] + ',"rest":{"a":[NaN,"NaN \\" NaN",-Infinity]},"x":NaN}'
        for n in range(3_000)
    )
    rows.server.answer("/rows", f'{{"mean":NaN,"data":[{data}],"max":-Infinity}}'.encode())
    assert rows.ingest() == 0
    assert set(rows.column("rest")) == {'{"a":["NaN","NaN \\" NaN","-Infinity"]}'}
    assert len(rows.column("price")) == 3_000


def test_an_event_time_that_is_null_is_quarantined(rows: RowsLake):
    """It belongs to no window, and is not lost without a word."""
    rows.describe(null_values=[START_MS + 1], limits={"max_bad_share": "50%"})
    rows.send(record(1, "1"), record(2, "2"))
    assert rows.ingest() == 0
    assert rows.column("id") == [2]
    assert rows.quarantined() == ["at: there is no value at 't'"]


def test_http_times_without_a_zone_are_in_the_timezone_of_the_source(rows: RowsLake):
    """Half past six in Paris is half past five; a time that its clock shows twice is nobody's."""
    at = {"from": "t", "type": "timestamp", "unit": "iso", "event_time": True, "precision": "ms"}
    rows.describe(
        source={"timezone": "Europe/Paris"}, fields={"id": FIELDS["id"], "at": at},
        limits={"max_bad_share": "50%"},
    )  # fmt: skip
    times = ["2026-11-22 05:59:59", "2026-11-22 06:00", "2026-11-22T05:30:00Z", "2026-10-25 02:30"]
    rows.send(*[f'{{"id":{n},"t":"{text}"}}' for n, text in enumerate(times)])
    assert rows.ingest() == 0
    assert rows.column("id") == [1, 2]
    assert rows.quarantined() == [
        'at: "2026-10-25 02:30" is a time that the clock of Europe/Paris shows twice, or never'
    ]


@pytest.mark.parametrize("value", ["20261122", '"20261122"'])
def test_event_times_as_yyyymmdd(rows: RowsLake, value):
    """A number or a text; what is not in the format is quarantined."""
    at = {"from": "t", "type": "timestamp", "format": "%Y%m%d", "event_time": True}
    rows.describe(
        window="1d", fields={"id": FIELDS["id"], "at": at}, limits={"max_bad_share": "50%"}
    )
    others = [value.replace("22", "21"), value.replace("22", "23"), value.replace("22", "99")]
    rows.send(*[f'{{"id":{n},"t":{text}}}' for n, text in enumerate([value, *others])])
    assert rows.ingest("--start", "2026-11-22", "--end", "2026-11-23") == 0
    assert rows.column("id") == [0]
    assert [moment.isoformat() for moment in rows.column("at")] == ["2026-11-22T00:00:00+00:00"]
    assert len(rows.quarantined()) == 1
    assert "is not a time in the format '%Y%m%d'" in rows.quarantined()[0]


@pytest.mark.parametrize("nothing", [None, "", "N/A"])
@pytest.mark.parametrize("key", [["id"], ["id", "side"]], ids=["one column", "two columns"])
def test_a_key_that_is_null_is_no_key(rows: RowsLake, nothing, key):
    """Such records are not removed as duplicates, nor found to be ones (thread airbyte#31186)."""
    key_field = {"type": "int64", "key": True, "required": False}
    side = {"type": "string", "key": "side" in key, "required": False}
    rows.describe(
        source={"paging": {"kind": "page", "param": "page"}}, null_values=["N/A"],
        fields=FIELDS | {"id": key_field, "side": side},
    )  # fmt: skip
    pages = [[(nothing, 1), (nothing, 2), (1, 3)], [(1, 3), (nothing, 4), (2, 5)]]
    answers = [
        json.dumps([{"id": id_, "side": "b", "t": START_MS + ms} for id_, ms in page]).encode()
        for page in pages
    ]
    rows.server.answer_by(
        "/rows", lambda request: Reply(body=[*answers, b"[]"][int(request.params["page"]) - 1])
    )
    assert rows.ingest() == 0
    assert sorted(rows.column("id"), key=str) == [1, 2, None, None, None]
    assert rows.run("audit", *HOUR) == 0
