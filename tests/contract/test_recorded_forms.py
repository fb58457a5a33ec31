"""What real APIs sent is read exactly, whatever its form: arrays, objects, maps, books, columns.

Every recorded body that is no error is served on loopback, and a feed of a few lines reads it to
the Parquet; the staged JSON and each value of the table are compared with the body read whole.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from include.ticklake.feed.feed import Feed
from include.ticklake.model.record_path import PATH
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from tests.contract.feeds.ingest import Ingested, ingest, rows
from tests.support.json_texts import exact
from tests.support.recorded_bodies import RecordedBody, recorded_bodies
from tests.support.recorded_forms import Form, form_of, names_of
from tests.support.servers.http import HttpServer, Reply

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")


def described(body: RecordedBody, form: Form) -> Feed:
    """A snapshot with a column for each name in the records."""
    names = [name for name in names_of(form.records) if re.fullmatch(PATH, name)]
    fields = {f"c{n}": {"from": name, "type": "json"} for n, name in enumerate(names, 1)}
    fetched = {"from": "$fetched_at", "type": "timestamp", "event_time": True}
    source = {"kind": "http", "base_url": "https://api.example.com", "path": body.path}
    return Feed.model_validate(
        {
            "name": "recorded",
            "snapshot": True,
            "source": source | form.options,
            "fields": {"fetched_at": fetched} | fields,
        }
    )


def staged(done: Ingested) -> list[Any]:
    bodies = (gzip.decompress((done.root / p.key).read_bytes()) for p in done.manifest.json.parts)
    return [record for body in bodies for record in exact(body)]  # type: ignore[union-attr]


def check(body: RecordedBody, form: Form, server: HttpServer, root: Path) -> None:
    """Raise ``AssertionError`` where a feed reads anything else than *form* has."""
    feed = described(body, form)
    server.answer_by(body.path, lambda _: Reply(body=body.content))
    done = ingest(
        feed, Slice(), WINDOW, base_url=server.url, root=root, tries=1, now_ms=WINDOW.end_ms
    )
    assert repr(staged(done)) == repr(form.records)
    fields = {name: field.source for name, field in feed.fields.items() if name != "fetched_at"}
    found = [{name: row[name] and exact(str(row[name])) for name in fields} for row in rows(done)]
    expected = [
        {name: record.get(source) for name, source in fields.items()} for record in form.records
    ]
    assert repr(found) == repr(expected)


@pytest.mark.slow
def test_a_feed_reads_every_recorded_body_exactly(recorded, http_server, tmp_path, report_line):
    """The table at the end of the run says how many bodies have which form."""
    folders = [recorded, recorded.parent / "recorded_more"]
    bodies = [
        body
        for folder in folders
        if folder.is_dir()
        for body in recorded_bodies(folder)
        if body.status == 200 and not body.endpoint.startswith(("errors", "HTTP"))
    ]
    table: Counter[str] = Counter()
    wrong: list[str] = []
    for number, body in enumerate(bodies):
        form = form_of(exact(body.content))
        try:
            check(body, form, http_server, tmp_path / str(number))
        except Exception as error:
            wrong.append(f"{body.exchange} {body.endpoint}: {form.name}: {str(error)[:300]}")
        else:
            table[form.name] += 1
    for name, count in table.most_common():
        report_line(f"{name:30} {count:3} bodies read exactly")
    report_line(f"{'all':30} {table.total():3} of {len(bodies)} bodies")
    assert wrong == []
    assert len(table) >= 8
