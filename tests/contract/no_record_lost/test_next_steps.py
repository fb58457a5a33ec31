"""What an error says to do next, done: it works."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.rows_lake import AT, FIELDS, HOUR, START_MS, RowsLake, record

NEXT_HOUR = ("--start", "2026-11-22T06:00:00Z", "--end", "2026-11-22T07:00:00Z")


@pytest.fixture
def rows(tmp_path, http_server, monkeypatch) -> RowsLake:
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_SHIPPED_FEEDS", "none")
    return RowsLake(tmp_path, http_server)


def said(capsys) -> str:
    return str(capsys.readouterr().err)


def commands_in(message: str, name: str) -> str:
    """The command *name* as the message writes it."""
    found = re.search(rf"{name} rows --start \S+ --end \S+Z", message)
    assert found, message
    return found[0]


@pytest.mark.parametrize("as_written", ["2%", "0.02"])
def test_after_raise_the_limit(rows: RowsLake, capsys, as_written):
    """The message has the line for the feed's file and the command; done, the window is there."""
    prices = ["1"] * 98 + ['"x"'] * 2
    rows.send(*[record(n, price) for n, price in enumerate(prices)])
    assert rows.ingest() == 4
    message = said(capsys)
    assert "2 of 100 records do not fit the feed's fields, and it allows 1%" in message
    (line,) = set(re.findall(r"`(limits: \{max_bad_share: .*?\})`", message))
    assert line == "limits: {max_bad_share: 2%}"
    rows.append(line.replace("2%", as_written))
    assert rows.run_line(commands_in(message, "rebuild")) == 0
    assert len(rows.column("id")) == 98
    assert len(rows.quarantined()) == 2


def test_after_the_source_is_fixed_the_window_is_fetched_again(rows: RowsLake, capsys):
    """The message has that command, too."""
    rows.send(record(1, '"x"'))
    assert rows.ingest() == 4
    message = said(capsys)
    rows.send(record(1, "1.5"))
    assert rows.run_line(commands_in(message, "extract")) == 0
    assert rows.run_line(commands_in(message, "rebuild")) == 0
    assert rows.column("id") == [1]


def test_after_the_source_is_fixed_quarantined_records_are_fetched_again(rows: RowsLake, capsys):
    """Not only tried again: the records that are staged stay wrong."""
    rows.describe(limits={"max_bad_share": "50%"})
    rows.send(record(1, '"x"'), record(2, "2"))
    assert rows.ingest() == 0
    rows.send(record(1, "1.5"), record(2, "2"))
    assert rows.run("retry-quarantine", *HOUR) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["after_rows"] == 1
    assert rows.run("retry-quarantine", *HOUR, "--fetch") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["after_rows"] == 0
    assert rows.column("id") == [1, 2]
    assert rows.quarantined() == []


def test_after_a_field_was_added_new_fields_falls_silent(rows: RowsLake, capsys, caplog):
    """Also of a window that was staged before."""
    rows.send(record(1, "1", fee="0.1", tier=2))
    assert rows.ingest() == 0
    assert "fields=fee,tier" in caplog.text
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["new_fields"] == ["fee", "tier"]
    rows.describe(fields=FIELDS | {"fee": {"type": "decimal(18,8)"}}, ignore=["tier"])
    caplog.clear()
    assert rows.run("rebuild", *HOUR) == 0
    assert "new_fields" not in capsys.readouterr().out
    assert [str(fee) for fee in rows.column("fee")] == ["0.10000000"]
    assert rows.ingest() == 0
    assert "new_fields" not in capsys.readouterr().out + caplog.text


@pytest.mark.parametrize("name", ["at", "seen"])
def test_after_a_time_finer_than_its_column_the_named_precision_works(rows: RowsLake, capsys, name):
    """Although the hour before is in the lake with milliseconds."""
    fields = FIELDS | {"at": AT, "seen": {"type": "timestamp", "unit": "ms"}}
    rows.describe(fields=fields)
    rows.send(record(1, "1", seen=START_MS))
    assert rows.ingest() == 0
    later_ms = START_MS + 3_600_000
    times = {"at": f"{later_ms}", "seen": f"{later_ms}"} | {name: f"{later_ms}.125"}
    rows.send(f'{{"id":2,"price":2,"t":{times["at"]},"seen":{times["seen"]}}}')
    assert rows.ingest(*NEXT_HOUR) == 2
    message = said(capsys)
    (precision,) = re.findall(r"add `precision: (\w+)` to the field", message)
    assert f"fields.{name}: " in message
    rows.describe(fields=fields | {name: fields[name] | {"precision": precision}})
    assert rows.run("rebuild", *NEXT_HOUR) == 0
    assert rows.column("id") == [1, 2]
    (column,) = {str(moment)[-13:] for moment in rows.column(name)[1:]}
    assert column.startswith(".000125")
    assert rows.run("rebuild", HOUR[0], HOUR[1], *NEXT_HOUR[2:]) == 0
