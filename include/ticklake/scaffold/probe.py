"""Draft a feed file from the URL of one page; everything inferred is marked ``guess``.

The page is spooled to disk and read twice: once for its structure, once through the reader
that the feed will use. Memory holds a sample of its records, whatever its size.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import yaml
from pydantic import ValidationError

from include.ticklake.errors import SourceRefusedError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.limits import Limits
from include.ticklake.scaffold.infer_fields import (
    UNNAMED,
    InferredField,
    infer_fields,
    infer_order,
)
from include.ticklake.scaffold.infer_paging import InferredPaging, infer_paging
from include.ticklake.scaffold.json_shape import read_shape, records_path
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.body import CHUNK_BYTES
from include.ticklake.sources.http.redaction import is_secret, redact_url
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.json.page_reader import JsonPageReader

SAMPLE_ROWS = 1_000

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_SLICE_PARAM = re.compile(
    r"^(symbol|pair|inst_?id|product|market|coin|asset|interval|bar|granularity|step)$",
    re.IGNORECASE,
)


def probe(url: str, *, records: str | None = None, limits: Limits | None = None) -> str:
    """The text of a feed file for *url*; *records* is the path of its records, if known.

    Raises the error that the response means, or ``UsageError`` where no feed can be drafted.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise UsageError(
            f"{redact_url(url)}: not an HTTP URL; write it as https://host/path?limit=9"
        )
    bounds = limits or Limits()
    with (
        tempfile.TemporaryFile() as spool,
        transport.HttpSession() as session,
        transport.get(HttpRequest(url=url), session=session, limits=bounds) as response,
    ):
        for chunk in response.chunks:
            spool.write(chunk)
        return draft(spool, url=url, headers=response.headers, records=records, limits=bounds)


def draft(
    body: IO[bytes],
    *,
    url: str,
    headers: Mapping[str, str],
    records: str | None = None,
    limits: Limits,
) -> str:
    """The text of a valid feed file for *body*, the page that *url* returned."""
    shape = read_shape(body)
    path = records or records_path(shape, where=redact_url(url))
    sample = _sample(body, path, limits=limits)
    params = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    slices = {_snake(name): name for name in params if _SLICE_PARAM.match(name)}
    columns, rows = _objects(sample)
    fields = infer_fields(rows, taken=slices)
    event_time = next((field for field in fields if field.event_time), None)
    ids = next((field for field in fields if field.key and field.type == "int64"), None)
    paging = infer_paging(
        params=params, headers=headers, siblings=shape.siblings, rows=len(sample),
        ids=ids.source if ids else None, unit=event_time.unit if event_time else None,
        ascending=event_time is None or infer_order(event_time) != "descending",
    )  # fmt: skip
    text = "\n".join(
        [
            f"# A first draft, by: probe {redact_url(url)}",
            "# Check every guess against the API's documentation, then run: feeds --check",
            "source:",
            *_source_lines(url, params, slices, path=path, columns=columns, paging=paging),
            *_field_lines(fields, params, slices, event_time=event_time),
        ]
    )
    return _validated(text)


def _sample(body: IO[bytes], path: str, *, limits: Limits) -> list[Any]:
    body.seek(0)
    chunks = iter(lambda: body.read(CHUNK_BYTES), b"")
    reader = JsonPageReader(chunks, records=path, max_record_bytes=limits.max_record_bytes)
    sample = [_DECODER.decode(record) for record in islice(reader, SAMPLE_ROWS)]
    if not sample:
        raise SourceRefusedError(
            f"the array at {path!r} is empty; request a range that has records"
        )
    return sample


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


def _source_lines(
    url: str,
    params: Mapping[str, str],
    slices: Mapping[str, str],
    *,
    path: str,
    columns: list[str],
    paging: InferredPaging,
) -> Iterator[str]:
    parts = urlsplit(url)
    yield "  kind: http"
    yield f"  base_url: {_text(f'{parts.scheme}://{parts.netloc}')}"
    yield f"  path: {_text(parts.path or '/')}"
    fixed = {name: value for name, value in params.items() if name not in paging.paging_params}
    names = {name: f"{{{column}}}" for column, name in slices.items()}
    yield "  params:" if fixed else "  params: {}"
    for name, value in fixed.items():
        if is_secret(name):
            yield f"    # guess: {name} is a secret; put it into a connection and set auth"
        else:
            yield f"    {_text(name)}: {_text(names.get(name, value))}"
    yield f"  records: {_text(path)}  # guess: the array with the most records"
    if columns:
        yield f"  columns: {_text(columns)}  # guess: only the number of values is known"
    if paging.capture:
        yield f"  capture: {_text(paging.capture)}"
    yield f"  paging: {_text(paging.options)}  # guess: {paging.reason}"


def _field_lines(
    fields: list[InferredField],
    params: Mapping[str, str],
    slices: Mapping[str, str],
    *,
    event_time: InferredField | None,
) -> Iterator[str]:
    if slices:
        yield "slices:"
        for column, name in slices.items():
            yield f"  {column}: {_text([params[name]])}  # guess: list all that you need"
    if event_time is None:
        yield "snapshot: true  # guess: no field is the time of an event"
        yield "order: none"
    else:
        yield f"order: {infer_order(event_time)}  # guess: as in this page"
    if not any(field.key for field in fields):
        yield "# guess: no single column is unique; mark the columns of the key: key: true"
    yield "fields:"
    yield from map(_field_line, fields)
    if event_time is None:
        yield "  fetched_at: {from: $fetched_at, type: timestamp, event_time: true}"


def _field_line(field: InferredField) -> str:
    options: dict[str, object] = {"from": field.source, "type": field.type}
    if field.unit:
        options["unit"] = field.unit
    if field.precision:
        options["precision"] = field.precision
    options |= {name: True for name in ("key", "event_time") if getattr(field, name)}
    return f"  {field.name}: {_text(options)}{f'  # guess: {field.reason}' if field.reason else ''}"


def _snake(name: str) -> str:
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def _text(value: object) -> str:
    """*value* as one line of YAML."""
    dumped: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return dumped.removesuffix("...\n").rstrip("\n")


def _validated(text: str) -> str:
    try:
        Feed.model_validate({"name": "probed", **yaml.safe_load(text)})
    except (ValidationError, yaml.YAMLError) as error:
        raise UsageError(f"no feed can be drafted from this page: {error}") from None
    return f"{text}\n"
