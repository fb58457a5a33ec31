"""An address in, the first draft of its feed file out, with every guess marked as one.

The page is spooled to disk and read twice: once for its shape, once through the reader
that the feed will use. Memory holds a sample of its records, whatever its size.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import ijson
import msgspec
import yaml
from pydantic import ValidationError

from include.ticklake.errors import MalformedPageError, SourceRefusedError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.limits import Limits
from include.ticklake.scaffold import infer_fields
from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_paging import InferredPaging, paging
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.redaction import is_secret, redact_url
from include.ticklake.sources.json.page_reader import JsonPageReader

SAMPLE_ROWS = 1_000

_VALUE = msgspec.json.Decoder(float_hook=Decimal)
_SCALARS = {"string", "number", "boolean"}
_MANY_PATHS = 200
_INSTRUMENT = re.compile(r"[A-Z0-9][A-Z0-9._/:-]{4,}")
_SLICED = re.compile(
    r"^(symbol|pair|inst_?id|product|market|coin|asset|interval|bar|granularity|step)$",
    re.IGNORECASE,
)


@dataclass(slots=True, kw_only=True)
class JsonShape:
    """What a body is made of, but for its records."""

    arrays: dict[str, int] = field(default_factory=dict)
    """Paths of arrays that no array is above, and how many objects or arrays each holds."""
    beside: dict[str, object] = field(default_factory=dict)
    """Path -> value of what stands outside of all arrays."""


def probe(url: str, *, records: str | None = None, limits: Limits | None = None) -> str:
    """The text of a feed file for *url*; *records* says where its records are, if that is known.

    Raises what the source's answer means, and ``UsageError`` where no feed can be made.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise UsageError(f"{redact_url(url)}: give an address such as https://host/path?limit=9")
    bounds = limits or Limits()
    with (
        tempfile.TemporaryFile() as spool,
        transport.HttpSession() as session,
        transport.get(transport.HttpRequest(url=url), session=session, limits=bounds) as answer,
    ):
        for chunk in answer.chunks:
            spool.write(chunk)
        return draft(spool, url=url, headers=answer.headers, records=records, limits=bounds)


def draft(
    body: IO[bytes],
    *,
    url: str,
    headers: Mapping[str, str],
    records: str | None = None,
    limits: Limits,
) -> str:
    """The text of a feed file for the page *body* that *url* answered; it is checked."""
    shape = _shape(body)
    path = records or _path(shape, where=redact_url(url))
    sample = _sample(body, path, limits=limits)
    params = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    sliced = {_snake(name): name for name in params if _SLICED.match(name)}
    columns, rows = _objects(sample)
    found = infer_fields.fields(rows, taken=sliced)
    named = next((one for one in found if one.event_time), None)
    ids = next((one for one in found if one.key and one.type == "int64"), None)
    way = paging(
        params=params, headers=headers, beside=shape.beside, rows=len(sample),
        ids=ids.source if ids else None, unit=named.unit if named else None,
        ascending=named is None or infer_fields.order(named) != "descending",
    )  # fmt: skip
    text = "\n".join(
        [
            f"# A first draft, by: probe {redact_url(url)}",
            "# Every guess is marked; check it against the source's documents, then: feeds --check",
            "source:",
            *_source(url, params=params, sliced=sliced, path=path, columns=columns, way=way),
            *_rest(found, params=params, sliced=sliced, named=named),
        ]
    )
    return _checked(text)


def _shape(body: IO[bytes]) -> JsonShape:
    """One walk over the whole body, remembering paths only."""
    body.seek(0)
    found, arrays_above = JsonShape(), 0
    try:
        for path, event, value in ijson.parse(body):
            if event == "start_array":
                arrays_above += 1
                if arrays_above == 1 and len(found.arrays) < _MANY_PATHS:
                    found.arrays.setdefault(path, 0)
            elif event == "end_array":
                arrays_above -= 1
            if event in ("start_map", "start_array") and path.endswith("item"):
                above = path.removesuffix("item").removesuffix(".")
                if above in found.arrays and arrays_above == 1 + (event == "start_array"):
                    found.arrays[above] += 1
            if event in _SCALARS and not arrays_above and len(found.beside) < _MANY_PATHS:
                found.beside[path] = value
    except ijson.JSONError:
        raise MalformedPageError("the answer is not JSON, or was cut") from None
    return found


def _path(shape: JsonShape, *, where: str) -> str:
    """The path of the array with most records, as a feed writes it."""
    most = max(shape.arrays.values(), default=0)
    if not most:
        said = ", ".join(list(shape.beside)[:20]) or "nothing"
        raise SourceRefusedError(
            f"{where}: holds no array with records; its names: {said}. Ask for a range that has "
            "records, or say where they are: --records PATH"
        )
    path = next(path for path, count in shape.arrays.items() if count == most)
    above, _, name = path.rpartition(".")
    if above and _INSTRUMENT.fullmatch(name):
        return f"{above}.*"
    return path or "$"


def _sample(body: IO[bytes], path: str, *, limits: Limits) -> list[Any]:
    body.seek(0)
    chunks = iter(lambda: body.read(transport.CHUNK_BYTES), b"")
    reading = JsonPageReader(chunks, records=path, max_record_bytes=limits.max_record_bytes)
    found = [_VALUE.decode(record) for record in islice(reading, SAMPLE_ROWS)]
    if not found:
        raise SourceRefusedError(
            f"the array at {path!r} is empty: ask for a range that has records"
        )
    return found


def _objects(sample: list[Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """The records as objects; names for their values where they are arrays."""
    if all(isinstance(record, dict) for record in sample):
        return [], sample
    if all(isinstance(record, list) and record for record in sample):
        width = max(map(len, sample))
        columns = [f"{infer_fields.UNNAMED}{number}" for number in range(1, width + 1)]
        if len({len(record) for record in sample}) > 1:
            least = min(map(len, sample))
            columns[least:] = [f"{name}?" for name in columns[least:]]
        plain = [name.rstrip("?") for name in columns]
        return columns, [dict(zip(plain, record, strict=False)) for record in sample]
    raise SourceRefusedError(
        "its records are neither all objects nor all arrays: no feed reads those"
    )


def _source(
    url: str,
    *,
    params: Mapping[str, str],
    sliced: Mapping[str, str],
    path: str,
    columns: list[str],
    way: InferredPaging,
) -> Iterator[str]:
    parts = urlsplit(url)
    yield "  kind: http"
    yield f"  base_url: {_text(f'{parts.scheme}://{parts.netloc}')}"
    yield f"  path: {_text(parts.path or '/')}"
    own = {name: value for name, value in params.items() if name not in way.fixed}
    names = {name: f"{{{column}}}" for column, name in sliced.items()}
    yield "  params:" if own else "  params: {}"
    for name, value in own.items():
        if is_secret(name):
            yield f"    # guess: {name} is a login; it belongs into a connection: see auth"
        else:
            yield f"    {_text(name)}: {_text(names.get(name, value))}"
    yield f"  records: {_text(path)}  # guess: the array with most records"
    if columns:
        yield f"  columns: {_text(columns)}  # guess: only the number of values is known"
    if way.capture:
        yield f"  capture: {_text(way.capture)}"
    yield f"  paging: {_text(way.options)}  # guess: {way.why}"


def _rest(
    found: list[InferredField],
    *,
    params: Mapping[str, str],
    sliced: Mapping[str, str],
    named: InferredField | None,
) -> Iterator[str]:
    if sliced:
        yield "slices:"
        for column, name in sliced.items():
            yield f"  {column}: {_text([params[name]])}  # guess: list every one that is wanted"
    if named is None:
        yield "snapshot: true  # guess: no field of its records says when something happened"
        yield "order: none"
    else:
        yield f"order: {infer_fields.order(named)}  # guess: as in this page"
    if not any(one.key for one in found):
        yield "# guess: no single column tells the records apart; mark those that do: key: true"
    yield "fields:"
    yield from map(_line, found)
    if named is None:
        yield "  fetched_at: {from: $fetched_at, type: timestamp, event_time: true}"


def _line(one: InferredField) -> str:
    options: dict[str, object] = {"from": one.source, "type": one.type}
    if one.unit:
        options["unit"] = one.unit
    options |= {name: True for name in ("key", "event_time") if getattr(one, name)}
    return f"  {one.name}: {_text(options)}{f'  # guess: {one.why}' if one.why else ''}"


def _snake(name: str) -> str:
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def _text(value: object) -> str:
    """*value* in one line of YAML."""
    dumped: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return dumped.removesuffix("...\n").rstrip("\n")


def _checked(text: str) -> str:
    try:
        Feed.model_validate({"name": "probed", **yaml.safe_load(text)})
    except (ValidationError, yaml.YAMLError) as wrong:
        raise UsageError(f"no feed can be made of this page: {wrong}") from None
    return f"{text}\n"
