"""Draft a feed file from the URL of one page; everything inferred is marked ``guess``.

The page is spooled to disk and read twice: once for its structure, once through the reader
that the feed will use. Memory holds a sample of its records, whatever its size.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from include.ticklake.errors import (
    FeedFileError,
    MalformedPageError,
    SourceRefusedError,
    UsageError,
)
from include.ticklake.feed import loader
from include.ticklake.feed.limits import Limits
from include.ticklake.model import surrogates
from include.ticklake.model.record import Record
from include.ticklake.redaction.addresses import redact_url
from include.ticklake.redaction.masking import sanitize
from include.ticklake.scaffold import infer_event_time, infer_fields, infer_key, infer_paging
from include.ticklake.scaffold.draft_file import Draft
from include.ticklake.scaffold.find_records import find_records
from include.ticklake.scaffold.infer_errors import infer_errors
from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_slices import infer_slices
from include.ticklake.scaffold.infer_times import UNNAMED
from include.ticklake.scaffold.infer_window import UNKNOWN, time_params, time_path
from include.ticklake.scaffold.json_shape import JsonNode, read_shape
from include.ticklake.scaffold.logins import is_login
from include.ticklake.scaffold.probed_page import ProbedPage
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.body import CHUNK_BYTES
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.json.page_reader import JsonPageReader

SAMPLE_ROWS = 1_000

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def probe(url: str, *, records: str | None = None, limits: Limits | None = None) -> str:
    """The text of a feed file for *url*; *records* is the path of its records, if known.

    Raises the error that the response means, or ``UsageError`` where no feed can be drafted.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise UsageError(
            f"{redact_url(url)}: not an HTTP URL; write it as https://host/path?limit=9"
        )
    bounds, request = limits or Limits(), HttpRequest(url=url)
    with (
        tempfile.TemporaryFile() as spool,
        transport.HttpSession() as session,
        transport.send(request, session=session, limits=bounds) as response,
    ):
        try:
            spool.writelines(response.chunks)
        except (MalformedPageError, SourceRefusedError) as error:
            raise type(error)(f"{request}: {error} ({response.describe()})") from None
        return draft(spool, url=url, headers=response.headers, records=records, limits=bounds)


def draft(
    body: IO[bytes],
    *,
    url: str,
    headers: Mapping[str, str],
    records: str | None = None,
    limits: Limits,
) -> str:
    """The text of a feed file for *body*, the page that *url* returned."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    try:
        root = read_shape(body)
        path = records or find_records(root, url_values=_values(url, pairs))
        sample = _sample(body, path, limits=limits)
        columns, rows = _objects(sample)
    except (MalformedPageError, SourceRefusedError) as error:
        kind = headers.get("Content-Type", "")
        raise _at(url, pairs, error, kind) from None
    text = _draft(url, pairs, root, headers, path, columns, rows).text()
    _check(text)
    return text


def _draft(
    url: str,
    pairs: Sequence[tuple[str, str]],
    root: JsonNode,
    headers: Mapping[str, str],
    path: str,
    columns: list[str],
    rows: list[dict[str, Any]],
) -> Draft:
    """All that is inferred from the page."""
    slices = infer_slices(pairs)
    filled = {inferred.param for inferred in slices.values()}
    others = [(name, value) for name, value in pairs if name not in filled]
    params = dict(others)
    url_path, path_times = time_path(urlsplit(url).path or "/")
    inferred = infer_fields.infer_fields(rows, taken=slices)
    fields = infer_event_time.with_event_time(inferred.fields)
    event_time = next((field for field in fields if field.event_time), None)
    window = time_params(
        others, events_ns=_range_ns(event_time), unit=event_time.unit if event_time else None
    )
    window = {name: param for name, param in window.items() if not is_login(name)}
    is_asked_by_time = bool(window or path_times)
    snapshot = event_time is None or (
        not is_asked_by_time and infer_event_time.is_snapshot(fields, url_path=url_path)
    )
    if snapshot:
        fields = [replace(field, event_time=False) for field in fields]
    step_ns = infer_event_time.step_between(fields)
    fields = infer_key.with_key(
        fields, is_snapshot=snapshot, step_ns=step_ns, first_id=infer_paging.first_id(params)
    )
    ids = next((field for field in fields if field.key and field.type == "int64"), None)
    paging = infer_paging.infer_paging(
        ProbedPage(
            params=params, headers=headers, siblings=root.scalars(), rows=_count(root, path, rows),
            window=window, ids=ids.source if ids else None, is_snapshot=snapshot,
            order=_order(event_time),
        )
    )  # fmt: skip
    return Draft(
        url=url, path=url_path, pairs=pairs, slices=slices, window=window, path_times=path_times,
        records=path, columns=columns, paging=paging, errors=infer_errors(root), fields=fields,
        unreachable=inferred.unreachable,
        frozen=infer_paging.frozen_params(params, paging) - set(window),
        candle=infer_event_time.candle_length(fields, url_path=url_path, step_ns=step_ns),
    )  # fmt: skip


def _values(url: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The values in a request: a name in the body that is one of them is an instrument.

    Of the path, only what is not a plain word: BTC-USD, btc_usdt, but not chart.
    """
    listed = [part for _, value in pairs for part in value.split(",")]
    segments = [part for part in urlsplit(url).path.split("/") if not part.isalpha()]
    return [value for value in [*listed, *segments] if value]


def _range_ns(event_time: InferredField | None) -> tuple[int, int] | None:
    at_ns = infer_event_time.event_times_ns(event_time) if event_time else []
    return (min(at_ns), max(at_ns)) if at_ns else None


def _order(event_time: InferredField | None) -> str | None:
    """The order that the page shows; None where its times are all one."""
    if event_time is None or len(set(infer_event_time.event_times_ns(event_time))) < 2:
        return None
    return infer_event_time.infer_order(event_time)


def _count(root: JsonNode, path: str, rows: list[dict[str, Any]]) -> int:
    """The number of records in the page, which may be more than the sample."""
    counts = [node.rows for node in root.walk() if ".".join(node.path) == path.removeprefix("$")]
    return max([len(rows), *counts])


def _sample(body: IO[bytes], path: str, *, limits: Limits) -> list[Any]:
    body.seek(0)
    chunks = iter(lambda: body.read(CHUNK_BYTES), b"")
    reader = JsonPageReader(chunks, records=path, max_record_bytes=limits.max_record_bytes)
    sample = [_decode(record) for record in islice(reader, SAMPLE_ROWS)]
    if not sample:
        raise SourceRefusedError(
            f"the array at {path!r} is empty; request a range that has records"
        )
    return sample


def _decode(record: Record) -> Any:  # noqa: ANN401 - any JSON
    """The value of a record; half of a surrogate pair in a text makes no difference to its type."""
    try:
        return _DECODER.decode(record)
    except msgspec.DecodeError:
        text, _ = surrogates.mask_lone_surrogates(bytes(record))
        return _DECODER.decode(text)


def _objects(sample: list[Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Names for the values of records that are arrays, and the records as objects."""
    if all(isinstance(record, dict) for record in sample):
        return [], sample
    if all(isinstance(record, list) and record for record in sample):
        width = max(map(len, sample))
        columns = [f"{UNNAMED}{number}" for number in range(1, width + 1)]
        if len({len(record) for record in sample}) > 1:
            least = min(map(len, sample))
            columns[least:] = [f"{name}?" for name in columns[least:]]
        plain = [name.rstrip("?") for name in columns]
        return columns, [dict(zip(plain, record, strict=False)) for record in sample]
    raise SourceRefusedError(
        "the records are neither all objects nor all arrays; a feed cannot read them"
    )


def _at(
    url: str, pairs: Sequence[tuple[str, str]], error: Exception, content_type: str
) -> Exception:
    """*error* with the URL before it, and without what the URL has of secrets."""
    secrets = [value for name, value in pairs if is_login(name) and len(value) > 3]
    message = "; ".join(sanitize(part, secrets=secrets) for part in str(error).split("; "))
    if isinstance(error, MalformedPageError) and content_type:
        message += f" (Content-Type: {sanitize(content_type, secrets=secrets)})"
    return type(error)(f"{redact_url(url)}: {message}")


def _check(text: str) -> None:
    """Raise ``UsageError`` if the draft is not a valid feed, but for the times to choose."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "draft.yaml"
        path.write_text(text.replace(UNKNOWN, "x"), encoding="utf-8")
        try:
            loader.read_feed(path)
        except FeedFileError as error:
            problem = str(error).replace(f"{path}:", "line ")
            raise UsageError(f"no feed can be drafted from this page: {problem}") from None
