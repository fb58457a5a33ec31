"""Files from a server, a bucket or a disk become a lake; what is wrong with one is said.

A zip that is cut, two files in a zip, a wrong checksum, a short row, a quoted line break, a header
that changed, a bomb: each is a clear error, with nothing committed, or a quarantined record.
"""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from include.ticklake.model.slice import Slice
from tests.support.file_feeds import DAY, DAY_MS, FIELDS, ServedFile, csv, rows_of
from tests.support.file_feeds import run as extracted
from tests.support.files_lake import NAMES, PATH, ZIPPED, FilesLake, publish
from tests.support.memory_storage import memory_storage
from tests.support.shipped_feeds import FEEDS
from tests.unit.sources.files.test_zip_member import packed

pytestmark = pytest.mark.slow


def test_files_become_a_lake_that_is_audited_and_rebuilt(http_server, tmp_path):
    """As any feed does; the unit of time changes on the way from milliseconds to microseconds."""
    day_ms = 86_400_000
    for number in range(3):
        factor = 1 if number == 0 else 1000  # as Binance did at the turn of that year
        lines = [
            f"{number * 10 + n},{n}.5,{(DAY_MS + number * day_ms + n) * factor}" for n in range(10)
        ]
        day = DAY.start + timedelta(days=number)
        path = f"/trades/X-{day:%Y-%m-%d}.zip"
        publish(http_server, path, packed({"X.csv": "\n".join(lines).encode()}))
    lake = FilesLake(tmp_path, http_server, ZIPPED)
    lake.describe(fields=FIELDS | {"at": FIELDS["at"] | {"unit": ["ms", "us"]}})
    extracted = lake.done("extract", "bulk", days=3)
    assert [result["rows"] for result in extracted] == [10, 10, 10]
    lake.done("rebuild", "bulk", days=3)
    before = lake.rows()
    assert [row["id"] for row in before] == list(range(30))
    assert [row["at_us"] for row in before[::10]] == [
        (DAY_MS + number * day_ms) * 1000 for number in range(3)
    ]
    lake.done("audit", "bulk", days=3)
    lake.done("extract", "bulk", days=3)
    lake.done("rebuild", "bulk", days=3)
    assert lake.rows() == before


def test_hourly_files_are_compacted_to_a_day(http_server, tmp_path):
    """Where windows are as short as the files' time, and an hour without a file has no records."""
    for hour in range(0, 24, 6):
        line = f"{hour},1.5,{DAY_MS + hour * 3_600_000}\n"
        http_server.answer(f"/2024-12-31/{hour:02}.csv", line.encode())
    source = {"kind": "files", "address": "https://data.example.com/{date}/{hour}.csv",
              "missing": "empty", **NAMES}  # fmt: skip
    lake = FilesLake(tmp_path, http_server, source, window="1h")
    assert sum(result["rows"] for result in lake.done("extract", "bulk")) == 4
    lake.done("rebuild", "bulk")
    before = lake.rows()
    [compacted] = lake.done("compact", "bulk")
    assert compacted["rows"] == 4
    lake.done("audit", "bulk")
    assert lake.rows() == before
    assert len([*Path(lake.root.removeprefix("file://")).rglob("*.parquet")]) == 1


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_objects_of_a_bucket_are_read_by_its_connection(moto, tmp_path, compression):
    """With keys that no argument and no file of ours holds."""
    from backports import zstd

    bucket = moto.bucket()
    pack = gzip.compress if compression == "gzip" else zstd.compress
    bucket.client().put_object(Bucket=bucket.name, Key="X/2024/12/31", Body=pack(csv(1_000)))
    lake = FilesLake(tmp_path, None, {
        "kind": "files", "address": f"s3://{bucket.name}/{{symbol}}/{{year}}/{{month}}/{{day}}",
        "connection": "history", "compression": compression, "format": "csv",
    })  # fmt: skip
    lake.env["AIRFLOW_CONN_HISTORY"] = json.dumps({
        "conn_type": "aws", "login": bucket.environment["AWS_ACCESS_KEY_ID"],
        "password": bucket.environment["AWS_SECRET_ACCESS_KEY"],
        "extra": {"endpoint_url": bucket.endpoint_url, "region_name": "us-east-1"},
    })  # fmt: skip
    assert [result["rows"] for result in lake.done("extract", "bulk")] == [1_000]
    lake.done("rebuild", "bulk")
    assert [row["id"] for row in lake.rows()] == list(range(1_000))


def test_a_file_of_the_machine_is_read_where_its_folder_is_allowed(tmp_path):
    """By the operator, and not by the feed."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/2024-12-31.csv").write_bytes(csv(5))
    lake = FilesLake(
        tmp_path, None, {"kind": "files", "address": f"file://{tmp_path}/data/{{date}}.csv"}
    )
    refused = lake.command("extract", "bulk")
    assert refused.exit_code == 2
    assert "the operator adds its folder to TICKLAKE_FILES" in refused.err
    lake.env["TICKLAKE_FILES"] = str(tmp_path / "data")
    assert [result["rows"] for result in lake.done("extract", "bulk")] == [5]


def test_a_download_that_breaks_is_one_file(http_server, tmp_path):
    """The rest of it is requested, and the whole is compared with its checksum."""
    body = packed({"X.csv": csv(50_000, header=False)})
    served = ServedFile(body=body, breaks=[len(body) // 2])
    publish(http_server, PATH, body)
    http_server.answer_by(PATH, served)
    assert [
        result["rows"]
        for result in FilesLake(tmp_path, http_server, ZIPPED).done("extract", "bulk")
    ] == [50_000]
    assert served.ranges == ["", f"bytes={len(body) // 2}-"]


ROWS = csv(100, header=False)
CUT = packed({"X.csv": ROWS})[:-200]
BOMB = packed({"X.csv": b"1,2,3\n" * 200_000})


@pytest.mark.parametrize(
    ("body", "checksum", "problem"),
    [
        pytest.param(CUT, None, "its zip data ends early", id="cut"),
        pytest.param(packed({"X.csv": ROWS, "Y.csv": ROWS}), None,
                     "the zip has a second file, 'Y.csv' after 'X.csv'", id="two"),
        pytest.param(packed({"X.csv": ROWS}), "0" * 64,
                     "and 000000", id="checksum"),
        pytest.param(BOMB, None, "longer than limits.max_page_bytes: 1048576", id="bomb"),
        pytest.param(packed({"X.csv": b'1,"2\n' + ROWS}), None,
                     "line 1: the text ends inside of quotes", id="open-quote"),
        pytest.param(gzip.compress(ROWS), None, "write `compression: gzip`", id="not-a-zip"),
        pytest.param(packed({"X.csv": b""}), None, "the text is empty", id="empty"),
    ],
)  # fmt: skip
def test_a_bad_file_is_a_clear_error_and_nothing_is_committed(
    http_server, tmp_path, body, checksum, problem
):
    """It names the file, the problem, and what to do."""
    publish(http_server, PATH, body, checksum=checksum)
    lake = FilesLake(tmp_path, http_server, ZIPPED)
    lake.describe(limits={"max_page_bytes": "1MiB"})
    ended = lake.command("extract", "bulk")
    assert ended.exit_code == 3, ended.err
    assert problem in ended.err
    assert f"{http_server.url}{PATH}" in ended.err
    root = Path(lake.root.removeprefix("file://"))
    assert not [path for area in ("json", "manifests") for path in (root / area).rglob("*.*")]


def test_a_header_that_changed_is_a_clear_error(http_server, tmp_path):
    """Otherwise a column would be null from that day on."""
    http_server.answer("/2024-12-31.csv", csv(3).replace(b"price", b"px"))
    source = {"kind": "files", "address": "https://data.example.com/{date}.csv"}
    ended = FilesLake(tmp_path, http_server, source).command("extract", "bulk")
    assert ended.exit_code == 3
    assert (
        "line 1: the header has no 'price', which a field reads; it has 'id', 'px', 'at'"
        in ended.err
    )


def test_a_short_row_is_quarantined_and_a_quoted_line_break_is_not(http_server, tmp_path):
    """The rows beside it keep their values; the log has its line."""
    lines = csv(2_000, header=False).replace(b"7,7.50,", b"7,", 1).splitlines()
    lines = [line + b",a" * (number != 7) for number, line in enumerate(lines)]
    lines[5] = b'5,"5.50",%d,"two\r\nlines, and ""quotes"""' % DAY_MS
    publish(http_server, PATH, packed({"X.csv": b"\n".join(lines)}))
    lake = FilesLake(tmp_path, http_server, ZIPPED | {"columns": ["id", "price", "at", "note"]})
    lake.describe(fields=FIELDS | {"note": {"type": "string"}})
    ended = lake.command("extract", "bulk")
    assert ended.exit_code == 0, ended.err
    assert "line=9: 2 values, and there are 4 columns" in ended.err
    [converted] = lake.done("rebuild", "bulk")
    assert (converted["rows"], converted["quarantined_rows"]) == (1_999, 1)
    rows = lake.rows("note")
    assert [row["id"] for row in rows] == [n for n in range(2_000) if n != 7]
    assert {row["note"] for row in rows if row["id"] != 5} == {"a"}
    [broken] = [row for row in rows if row["id"] == 5]
    assert (broken["price"], broken["note"]) == (Decimal("5.5"), 'two\r\nlines, and "quotes"')


BTCUSDT = Slice((("symbol", "BTCUSDT"),))
BINANCE = (
    b"3359486187,93548.80000000,0.00046000,4359094112,4359094112,%d,False,True\n"
    b"3359486188,93548.79000000,0.01000000,4359094113,4359094114,%d,True,True\n"
)
BYBIT = (
    b"timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,"
    b"foreignNotional\n"
    b"%d.1385,BTCUSDT,Buy,0.002,93548.80,ZeroPlusTick,11e5fb41-7f59-5d2e-8b5b-4a2f44f1ee6c,"
    b"18709760000.0,0.002,187.0976\n"
)


@pytest.mark.parametrize("unit", [1, 1000])
def test_the_feed_of_binance_reads_what_binance_publishes(http_server, unit):
    """In milliseconds, and in microseconds since 2025."""
    described, storage = FEEDS["binance_bulk_agg_trades"], memory_storage()
    path = "/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-12-31.zip"
    body = BINANCE % ((DAY_MS + 10) * unit, (DAY_MS + 11) * unit)
    publish(http_server, path, packed({"BTCUSDT-aggTrades-2024-12-31.csv": body}))
    manifest = extracted(described, storage, base_url=http_server.url, slice_=BTCUSDT)
    assert (manifest.json.rows, manifest.json.new_fields) == (2, ())
    assert rows_of(manifest, storage)[0]["price"] == "93548.80000000"


def test_the_feed_of_bybit_reads_what_bybit_publishes(http_server):
    """Seconds with a fraction, under a header."""
    described, storage = FEEDS["bybit_bulk_trades"], memory_storage()
    body = gzip.compress(BYBIT % (DAY_MS // 1000))
    http_server.answer("/trading/BTCUSDT/BTCUSDT2024-12-31.csv.gz", body)
    manifest = extracted(described, storage, base_url=http_server.url, slice_=BTCUSDT)
    assert (manifest.json.rows, manifest.json.new_fields) == (1, ())
    assert manifest.json.parts[0].first_event_ns == DAY_MS * 10**6 + 138_500_000
