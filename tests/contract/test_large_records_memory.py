"""Records at the edge of what is allowed stay under the default limit, in every command.

A million values in a record, twenty records of 7 MB, a million refused ones, thousands of columns:
each command ends well at 128 MiB, or with a message that says what limit it needs.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from include.ticklake.feed import loader
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support.capped_command import run_under_cap, skip_without_cgroups
from tests.support.servers.http import Reply
from tools import staging
from tools.staging import PartText

pytestmark = [pytest.mark.memory, pytest.mark.usefixtures("cgroup")]

MORNING = Window.parse("20261122T000000Z-20261122T120000Z")
AFTERNOON = Window.parse("20261122T120000Z-20261123T000000Z")
DAY = ("--start", "2026-11-22", "--end", "2026-11-23")
FEED = """\
source: {{kind: http, base_url: "https://api.example.com", path: /rows}}
window: 12h
order: {order}
limits: {{max_bad_share: 100%}}
fields:
  at: {{from: t, type: timestamp, unit: ms, event_time: true}}
  number: {{from: n, type: int64, key: true}}
"""
RECORD_BYTES = 7_000_000
LETTERS = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz", k=RECORD_BYTES))
MILLION = 1_000_000


@pytest.fixture(scope="module")
def cgroup() -> None:
    """What all of this needs."""
    skip_without_cgroups()


def feed_file(folder: Path, *fields: str, order: str = "ascending") -> Path:
    """A folder with one feed that has *fields* besides its time and key."""
    feeds = folder / "feeds"
    feeds.mkdir()
    lines = "".join(f"  {field}\n" for field in fields)
    (feeds / "rows.yaml").write_text(FEED.format(order=order) + lines)
    return feeds


def record(number: int, more: str = "", *, window: Window = MORNING) -> bytes:
    """A record of *window*."""
    return f'{{"t":{window.start_ms + number},"n":{number}{more}}}'.encode()


def stage_day(feeds: Path, root: str, texts: Iterable[bytes]) -> None:
    """Stage *texts* as the morning's parts, as large as extraction makes them, and an afternoon."""
    feed, storage = loader.read_feed(feeds / "rows.yaml"), Storage.open(root, {})

    def parts() -> Iterator[PartText]:
        held: list[bytes] = []
        for text in texts:
            held.append(text)
            if len(text) * len(held) > feed.part_bytes:
                yield part_of(held)
                held = []
        if held:
            yield part_of(held)

    staging.stage(feed, Unit(Slice.of({}), MORNING), parts(), storage=storage)
    last = record(MILLION, window=AFTERNOON)
    staging.stage(feed, Unit(Slice.of({}), AFTERNOON), [part_of([last])], storage=storage)


def part_of(texts: list[bytes]) -> PartText:
    return PartText.of_lines(b",\n".join(texts), rows=len(texts), events_ns=())


def run_all(feeds: Path, root: str) -> list[dict[str, int]]:
    """What a conversion, a compaction and an audit of the day said; each ends well."""
    said = []
    for command in ("rebuild", "compact", "audit"):
        ended, lines = run_under_cap(command, "rows", *DAY, "--root", root, feeds=feeds)
        assert ended.exit_code == 0, (command, lines[-5:])
        said += [json.loads(line) for line in lines if '"rows"' in line]
    return said


HOSTILE = {
    "numbers": "[" + ",".join(["1"] * MILLION) + "]",
    "exponents": "[" + ",".join(["1e-5"] * MILLION) + "]",
    "keys": "{" + ",".join(f'"{number:x}":1' for number in range(650_000)) + "}",
    "objects": "[" + ",".join(['{"a":1}'] * 900_000) + "]",
    "escapes": '"' + r"\n" * MILLION + '"',
    "pairs of surrogates": '"' + r"\ud83d\ude00" * 580_000 + '"',
    "not a number": "[" + ",".join(["NaN"] * MILLION) + "]",
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_record_of_a_million_values_fits_in_extraction_and_conversion(
    value, http_server, tmp_path
):
    """A record of a million numbers, keys or escapes takes a small multiple of its bytes."""
    feeds, root = feed_file(tmp_path, "text: {from: s, type: string}"), f"file://{tmp_path}/lake"
    rows = [record(1, f',"s":"a","x":{value}'), record(2, ',"s":1'), record(3, f',"s":{value}')]
    http_server.answer_by("/rows", lambda _: Reply(body=b"[" + b",".join(rows) + b"]"))
    window = ("--start", "2026-11-22", "--end", "2026-11-22T12:00")
    ended, lines = run_under_cap(
        "extract", "rows", *window, "--root", root, "--base-url", http_server.url, feeds=feeds
    )
    assert ended.exit_code == 0, lines[-5:]
    ended, lines = run_under_cap("rebuild", "rows", *window, "--root", root, feeds=feeds)
    assert ended.exit_code == 0, lines[-5:]
    said = json.loads(next(line for line in lines if '"rows"' in line))
    assert said["rows"] + said["quarantined_rows"] == 3


@pytest.mark.parametrize(
    ("field", "more"),
    [
        pytest.param("text: {from: s, type: string}", ',"s":"{}"', id="text"),
        pytest.param("all: {from: j, type: json}", ',"j":["{}"]', id="raw JSON"),
        pytest.param("text: {from: s, type: string}", ',"s":"","z":"{}"', id="ignored"),
        pytest.param("truth: {from: s, type: bool}", ',"s":"{}"', id="refused"),
    ],
)
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_twenty_records_of_7_mb_end_well(field, more, order, tmp_path):
    """They are smaller than the default ``max_record_bytes``."""
    feeds, root = feed_file(tmp_path, field, order=order), f"file://{tmp_path}/lake"
    numbers = range(20) if order == "ascending" else range(19, -1, -1)
    texts = (record(n, more.format(LETTERS[n:] + LETTERS[:n])) for n in numbers)
    stage_day(feeds, root, texts)
    morning, *_ = run_all(feeds, root)
    assert morning["rows"] + morning["quarantined_rows"] == 20


def test_a_million_quarantined_records_end_well(tmp_path):
    """They are written as they are refused."""
    feeds, root = feed_file(tmp_path, "truth: {from: n2, type: bool}"), f"file://{tmp_path}/lake"
    stage_day(feeds, root, (record(n, ',"n2":7') for n in range(MILLION)))
    morning, *_ = run_all(feeds, root)
    assert morning["quarantined_rows"] == MILLION


def test_a_million_rows_are_audited(tmp_path):
    """Their keys are counted in shares."""
    feeds, root = feed_file(tmp_path), f"file://{tmp_path}/lake"
    stage_day(feeds, root, (record(n) for n in range(MILLION)))
    morning, *_ = run_all(feeds, root)
    assert morning["rows"] == MILLION


def columns(count: int, kind: str) -> list[str]:
    return [f"c{n}: {{from: c{n}, type: {kind}}}" for n in range(count)]


def test_ten_thousand_columns_end_with_the_limit_that_they_need(tmp_path):
    """At once, and not with a killed process."""
    feeds = feed_file(tmp_path, *columns(9_998, "int64"))
    root = f"file://{tmp_path}/lake"
    stage_day(feeds, root, [record(n) for n in range(100)])
    for command in ("rebuild", "compact"):
        ended, lines = run_under_cap(command, "rows", *DAY, "--root", root, feeds=feeds)
        assert ended.exit_code == 2
        assert "10,000 columns do not fit the memory limit, which holds 2,457" in lines[-1]
        assert "set TICKLAKE_CAP, or the feed's `cap`, to 288 MiB or more" in lines[-1]


def test_as_many_columns_as_the_limit_holds_end_well(tmp_path):
    """Wide decimals, more of them than a row group holds."""
    feeds = feed_file(tmp_path, *columns(2_450, '"decimal(38,18)"'))
    root = f"file://{tmp_path}/lake"
    some = random.Random(7)
    value = [f',"c{n}":"{some.randrange(10**15)}.{some.randrange(10**18)}"' for n in range(2_450)]
    stage_day(feeds, root, (record(n, "".join(value[n:] + value[:n])) for n in range(400)))
    morning, *_ = run_all(feeds, root)
    assert morning["rows"] == 400
