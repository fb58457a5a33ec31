"""A feed's fields may change where all files still read as one table, and no further."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pydantic import ValidationError

from include.ticklake import __main__
from include.ticklake.convert.convert import convert
from include.ticklake.errors import FeedFileError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest, read, schema_history, table_schema
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit, compact
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, split_range
from include.ticklake.publish import ddl
from tests.support import lake_factory
from tests.support.lake_factory import BTC, BUDGET, DAY
from tests.support.staged_factory import feed

MORNING, EVENING = split_range(DAY.start, DAY.end, length=timedelta(hours=12))
THEN: dict[str, dict[str, Any]] = {
    "number": {"from": "n", "type": "int64", "key": True},
    "px": {"from": "p", "type": "decimal(18,8)", "required": True},
    "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
}
NOW: dict[str, dict[str, Any]] = {
    "at": {"from": "t", "type": "timestamp", "unit": ["ms", "us"], "event_time": True},
    "number": {"from": "n", "type": "decimal(30,0)", "key": True},
    "price": {"from": "p", "type": "decimal(38,12)", "renamed_from": ["px"]},
    "note": {"from": "s", "type": "string"},
}


def described(fields: dict[str, dict[str, Any]], **more: Any) -> Feed:
    """A feed with *fields*, two windows a day."""
    return feed(fields, window="12h", **more)


def ingest(storage: Storage, of: Feed, window: Window, lines: list[str]) -> manifest.Manifest:
    """Stage and convert *lines* as the rows of *window*."""
    made = lake_factory.stage(storage, lines, window=window, feed=of)
    return convert(made.key, feed=of, storage=storage, budget=BUDGET).manifest


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.fixture
def lake(storage) -> Storage:
    """A morning that was converted with the old fields, an evening with the new ones."""
    ingest(
        storage, described(THEN), MORNING, [f'{{"n":7,"p":"1.5","s":"x","t":{MORNING.start_ms}}}']
    )
    line = f'{{"n":{10**22},"p":"2.000000000001","s":"y","t":{EVENING.start_ms}001}}'
    ingest(storage, described(NOW), EVENING, [line])
    return storage


ROWS = [
    {"number": Decimal(7), "price": Decimal("1.5"), "note": None},
    {"number": Decimal(10**22), "price": Decimal("2.000000000001"), "note": "y"},
]


def test_readers_see_one_table_over_old_and_new_files(lake):
    """With the columns as they are now; what an old file does not have is null."""
    found = read.table(described(NOW), storage=lake, columns=["number", "price", "note"])
    assert found.to_pylist() == ROWS
    whole = read.table(described(NOW), storage=lake)
    assert whole.schema.field("at").type == pa.timestamp("us", "UTC")
    assert whole.column("symbol").to_pylist() == ["BTCUSDT"] * 2


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [(None, EVENING.start, ROWS[:1]), (EVENING.start, None, ROWS[1:]), (DAY.start, DAY.end, ROWS)],
)
def test_a_range_of_time_reads_files_of_either_unit(lake, start, end, rows):
    """Milliseconds then, microseconds now."""
    found = read.table(
        described(NOW), storage=lake, start=start, end=end, columns=["number", "price", "note"]
    )
    assert found.to_pylist() == rows


def test_a_renamed_event_time_is_found_under_both_names(storage):
    """Also where only a part of the rows is asked for."""
    old = described(THEN)
    fields = {"then" if name == "at" else name: field for name, field in THEN.items()}
    fields["then"] = fields["then"] | {"renamed_from": ["at"]}
    for of, window in ((old, MORNING), (described(fields), EVENING)):
        lines = [f'{{"n":{n},"p":1,"t":{window.start_ms + n}}}' for n in range(4)]
        ingest(storage, of, window, lines)
    start, end = (each.start + timedelta(milliseconds=2) for each in (MORNING, EVENING))
    found = read.table(
        described(fields), storage=storage, start=start, end=end, columns=["number", "then"]
    )
    assert found.column("number").to_pylist() == [2, 3, 0, 1]


def test_duckdb_reads_one_table_by_the_printed_view(lake):
    """Columns come by name, in the wider type; a renamed one under its new name."""
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.execute(ddl.ddl(described(NOW), engine="duckdb", root_uri=lake.root_uri))
        query = 'SELECT number, price, note, typeof(price) FROM made_up ORDER BY "at"'
        rows = connection.execute(query).fetchall()
        names = [row[0] for row in connection.execute("DESCRIBE made_up").fetchall()]
    assert [row[:3] for row in rows] == [tuple(row.values()) for row in ROWS]
    assert {row[3] for row in rows} == {"DECIMAL(38,12)"}
    assert names == ["at", "number", "price", "note", "symbol", "date"]


def test_duckdb_reads_a_folder_that_has_the_new_name_only(storage):
    """A renamed column is no error where no old file is left."""
    duckdb = pytest.importorskip("duckdb")
    ingest(storage, described(NOW), MORNING, [f'{{"n":7,"p":"1.5","t":{MORNING.start_ms}}}'])
    with duckdb.connect() as connection:
        connection.execute(ddl.ddl(described(NOW), engine="duckdb", root_uri=storage.root_uri))
        assert connection.execute("SELECT price FROM made_up").fetchall() == [(Decimal("1.5"),)]


@pytest.mark.parametrize("engine", ["athena", "spark", "trino"])
def test_other_engines_are_given_both_names(engine):
    """And are told how they become one column."""
    said = ddl.ddl(described(NOW), engine=engine, root_uri="s3://bucket")
    assert "-- price was px in older files: coalesce(price, px)\n" in said
    assert said.count("decimal(38,12)") == 2


def test_compacting_makes_old_rows_new(lake):
    """One file with the columns of now, every value exact."""
    of = described(NOW)
    report = compact.compact(of, BTC, DAY, storage=lake, budget=BUDGET)
    assert (report.rows, report.files, report.skipped) == (2, 2, None)
    [key] = lake.list("parquet")
    with lake.open_file(key) as source, pq.ParquetFile(source) as file:
        assert file.read(["number", "price", "note"]).to_pylist() == ROWS
        assert file.metadata.metadata[b"ticklake.schema_version"] == b"2"
    assert read.table(of, storage=lake, columns=["number", "price", "note"]).to_pylist() == ROWS


@pytest.mark.parametrize(("there", "found"), [(',"s":"x"', ["column note differs"]), ("", [])])
def test_an_audit_tells_old_files_that_the_json_could_fill(storage, there, found):
    """A column of which old JSON has values, none of which it has not; all else is the same."""
    line = f'{{"n":7,"p":"1.5"{there},"t":{MORNING.start_ms}}}'
    ingest(storage, described(THEN), MORNING, [line])
    works = [Unit(BTC, MORNING)]
    findings = audit.audit(described(NOW), works, storage=storage, budget=BUDGET)
    assert [finding.what for finding in findings] == found


def test_a_file_says_the_version_of_its_schema(lake):
    """A version is counted where the fields change, not where anything else in the feed does."""
    versions = []
    for key in lake.list("parquet"):
        with lake.open_file(key) as source, pq.ParquetFile(source) as file:
            versions.append(file.metadata.metadata[b"ticklake.schema_version"])
    assert versions == [b"1", b"2"]
    same = described(NOW, description="other", limits={"max_bad_share": 0.5})
    assert schema_history.find(same, storage=lake).number == 2


NOT_ALLOWED = [
    pytest.param({"px": None}, "px is gone", id="a column gone"),
    pytest.param({"px": {"type": "decimal(17,8)"}}, "px was decimal(18,8), which decimal(17,8) "
                 "does not hold", id="fewer digits"),
    pytest.param({"px": {"type": "decimal(18,9)"}}, "px was decimal(18,8), which decimal(18,9) "
                 "does not hold", id="a digit less before the point"),
    pytest.param({"px": {"type": "string"}}, "px was decimal(18,8), which string", id="text"),
    pytest.param({"number": {"type": "decimal(18,0)"}}, "number was int64, which decimal(18,0)",
                 id="fewer digits than an integer has"),
    pytest.param({"at": {"unit": "us"}, "number": {"type": "string"}}, "number was int64, which "
                 "string", id="one good, one bad"),
    pytest.param({"at": {"event_time": False}, "other": {"type": "timestamp", "unit": "ms",
                  "event_time": True}}, "at: another column is the event time", id="event time"),
    pytest.param({"note": {"type": "string", "required": True}},
                 "note is new and required, and older rows lack it", id="new and required"),
]  # fmt: skip


def changed(changes: dict[str, dict[str, Any] | None]) -> Feed:
    """The old feed with *changes* to its fields; None takes one away."""
    fields = dict(THEN)
    for name, change in changes.items():
        if change is None:
            fields.pop(name)
        else:
            fields[name] = {"from": name} | fields.get(name, {}) | change
    return described(fields)


@pytest.mark.parametrize("unit", ["iso", "ms", "float_s"])
def test_a_time_that_nanoseconds_may_not_hold_is_refused_with_the_line_to_add(unit):
    """Only of events is it known that they lie before 2262."""
    coarse = {"type": "timestamp", "unit": unit, "precision": "us"}
    old = table_schema.describe_columns(described(THEN | {"ends": coarse}))
    fine = described(THEN | {"ends": coarse | {"precision": "ns"}})
    assert list(schema_history.misfits(old, fine)) == [
        "ends was timestamp[us], which timestamp[ns] does not hold "
        "(set `precision: us` in the field)"
    ]


@pytest.mark.parametrize(("changes", "said"), NOT_ALLOWED)
def test_a_change_that_old_files_do_not_fit_is_refused(storage, changes, said):
    """With the reason and what to do; nothing is written."""
    line = f'{{"n":7,"p":"1.5","t":{MORNING.start_ms},"other":{MORNING.start_ms}}}'
    ingest(storage, described(THEN), MORNING, [line])
    made = lake_factory.stage(storage, [line], window=MORNING, feed=described(THEN))
    before = {key: storage.read(key) for key in storage.list("")}
    with pytest.raises(FeedFileError) as wrong:
        convert(made.key, feed=changed(changes), storage=storage, budget=BUDGET)
    assert said in str(wrong.value)
    assert "give the feed a new name, or rebuild all files" in str(wrong.value)
    assert {key: storage.read(key) for key in storage.list("")} == before


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="none"),
        pytest.param({"px": {"from": "price"}}, id="where a value comes from"),
        pytest.param({"px": {"required": False}}, id="no longer required"),
        pytest.param({"px": {"type": "decimal(19,8)"}}, id="a digit more before the point"),
        pytest.param({"px": {"type": "decimal(20,10)"}}, id="two more behind it"),
        pytest.param({"px": {"type": "decimal(76,30)"}}, id="256 bits"),
        pytest.param({"number": {"type": "decimal(19,0)"}}, id="an integer as a decimal"),
        pytest.param({"at": {"unit": "us"}}, id="a finer unit"),
        pytest.param({"at": {"unit": "ns"}}, id="nanoseconds of the event time"),
        pytest.param({"note": {"type": "json"}}, id="a column more"),
    ],
)
def test_a_change_that_holds_all_old_values_is_taken(storage, changes):
    """Each value of the old file is read in the type of now."""
    line = f'{{"n":7,"p":"1.5","t":{MORNING.start_ms}}}'
    ingest(storage, described(THEN), MORNING, [line])
    of = changed(changes)
    assert not list(schema_history.misfits(table_schema.describe_columns(described(THEN)), of))
    found = read.table(of, storage=storage, columns=["number", "px"]).to_pylist()
    assert found == [{"number": 7, "px": Decimal("1.5")}]


def test_a_name_that_was_is_kept(lake):
    """Files with the old name are there, so it can neither be forgotten nor mean something else."""
    forgotten = NOW | {"price": NOW["price"] | {"renamed_from": []}}
    with pytest.raises(FeedFileError, match=r"px is gone.*price no longer says that it was px"):
        schema_history.find(described(forgotten), storage=lake)
    taken = forgotten | {"px": {"from": "q", "type": "decimal(18,8)"}}
    with pytest.raises(FeedFileError, match="price no longer says that it was px"):
        schema_history.find(described(taken), storage=lake)
    with pytest.raises(ValidationError, match="'px' is already used by another column"):
        described(NOW | {"px": THEN["px"]})


def test_a_rebuild_of_everything_may_change_anything(lake, tmp_path, monkeypatch, capsys):
    """The whole feed or nothing: files that do not fit would stay behind."""
    (tmp_path / "feeds").mkdir()
    of = described(
        THEN | {"px": THEN["px"] | {"type": "string"}, "at": NOW["at"], "number": NOW["number"]}
    )
    text = of.model_dump_json(by_alias=True, exclude={"name"})
    (tmp_path / "feeds" / "made_up.yaml").write_text(text)
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    call = ["rebuild", "made_up", "--new-schema", "--root", lake.root_uri, "--start"]
    assert __main__.main([*call, MORNING.start.isoformat(), "--end", MORNING.end.isoformat()]) == 2
    assert (
        "1 of its windows are outside that range or slice, or their JSON" in capsys.readouterr().err
    )
    assert __main__.main([*call, MORNING.start.isoformat(), "--end", EVENING.end.isoformat()]) == 0
    found = read.table(of, storage=lake, columns=["px"])
    assert found.column("px").to_pylist() == ["1.5", "2.000000000001"]
    with pytest.raises(FeedFileError, match="px was string"):
        schema_history.find(described(THEN), storage=lake)


def test_an_unreadable_history_is_told(storage):
    """With its address; it is not taken for a lake that has none."""
    storage.put(layout.schema_key("made_up"), b'{"format": 2}')
    with pytest.raises(UsageError, match=r"schemas/made_up.json is not a feed's history"):
        schema_history.find(described(THEN), storage=storage)
