"""Draft feeds from the pages of one endpoint: one draft for each way to the next page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import IO
from urllib.parse import urlsplit

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.feed.limits import Limits
from include.ticklake.redaction.addresses import redact_url
from include.ticklake.redaction.masking import sanitize
from include.ticklake.scaffold import (
    infer_event_time,
    infer_fields,
    infer_key,
    infer_paging,
    side_by_side,
)
from include.ticklake.scaffold.draft_file import Draft
from include.ticklake.scaffold.find_records import find_records, form_at
from include.ticklake.scaffold.infer_added import not_read, values_to_add
from include.ticklake.scaffold.infer_errors import infer_errors
from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_slices import infer_slices
from include.ticklake.scaffold.infer_window import time_params, time_path
from include.ticklake.scaffold.json_shape import JsonNode, read_shape
from include.ticklake.scaffold.logins import is_login
from include.ticklake.scaffold.merge_urls import ProbedAddress
from include.ticklake.scaffold.probed_page import ProbedPage
from include.ticklake.scaffold.record_form import RecordForm
from include.ticklake.scaffold.sample_records import SampledPages, read_samples
from include.ticklake.scaffold.text_form import CSV_TYPE, text_form, why_not_csv


def draft_pages(
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
        root, form = _form(bodies[0], address, headers, records)
        sample = read_samples(bodies, form, limits=limits)
    except (MalformedPageError, SourceRefusedError) as error:
        kind = headers.get("Content-Type", "")
        raise _at(url, address.pairs, error, kind) from None
    drafts = _draft_each_paging(address, root, headers, sample)
    drafts[0].feed()  # refuse a page that no feed can be drafted from
    return drafts


def _form(
    body: IO[bytes], address: ProbedAddress, headers: Mapping[str, str], records: str | None
) -> tuple[JsonNode, RecordForm]:
    """What stands around the records, and the form of these."""
    kind = headers.get("Content-Type", "")
    if text := text_form(body, content_type=kind):
        return JsonNode(kind="array"), text
    try:
        root = read_shape(body)
    except MalformedPageError:
        if not CSV_TYPE.search(kind):
            raise
        raise MalformedPageError(
            f"the body is not CSV that a feed reads: {why_not_csv(body)}"
        ) from None
    if records:
        return root, form_at(root, records)
    return root, find_records(root, url_values=_values(address.urls[0], address.pairs))


def _draft_each_paging(
    address: ProbedAddress, root: JsonNode, headers: Mapping[str, str], sample: SampledPages
) -> list[Draft]:
    """All that is inferred from the pages, once for each likely paging."""
    form, first_page_rows = sample.form, len(sample.pages[0])
    slices = infer_slices(address.pairs, path_slices=address.path_slices)
    filled = {inferred.param for inferred in slices.values()}
    others = [(name, value) for name, value in address.pairs if name not in filled]
    params = dict(others)
    url_path, path_times = time_path(address.path)
    inferred = infer_fields.infer_fields(sample.rows, taken=slices)
    # A record's own time comes before that of its batch.
    own_first = sorted(
        side_by_side.with_times(inferred.fields, sample), key=lambda field: field.source in form.add
    )
    # Types are of all pages; what orders the records and tells them apart is of one.
    first_page = [replace(field, values=field.values[:first_page_rows]) for field in own_first]
    fields = infer_event_time.with_event_time(first_page)
    event_time = next((field for field in fields if field.event_time), None)
    window = time_params(
        others, events_ns=_range_ns(event_time), unit=event_time.unit if event_time else None
    )
    window = {name: param for name, param in window.items() if not is_login(name)}
    is_asked_by_time = bool(window or path_times)
    snapshot = event_time is None or (
        not is_asked_by_time
        and (
            _is_state(sample, event_time) or infer_event_time.is_snapshot(fields, url_path=url_path)
        )
    )
    if snapshot:
        fields = [replace(field, event_time=False) for field in fields]
    step_ns = infer_event_time.step_between(fields)
    fields = infer_key.with_key(
        fields, is_snapshot=snapshot, step_ns=step_ns, first_id=infer_paging.first_id(params),
        map_key=form.key_as if form.is_map else None,
    )  # fmt: skip
    ids = next((field for field in fields if field.key and field.type == "int64"), None)
    page = ProbedPage(
        params=params, headers=headers, siblings=_siblings(root, sample),
        rows=_count(root, sample),
        window=window, ids=ids.source if ids else None, is_snapshot=snapshot,
        order=_order(event_time), is_whole=form.is_one_object or form.key_as == "side",
    )  # fmt: skip
    known = {value for _, value in address.pairs} | set(address.path.split("/"))
    known |= {value for inferred in slices.values() for value in inferred.values}
    taken = {name for row in sample.rows for name in row}
    added = values_to_add(root, form, is_snapshot=snapshot, taken=taken, known=known)
    fields += _added_fields(added, taken=[*slices, *(field.name for field in fields)])
    paths = {name: ".".join(node.path) for name, node in added.items()}
    form = replace(form, add={**form.add, **paths})
    drafts = [
        Draft(
            address=address, path=url_path, slices=slices, window=window, path_times=path_times,
            form=form, paging=paging, errors=infer_errors(root), fields=fields,
            unreachable=inferred.unreachable,
            frozen=infer_paging.frozen_params(params, paging) - set(window),
            candle=infer_event_time.candle_length(fields, url_path=url_path, step_ns=step_ns),
        )
        for paging in infer_paging.likely_pagings(page)
    ]  # fmt: skip
    return [
        replace(draft, not_read=not_read(root, form, read=_read_paths(draft))) for draft in drafts
    ]


def _is_state(sample: SampledPages, event_time: InferredField) -> bool:
    """Whether the records are what is now: one object, the sides of a book, or a map of things."""
    form = sample.form
    if form.key_as == "side" or form.is_one_object:
        return True
    return form.is_map and event_time.source != form.key_as


def _added_fields(added: Mapping[str, JsonNode], *, taken: Sequence[str]) -> list[InferredField]:
    """The columns of the values around the records; none is a key, or the time of an event."""
    record = {name: node.value for name, node in added.items()}
    return infer_fields.infer_fields([record], taken=taken).fields if record else []


def _read_paths(draft: Draft) -> set[str]:
    """The paths of the body, outside of the records, that the draft has a use for."""
    errors = {value for value in draft.errors.values() if isinstance(value, str)}
    return {*draft.form.add.values(), *draft.paging.capture.values(), *errors}


def _siblings(root: JsonNode, sample: SampledPages) -> dict[str, object]:
    """Path -> value of the scalars around the records: what is in one says nothing of paging."""
    inside = {".".join(node.path) for node in root.walk() if sample.form.reads(node)}
    return {path: value for path, value in root.scalars().items() if path not in inside}


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


def _count(root: JsonNode, sample: SampledPages) -> int:
    """The number of records in the page, which may be more than the sample."""
    counts = [node.rows for node in root.walk() if list(node.path) == sample.form.path]
    return max([len(sample.pages[0]), *counts])


def _at(
    url: str, pairs: Sequence[tuple[str, str]], error: Exception, content_type: str
) -> Exception:
    """*error* with the URL before it, and without what the URL has of secrets."""
    secrets = [value for name, value in pairs if is_login(name) and len(value) > 3]
    message = "; ".join(sanitize(part, secrets=secrets) for part in str(error).split("; "))
    if isinstance(error, MalformedPageError) and content_type:
        message += f" (Content-Type: {sanitize(content_type, secrets=secrets)})"
    return type(error)(f"{redact_url(url)}: {message}")
