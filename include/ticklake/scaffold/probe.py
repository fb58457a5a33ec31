"""Draft a feed file from the URLs of pages; everything inferred is marked ``guess``.

A page is spooled to disk and read twice: once for its structure, once through the reader
that the feed will use. Memory holds a sample of its records, whatever its size.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from itertools import chain, islice
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec

from include.ticklake.errors import MalformedPageError, SourceRefusedError
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
from include.ticklake.scaffold.infer_window import time_params, time_path
from include.ticklake.scaffold.json_shape import JsonNode, read_shape
from include.ticklake.scaffold.logins import is_login
from include.ticklake.scaffold.merge_urls import ProbedAddress, merge_urls
from include.ticklake.scaffold.probed_page import ProbedPage
from include.ticklake.scaffold.second_page import with_paging_seen
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.body import CHUNK_BYTES
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.json.page_reader import JsonPageReader

SAMPLE_ROWS = 1_000

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def probe(
    *urls: str,
    records: str | None = None,
    limits: Limits | None = None,
    asks_second_page: bool = True,
) -> str:
    """The text of a feed file for *urls*, pages of one endpoint; *records* is their path, if known.

    The paging that is inferred is tried, unless only the *urls* may be requested.
    Raises the error that a response means, or ``UsageError`` where no feed can be drafted.
    """
    address, bounds = merge_urls(urls), limits or Limits()
    with ExitStack() as stack, transport.HttpSession() as session:
        bodies = [stack.enter_context(tempfile.TemporaryFile()) for _ in urls]
        headers = [
            _fetch(url, body, session=session, limits=bounds)
            for url, body in zip(urls, bodies, strict=True)
        ]
        drafts = _drafts(
            bodies, address=address, headers=headers[0], records=records, limits=bounds
        )
    best = with_paging_seen(drafts, limits=bounds) if asks_second_page else drafts[0]
    return best.text()


def _fetch(
    url: str, body: IO[bytes], *, session: transport.HttpSession, limits: Limits
) -> Mapping[str, str]:
    """Write the page at *url* to *body*; return the headers of the response."""
    request = HttpRequest(url=url)
    with transport.send(request, session=session, limits=limits) as response:
        try:
            body.writelines(response.chunks)
        except (MalformedPageError, SourceRefusedError) as error:
            raise type(error)(f"{request}: {error} ({response.describe()})") from None
        return response.headers


def draft(
    body: IO[bytes],
    *,
    url: str,
    headers: Mapping[str, str],
    records: str | None = None,
    limits: Limits,
) -> str:
    """The text of a feed file for *body*, the page that *url* returned."""
    address = merge_urls([url])
    drafts = _drafts([body], address=address, headers=headers, records=records, limits=limits)
    return drafts[0].text()


def _drafts(
    bodies: Sequence[IO[bytes]],
    *,
    address: ProbedAddress,
    headers: Mapping[str, str],
    records: str | None,
    limits: Limits,
) -> list[Draft]:
    """A draft for each likely paging, the likeliest first; *headers* are of the first page."""
    url = address.urls[0]
    try:
        root = read_shape(bodies[0])
        path = records or find_records(root, url_values=_values(url, address.pairs))
        samples = [_sample(body, path, limits=limits) for body in bodies]
        columns, rows = _objects([*chain.from_iterable(samples)])
    except (MalformedPageError, SourceRefusedError) as error:
        kind = headers.get("Content-Type", "")
        raise _at(url, address.pairs, error, kind) from None
    drafts = _draft_each_paging(
        address, root, headers, path, columns, rows, first_page_rows=len(samples[0])
    )
    drafts[0].feed()  # refuse a page that no feed can be drafted from
    return drafts


def _draft_each_paging(
    address: ProbedAddress,
    root: JsonNode,
    headers: Mapping[str, str],
    path: str,
    columns: list[str],
    rows: list[dict[str, Any]],
    *,
    first_page_rows: int,
) -> list[Draft]:
    """All that is inferred from the pages, once for each likely paging."""
    slices = infer_slices(address.pairs, path_slices=address.path_slices)
    filled = {inferred.param for inferred in slices.values()}
    others = [(name, value) for name, value in address.pairs if name not in filled]
    params = dict(others)
    url_path, path_times = time_path(address.path)
    inferred = infer_fields.infer_fields(rows, taken=slices)
    # Types are of all pages; what orders the records and tells them apart is of one.
    first_page = [
        replace(field, values=field.values[:first_page_rows]) for field in inferred.fields
    ]
    fields = infer_event_time.with_event_time(first_page)
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
    page = ProbedPage(
        params=params, headers=headers, siblings=root.scalars(),
        rows=_count(root, path, first_page_rows),
        window=window, ids=ids.source if ids else None, is_snapshot=snapshot,
        order=_order(event_time),
    )  # fmt: skip
    return [
        Draft(
            address=address, path=url_path, slices=slices, window=window, path_times=path_times,
            records=path, columns=columns, paging=paging, errors=infer_errors(root), fields=fields,
            unreachable=inferred.unreachable,
            frozen=infer_paging.frozen_params(params, paging) - set(window),
            candle=infer_event_time.candle_length(fields, url_path=url_path, step_ns=step_ns),
        )
        for paging in infer_paging.likely_pagings(page)
    ]  # fmt: skip


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


def _count(root: JsonNode, path: str, sample_rows: int) -> int:
    """The number of records in the page, which may be more than the sample."""
    counts = [node.rows for node in root.walk() if ".".join(node.path) == path.removeprefix("$")]
    return max([sample_rows, *counts])


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
