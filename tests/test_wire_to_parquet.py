"""Whatever a source sends comes out of the Parquet with every digit, or lies in the quarantine.

What is expected is known from the Python values that the records are made of, not from
reading them: no code under test has a say in it.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from include.ticklake.cap.budgets import sizes
from include.ticklake.conversion.convert import convert
from include.ticklake.settings import MIB
from include.ticklake.storage import Storage
from tests.json_texts import VALUES
from tests.staged import WINDOW, feed, stage

FEED = feed(
    {
        "number": {"from": "n", "type": "int64"},
        "price": {"from": "p", "type": "decimal(18,8)"},
        "wide": {"from": "o.w", "type": "decimal(76,30)"},
        "note": {"from": "s", "type": "string"},
        "truth": {"from": "b", "type": "bool"},
        "kept": {"from": "j", "type": "json"},
        "at": {"from": "t", "type": "timestamp", "unit": "us", "event_time": True},
    }
)
BUDGETS = replace(sizes(128 * MIB), block_bytes=500, row_group_rows=20, workers=1)
INT64 = range(-(2**63), 2**63)
HOUR_US = range(WINDOW.start_ms * 1000, WINDOW.end_ms * 1000)

REFUSED = object()
Member = tuple[str, str, Any]
"""A name, its value's text, and what the row has there: or ``REFUSED``, or nothing to say."""


def number_texts(number: Decimal) -> st.SearchStrategy[str]:
    """Spellings of *number*, as JSON numbers and as text."""
    plain, with_exponent = f"{number:f}", f"{number:E}"
    return st.sampled_from([plain, with_exponent, f'"{plain}"', f'"{with_exponent}"'])


def fits(number: Decimal, *, precision: int, scale: int) -> bool:
    """Whether *number* is a decimal of these digits, by fractions alone."""
    exact = Fraction(number)
    return (exact * 10**scale).denominator == 1 and abs(exact) < 10 ** (precision - scale)


@st.composite
def decimals(draw: st.DrawFn, name: str, precision: int, scale: int) -> Member:
    digits = draw(st.integers(-(10**40), 10**40) | st.integers(-(10**17), 10**17))
    number = Decimal(digits).scaleb(-draw(st.integers(0, 34)))
    number = Decimal(str(number)) if draw(st.booleans()) else Decimal(draw(st.integers(-999, 999)))
    value = number if fits(number, precision=precision, scale=scale) else REFUSED
    return name, draw(number_texts(number)), value


@st.composite
def members(draw: st.DrawFn) -> list[Member]:
    """The members of one record."""
    number = draw(st.integers(-(2**65), 2**65) | st.integers(-99, 99))
    note = draw(st.text(max_size=8).filter(lambda text: text.isprintable() or "\ud800" not in text))
    note = note.encode(errors="ignore").decode()
    truth = draw(st.booleans())
    kept = draw(VALUES).replace("\n", " ")
    at_us = draw(st.integers(HOUR_US[0], HOUR_US[-1]) | st.sampled_from([HOUR_US[0] - 1, 7]))
    _, inner, wide = draw(decimals("w", 76, 30))
    spelled = draw(st.sampled_from(["{}", '"{}"'])).format(number)
    found: list[Member] = [
        ("n", spelled, number if number in INT64 else REFUSED),
        draw(decimals("p", 18, 8)),
        ("o", f'{{"x":1,"w":{inner}}}', wide),
        ("s", json.dumps(note, ensure_ascii=draw(st.booleans())), note),
        ("b", json.dumps(truth), truth),
        ("j", kept, None if kept == "null" else kept),
        ("unknown", draw(VALUES).replace("\n", " "), ...),
    ]  # fmt: skip
    some = draw(st.lists(st.sampled_from(found), max_size=8))
    return draw(st.permutations([("t", str(at_us), at_us if at_us in HOUR_US else REFUSED), *some]))


NAMES = {
    "n": "number",
    "p": "price",
    "o": "wide",
    "s": "note",
    "b": "truth",
    "j": "kept",
    "t": "at",
}


def expected(record: list[Member]) -> dict[str, Any] | None:
    """The row of *record*, None where it must be refused."""
    row: dict[str, Any] = dict.fromkeys(NAMES.values())
    for name, _, value in record:
        twice = sum(1 for other, _, _ in record if other == name) > 1
        if value is REFUSED or (twice and name not in ("j", "unknown")):
            return None
        if name in NAMES:
            row[NAMES[name]] = value
    return row


def text(record: list[Member]) -> str:
    """*record* as the source writes it."""
    return "{" + ", ".join(f'"{name}":{value}' for name, value, _ in record) + "}"


@given(st.lists(members(), min_size=1, max_size=30))
def test_every_value_comes_back_or_its_record_is_in_the_quarantine(records):
    """Any-size integers, all digits, all letters, nested values, in any spelling and order."""
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage.open(f"file://{folder}/lake", {})
        made = stage(FEED, [[text(record) for record in records]], storage=storage)
        account = convert(made.key, feed=FEED, storage=storage, budgets=BUDGETS).manifest.parquet
        assert account is not None
        rows = _rows(storage, account.key)
        refused = _refused(storage, account.quarantine_key)
    want = [row for record in records if (row := expected(record)) is not None]
    assert sorted(map(_shown, rows)) == sorted(map(_shown, want))
    assert refused == [text(record) for record in records if expected(record) is None]


def _shown(row: dict[str, Any]) -> str:
    """A row as text in which equal values are equal: to put rows in some order."""
    exact = {
        name: Fraction(value) if isinstance(value, Decimal) else value
        for name, value in row.items()
    }
    return repr(exact)


def _rows(storage: Storage, key: str | None) -> list[dict[str, Any]]:
    if key is None:
        return []
    with storage.open_file(key) as source:
        table = pq.ParquetFile(source).read()
    at = table.schema.get_field_index("at")
    rows: list[dict[str, Any]] = table.set_column(
        at, "at", table.column(at).cast("int64")
    ).to_pylist()
    return rows


def _refused(storage: Storage, key: str | None) -> list[str]:
    if key is None:
        return []
    lines = gzip.decompress(storage.read(key) or b"").decode().split("\n")[:-1]
    return [json.loads(line)["record"] for line in lines]
