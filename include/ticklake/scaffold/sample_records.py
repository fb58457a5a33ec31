"""The first records of pages, read as the drafted feed will read them.

What only the records show is decided here: names for the values of arrays, a header row, batches
within which the records are, and a name for ``key_as`` that no record has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain, islice
from typing import IO, Any

import msgspec

from include.ticklake.errors import SourceRefusedError
from include.ticklake.feed.csv_format import CsvFormat
from include.ticklake.feed.limits import Limits
from include.ticklake.model import surrogates
from include.ticklake.model.record import Record
from include.ticklake.scaffold.infer_texts import is_value
from include.ticklake.scaffold.infer_times import UNNAMED
from include.ticklake.scaffold.infer_types import as_numbers
from include.ticklake.scaffold.record_form import FIRST_ROW, ONE_VALUE, RecordForm
from include.ticklake.scaffold.record_names import COLLECTIONS
from include.ticklake.sources.http.body import CHUNK_BYTES
from include.ticklake.sources.json.page_reader import JsonPageReader
from include.ticklake.sources.text.feed_texts import csv_rows
from include.ticklake.sources.text.json_lines import JsonLines

SAMPLE_ROWS = 1_000

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_BATCH_NAMES = ("key_of_map", "name_in_map", "key_in_page")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledPages:
    """The first records of each page, and the form in which they were read."""

    form: RecordForm
    pages: Sequence[Sequence[Mapping[str, Any]]]

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The records of all pages."""
        return [*chain.from_iterable(self.pages)]


def read_samples(bodies: Sequence[IO[bytes]], form: RecordForm, *, limits: Limits) -> SampledPages:
    """The first records of each body; ``SourceRefusedError`` where a feed cannot read them."""

    def read(form: RecordForm) -> list[list[Any]]:
        return [_read(body, form, limits=limits) for body in bodies]

    if form.format != "json":
        return _of_objects(form, read(form))
    raw = read(replace(form, key_as=None))
    if (batches := _batches_in(raw, form)) is not None:
        form = batches
        raw = read(form)
    form = _with_columns(form, raw)
    form = _with_free_key(form, raw)
    return _of_objects(form, read(form) if form.key_as or form.columns or form.add else raw)


def _of_objects(form: RecordForm, pages: list[list[Any]]) -> SampledPages:
    if form.format == "ndjson" and any(isinstance(row, list) for page in pages for row in page):
        raise SourceRefusedError(
            "a line of it is an array, and a feed reads lines of objects; request objects, or CSV"
        )
    if not all(isinstance(record, dict) for page in pages for record in page):
        raise _mixture()
    return SampledPages(form=form, pages=pages)


def _read(body: IO[bytes], form: RecordForm, *, limits: Limits) -> list[Any]:
    body.seek(0)
    chunks = iter(lambda: body.read(CHUNK_BYTES), b"")
    return read_chunks(chunks, form, limits=limits)


def read_chunks(chunks: Iterable[bytes], form: RecordForm, *, limits: Limits) -> list[Any]:
    """The first records in *chunks*; ``SourceRefusedError`` where there are none."""
    sample = [decode(record) for record in islice(_reader(chunks, form, limits), SAMPLE_ROWS)]
    if not sample:
        raise SourceRefusedError(
            f"there are no records at {form.records!r}; request a range that has records"
        )
    return sample


def _reader(chunks: Iterable[bytes], form: RecordForm, limits: Limits) -> Iterable[Record]:
    if form.format == "ndjson":
        return JsonLines(chunks, max_record_bytes=limits.max_record_bytes)
    columns = form.columns if isinstance(form.columns, str) else [*(form.columns or [])] or None
    if form.format == "csv":
        return csv_rows(
            chunks, columns=columns if isinstance(columns, list) else None,
            written=CsvFormat.model_validate(form.csv), required=(), may_be_empty=False,
            max_record_bytes=limits.max_record_bytes, where="probe",
        )  # fmt: skip
    return JsonPageReader(
        chunks, records=form.records, shape=form.shape, key_as=form.key_as, add=form.add,
        columns=columns, max_record_bytes=limits.max_record_bytes,
    )  # fmt: skip


def decode(record: Record) -> Any:  # noqa: ANN401 - any JSON
    """The value of a record; half of a surrogate pair in a text makes no difference to its type."""
    try:
        return _DECODER.decode(record)
    except msgspec.DecodeError:
        text, _ = surrogates.mask_lone_surrogates(bytes(record))
        return _DECODER.decode(text)


def _batches_in(raw: Sequence[Sequence[Any]], form: RecordForm) -> RecordForm | None:
    """The records within the records, if each holds one list of them, such as ``data``."""
    rows = [*chain.from_iterable(raw)]
    if form.shape != "array" or not all(isinstance(row, dict) for row in rows):
        return None
    lists = {name for row in rows for name, value in row.items() if isinstance(value, list | dict)}
    if len(lists) != 1 or not lists & COLLECTIONS:
        return None
    name = lists.pop()
    inner = [row.get(name) for row in rows]
    if not all(isinstance(found, list) and found for found in inner):
        return None
    records = [record for found in inner for record in found or ()]
    if not all(isinstance(record, dict) for record in records):
        return None
    at = "item" if form.records == "$" else f"{form.records}.item"
    taken = {own for record in records for own in record}
    add: dict[str, str] = {}
    for own in dict.fromkeys(own for row in rows for own in row if own != name):
        label = own if own not in taken else f"batch_{own}"
        if "." in own or label in taken or label in add:
            return None
        add[label] = f"{at}.{own}"
    reason = f"the records are in {name} of each element"
    return replace(form, records=f"{at}.{name}", add=add, reason=reason)


def _with_columns(form: RecordForm, raw: Sequence[Sequence[Any]]) -> RecordForm:
    """*form* with names for the values of records that are arrays, or plain values."""
    rows = [*chain.from_iterable(raw)]
    if form.columns is not None or all(isinstance(row, dict) for row in rows):
        return form
    if not any(isinstance(row, list | dict) for row in rows):
        return replace(form, columns=[ONE_VALUE])
    lists = [row for row in rows if isinstance(row, list)]
    if not all(lists):
        raise SourceRefusedError(
            "an array among the records is empty, and no record; request a range without it"
        )
    if len(lists) + sum(isinstance(row, dict) for row in rows) < len(rows):
        raise _mixture()
    if len(lists) < len(rows) and not form.key_as:
        raise _mixture()
    if not form.key_as and all(map(_begins_with_names, raw)):
        return replace(form, columns=FIRST_ROW, reason=f"{form.reason}; its first row are names")
    return replace(form, columns=column_names(map(len, lists)))


def column_names(widths: Iterable[int]) -> list[str]:
    """Names for as many values; those that a shorter row lacks are optional."""
    known = {*widths}
    names = [f"{UNNAMED}{number}" for number in range(1, max(known) + 1)]
    return [name if number <= min(known) else f"{name}?" for number, name in enumerate(names, 1)]


def _begins_with_names(rows: Sequence[Any]) -> bool:
    """Whether the first row has the names of the columns: texts, over some that are not.

    Not where one is a date, or a word for nothing: then it is a record, which would be lost.
    """
    first, others = rows[0], rows[1:]
    texts = all(isinstance(name, str) and name.strip() == name != "" for name in first)
    if not texts or not others or len(set(map(str.lower, first))) < len(first):
        return False
    if any(is_value(name) or name.endswith("?") for name in first):
        return False
    if {len(row) for row in others} != {len(first)}:
        return False
    return any(all(map(_is_no_text, column)) for column in zip(*others, strict=True))


def _is_no_text(value: object) -> bool:
    return not isinstance(value, str | None) or bool(as_numbers([value]))


def _with_free_key(form: RecordForm, raw: Sequence[Sequence[Any]]) -> RecordForm:
    """*form* with a ``key_as`` that none of the records has as a name."""
    if not form.key_as:
        return form
    taken = {name.lower() for page in raw for row in page if isinstance(row, dict) for name in row}
    taken |= {name.lower() for name in form.column_names}
    candidates = (form.key_as, "name", "key", *_BATCH_NAMES)
    return replace(form, key_as=next(name for name in candidates if name not in taken))


def _mixture() -> SourceRefusedError:
    return SourceRefusedError(
        "the records are neither all objects nor all arrays; a feed cannot read them"
    )
