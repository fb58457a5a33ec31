"""What real APIs sent goes through ``probe``, and its draft as it is reads it to the last digit.

Every recorded body is served on loopback, drafted, extracted and converted, and each value of the
Parquet is compared with the body read whole. Where a body cannot be read, the error is in our own
words: never less than the whole, never a library's message.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.ticklake.errors import TicklakeError
from include.ticklake.feed import loader
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.scaffold import probe
from include.ticklake.scaffold.infer_window import UNKNOWN
from tests.contract.feeds.ingest import ingest, rows
from tests.support.json_texts import exact
from tests.support.plain_reading import as_read, meant, unread_names, window_of
from tests.support.plain_records import outside_paths, plain_records
from tests.support.recorded_bodies import (
    RecordedBody,
    recorded_bodies,
    serve_page,
    serve_source,
)
from tests.support.recorded_forms import form_of
from tests.support.servers.http import HttpServer

NOW_MS = 1_798_000_000_500  # after the last of them: no candle is still open

LIBRARY_WORDS = re.compile(
    r"pydantic|ijson|lexical|parse error|msgspec|requests\.|urllib3|HTTPConnection|pyarrow|Arrow|"
    r"Traceback|\w+Exception|(Key|Type|Value|Attribute|Index|Decode|Connection)Error|"
    r"For further information|Input should|validation error|Expecting value|NoneType|<class",
)
REFUSED = {
    "error in the body": "the body reports",
    "error status": r"HTTP \d{3}|redirects to",
    "not JSON": "not JSON",
    "empty": "is without records|is an empty object",
}
"""Classes of bodies that are refused in words, and the words."""
FAILURES = (
    "wrong", "not said", "library's words", "refused: for another reason", "draft, then an error",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one body."""

    kind: str
    message: str = ""


def judge(body: RecordedBody, server: HttpServer, root: Path) -> Outcome:
    """Probe it, run the draft as it is, compare."""
    try:
        text = probe.probe(serve_page(server, body))
    except TicklakeError as error:
        return refused(str(error))
    if UNKNOWN in text:
        return Outcome(kind="draft with a choice to make")
    (root / "probed.yaml").write_text(text)
    feed = loader.read_feed(root / "probed.yaml")
    assert isinstance(feed.source, HttpSource)
    content = exact(body.content)
    records = plain_records(content, feed.source)
    serve_source(server, body, feed.source)
    window = window_of(feed, records)
    try:
        done = ingest(
            feed, feed.all_slices[0], window, base_url=server.url, root=root / "lake", tries=1,
            # A snapshot can be fetched until the next one is due.
            now_ms=window.end_ms if feed.snapshot else NOW_MS,
        )  # fmt: skip
    except TicklakeError as error:
        if LIBRARY_WORDS.search(str(error)):
            return Outcome(kind="library's words", message=str(error))
        if "a full page is refused" in text and "the page is full" in str(error):
            return Outcome(kind="refused as the draft says: a full page of one record")
        return Outcome(kind="draft, then an error", message=str(error))
    expected = sorted(repr(meant(record, feed)) for record in records)
    found = sorted(repr(as_read(row, feed)) for row in rows(done))
    unread = unread_names(records, feed) - set(re.findall(r"# left out: '(.*)', since", text))
    if found != expected or unread:
        message = f"{len(found)} of {len(expected)} rows; unread: {sorted(unread)}"
        return Outcome(kind="wrong", message=message)
    if silent := silent_names(content, feed.source, text):
        return Outcome(kind="not said", message=f"neither read nor named: {sorted(silent)}")
    return Outcome(kind="exact")


def silent_names(content: object, source: HttpSource, text: str) -> set[str]:
    """The paths of values outside of the records that the draft neither reads nor names."""
    named = {path for said in re.findall("# not read, .*: (.*)", text) for path in said.split(", ")}
    errors = (source.errors.code, source.errors.message) if source.errors else ()
    used = {*source.add.values(), *source.capture.values(), *errors, *named}
    return {path for path in outside_paths(content, source) if path not in used}


NO_FORM = "an error, or no JSON"


def form_name(body: RecordedBody) -> str:
    """The form of a body that is no error."""
    if body.status != 200 or body.endpoint.startswith(("errors", "HTTP")):
        return NO_FORM
    return form_of(exact(body.content)).name


def refused(message: str) -> Outcome:
    if LIBRARY_WORDS.search(message):
        return Outcome(kind="library's words", message=message)
    classes = (name for name, words in REFUSED.items() if re.search(words, message))
    return Outcome(kind=f"refused: {next(classes, 'for another reason')}", message=message)


@pytest.mark.slow
def test_every_recorded_body_is_exact_or_an_error_in_plain_words(
    recorded, http_server, tmp_path, report_line
):
    """The table at the end of the run says what became of each endpoint's bodies."""
    folders = [recorded, recorded.parent / "recorded_more"]
    bodies = [body for folder in folders if folder.is_dir() for body in recorded_bodies(folder)]
    table: Counter[tuple[str, str]] = Counter()
    totals: Counter[str] = Counter()
    failed: list[str] = []
    for number, body in enumerate(bodies):
        root = tmp_path / str(number)
        root.mkdir()
        outcome = judge(body, http_server, root)
        table[form_name(body), outcome.kind] += 1
        totals[outcome.kind] += 1
        if outcome.kind in (
            "wrong",
            "not said",
            "library's words",
            "refused: for another reason",
            "draft, then an error",
        ):
            failed.append(f"{body.exchange} {body.endpoint}: {outcome.kind}: {outcome.message}")
    for (form, kind), count in sorted(table.items()):
        report_line(f"{form:30} {count:3} bodies: {kind}")
    for kind, count in totals.most_common():
        report_line(f"{'drafts of all recorded bodies':61} {count:3} {kind}")
    assert failed == []
    no_errors = sum(count for (form, _), count in table.items() if form != NO_FORM)
    assert totals["exact"] >= 0.98 * no_errors
