"""Bodies of every form go through ``probe``, and its draft as it is reads each value of them.

Maps, single objects, parallel arrays, header rows, books, batches and lists are made up, with
values at any side of the records; the Parquet is compared with the body read whole. What the draft
does not read, it names.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.ticklake.feed import loader
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.scaffold import probe
from include.ticklake.scaffold.infer_window import UNKNOWN
from tests.contract.feeds.ingest import ingest, rows
from tests.contract.test_recorded_probe import NOW_MS, silent_names
from tests.support.json_texts import exact
from tests.support.plain_reading import as_read, meant, unread_names, window_of
from tests.support.plain_records import plain_records
from tests.support.servers.http import HttpServer, Reply

SECOND_MS = 1_795_323_600_000

NAMES = st.sampled_from(
    ["price", "p", "last", "open", "volume", "bid", "symbol", "name", "key", "side", "value", "id",
     "count", "status2", "T", "note", "x_y", "market", "change24h", "base", "quote", "total"]
)  # fmt: skip
KEYS = st.sampled_from(
    ["BTCUSDT", "ETHUSDT", "XXBTZUSD", "BTC-PERP", "btc_usdt", "usd", "EUR", "GBP", "bitcoin", "7",
     "2026-11-20", "2026-11-21", "a/b", "data2", "SOL", "Δ"]
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-(10**17), 10**17).map(str),
    st.decimals(-(10**9), 10**9, places=8).map(lambda number: f"{number:f}"),
)
VALUES = st.one_of(
    NUMBERS,
    NUMBERS.map(lambda number: f'"{number}"'),
    st.sampled_from(['"BTC"', '""', "true", "false", "null", '"é😀"', "[1,2]", '{"a":{"b":1.50}}']),
)
"""Of a record, as JSON text."""
TIMES = st.integers(0, 86_400_000).map(lambda ms: str(SECOND_MS + ms))


def obj(members: dict[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}"


def array(texts: list[str]) -> str:
    return "[" + ",".join(texts) + "]"


@st.composite
def records(draw: st.DrawFn, *, least: int = 1) -> list[str]:
    """Objects with the same names, as JSON texts; each name has one kind of values."""
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique_by=str.lower))
    kinds = [draw(st.sampled_from([NUMBERS, NUMBERS.map(json.dumps), VALUES])) for _ in names]
    size = draw(st.integers(least, max(4, least)))
    has_time = draw(st.booleans())
    made = []
    for _ in range(size):
        members = {name: draw(kind) for name, kind in zip(names, kinds, strict=True)}
        made.append(obj(members | ({"ts": draw(TIMES)} if has_time else {})))
    return made


def keys(size: int) -> st.SearchStrategy[list[str]]:
    return st.lists(KEYS, min_size=size, max_size=size, unique_by=str.lower)


@st.composite
def map_of_objects(draw: st.DrawFn) -> str:
    made = draw(records(least=2))
    return obj(dict(zip(draw(keys(len(made))), made, strict=True)))


@st.composite
def map_of_values(draw: st.DrawFn) -> str:
    return obj({name: draw(NUMBERS) for name in draw(keys(draw(st.integers(3, 6))))})


@st.composite
def parallel_arrays(draw: st.DrawFn) -> str:
    size = draw(st.integers(1, 5))
    names = draw(st.lists(NAMES, min_size=3, max_size=6, unique_by=str.lower))
    return obj({name: array([draw(NUMBERS) for _ in range(size)]) for name in names})


@st.composite
def header_rows(draw: st.DrawFn) -> str:
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=str.lower))
    rows_ = [array([draw(NUMBERS) for _ in names]) for _ in range(draw(st.integers(1, 4)))]
    return array([json.dumps(names), *rows_])


@st.composite
def book(draw: st.DrawFn) -> str:
    sides = {}
    for side in draw(st.sampled_from([("bids", "asks"), ("asks", "bids"), ("b", "a")])):
        levels = [array([draw(NUMBERS), draw(NUMBERS)]) for _ in range(draw(st.integers(1, 3)))]
        sides[side] = array(levels)
    return obj(sides)


@st.composite
def batches(draw: st.DrawFn) -> str:
    made = []
    for number in range(draw(st.integers(1, 3))):
        inner = draw(records())
        made.append(obj({"id": str(number), "batch_ts": draw(TIMES), "data": array(inner)}))
    return array(made)


FORMS: dict[str, st.SearchStrategy[str]] = {
    "array of objects": records().map(array),
    "one object": records().map(lambda made: made[0]),
    "map of objects": map_of_objects(),
    "map of values": map_of_values(),
    "parallel arrays": parallel_arrays(),
    "header rows": header_rows(),
    "book": book(),
    "batches": batches(),
    "plain values": st.lists(NUMBERS, min_size=4, max_size=6).map(array),
}

BESIDE = st.dictionaries(
    st.sampled_from(["symbol", "ts", "lastUpdateId", "info", "pair", "venue", "s", "requestTime"]),
    st.one_of(NUMBERS, st.sampled_from(['"BTCUSDT"', '"ok"', "true", "null", '{"n":1}'])),
    max_size=3,
)
"""What stands around the records."""


@st.composite
def wrapped(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """The records at a path of none to two names, between other values."""
    text = draw(inner)
    for name in draw(st.sampled_from([[], ["data"], ["result"], ["list", "result"]])):
        before, after = draw(BESIDE), draw(BESIDE)
        members = {**before, name: text}
        text = obj(members | {other: it for other, it in after.items() if other not in members})
    return text


@st.composite
def csv_text(draw: st.DrawFn) -> tuple[str, list[Any]]:
    """A CSV text with a header, and its records."""
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=str.lower))
    cells = st.one_of(NUMBERS, st.sampled_from(["", "a", '"', "x,y", "é\nz"]))
    kinds = [NUMBERS, *(draw(st.sampled_from([NUMBERS, cells])) for _ in names[1:])]
    sign = draw(st.sampled_from(",;\t|"))
    made = [[draw(kind) for kind in kinds] for _ in range(draw(st.integers(1, 4)))]
    out = io.StringIO()
    csv.writer(out, delimiter=sign, lineterminator="\n").writerows([names, *made])
    records_ = [dict(zip(names, (cell or None for cell in row), strict=True)) for row in made]
    return out.getvalue(), records_


@st.composite
def json_lines(draw: st.DrawFn) -> tuple[str, list[Any]]:
    """Lines of JSON, and their records."""
    made = draw(records(least=2))
    return "\n".join(made) + "\n", [exact(text.encode()) for text in made]


def check(
    body: str, server: HttpServer, root: Path, *, text_records: list[Any] | None = None
) -> None:
    """Draft it, run the draft as it is, compare; a text that is no JSON has *text_records*."""
    server.answer_by("/v1/page", lambda _: Reply(body=body.encode()))
    text = probe.probe(f"{server.url}/v1/page", asks_second_page=False)
    assert UNKNOWN not in text
    root.mkdir()
    (root / "probed.yaml").write_text(text)
    feed, _ = loader.check_feed(root / "probed.yaml")
    assert isinstance(feed.source, HttpSource)
    content = None if text_records else exact(body.encode())
    expected = text_records or plain_records(content, feed.source)
    window = window_of(feed, expected)
    done = ingest(
        feed, feed.all_slices[0], window, base_url=server.url, root=root / "lake", tries=1,
        now_ms=window.end_ms if feed.snapshot else NOW_MS,
    )  # fmt: skip
    found = sorted(repr(as_read(row, feed)) for row in rows(done))
    assert found == sorted(repr(meant(record, feed)) for record in expected), text
    left_out = set(re.findall(r"# left out: '(.*)', since", text))
    assert unread_names(expected, feed) - left_out == set(), text
    assert text_records or silent_names(content, feed.source, text) == set(), text


def run(form: str, server: HttpServer, folder: Path) -> Callable[[], None]:
    numbers = count()

    @settings(
        max_examples=max(10, settings().max_examples // 10),
        suppress_health_check=[HealthCheck.too_slow],
        deadline=None,
    )
    @given(body=wrapped(FORMS[form]))
    def property_(body: str) -> None:
        root = folder / str(next(numbers))
        check(body, server, root)
        shutil.rmtree(root)

    return property_


@pytest.mark.parametrize("form", FORMS)
def test_a_draft_of_any_form_reads_every_value(form, http_server, tmp_path):
    """At any path, with other values at any side."""
    run(form, http_server, tmp_path)()


@pytest.mark.parametrize("texts", [csv_text(), json_lines()], ids=["csv", "ndjson"])
def test_a_draft_of_a_text_reads_every_value(texts, http_server, tmp_path):
    """Whatever its delimiter, and what is in quotes."""
    numbers = count()

    @settings(max_examples=max(10, settings().max_examples // 10))
    @given(text=texts)
    def property_(text: tuple[str, list[Any]]) -> None:
        root = tmp_path / str(next(numbers))
        check(text[0], http_server, root, text_records=text[1])

    property_()
