"""The values of a slice as an endpoint lists them: it is asked, and its records pass as a stream.

Login, headers, retries, rate limit, errors and deadlines are those of any request of the feed; only
the values are kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from include.ticklake.extract.listed_names import ListedNames
from include.ticklake.extract.record_filter import record_filter
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FETCHED_AT
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.list_requests import list_source
from include.ticklake.feed.slice_list import ListingEndpoint
from include.ticklake.lake.list_rules import ListReading
from include.ticklake.lake.slice_lists import ListSource
from include.ticklake.model import json_path
from include.ticklake.model.record import Record
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources import auth, source
from include.ticklake.sources.auth import GetCredentials
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.source import SourceContext
from include.ticklake.sources.sql import engines
from include.ticklake.types.values import NumberText


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointAccess:
    """How endpoints are reached: what differs between a shell, an Airflow task and a test."""

    base_url_for: Callable[[str], str | None] = lambda _: None
    """Where requests to an API's own address go instead; None where they go there."""
    lookup: GetCredentials = field(default=partial(auth.credentials_from_env, env=os.environ))
    """The credentials of a connection."""
    patience: SourceRetryPolicy = field(default_factory=SourceRetryPolicy)

    def context(self, base_url: str) -> SourceContext:
        """What requests to *base_url* need."""
        return SourceContext(
            get_credentials=self.lookup,
            connect=partial(engines.engine_from_env, env=os.environ),
            base_url=self.base_url_for(base_url),
            retry_policy=self.patience,
        )


def read(
    feed: Feed,
    slice_name: str,
    *,
    known: Iterable[str],
    access: EndpointAccess,
    now_ms: int,
) -> ListReading:
    """What the endpoint lists for the slice *slice_name* of *feed* now.

    Errors are those of sources: ``RetryableError``, ``SourceRefusedError``.
    """
    listed = feed.slice_lists[slice_name]
    assert isinstance(listed, ListingEndpoint)  # noqa: S101 - for mypy: who calls knows
    names = ListedNames(feed, slice_name, known=known)
    asked, source_ = _list_feed(feed, slice_name, listed)
    context = access.context(source_.base_url)
    now = datetime.fromtimestamp(now_ms // 1000, UTC)
    unit = Unit(Slice(), Window(now - timedelta(hours=1), now))
    counts = record_filter(listed.where, keeps_lacking=False)
    with closing(source.pages(asked, unit, context=context)) as pages:
        records = (record for _, page in pages for record in page if not counts or counts(record))
        names.add_all(_values(records, path=listed.column_of(slice_name)))
    return ListReading(
        source=ListSource.of(slice_name, listed),
        as_of_ms=now_ms,
        digest=hashlib.sha256("\n".join(sorted(names.listed)).encode()).hexdigest()[:16],
        values=names.listed,
        left_out=tuple(names.left_out),
        left_out_rows=names.left_out_rows,
    )


def _list_feed(feed: Feed, slice_name: str, listed: ListingEndpoint) -> tuple[Feed, HttpSource]:
    """The endpoint as a feed, a snapshot of its records, with the limits of *feed*; its source."""
    paths = [listed.column_of(slice_name), *listed.where]
    fields: dict[str, dict[str, object]] = {
        f"value_{number}": {"from": path, "type": "json"} for number, path in enumerate(paths)
    }
    fields["fetched_at"] = {"from": FETCHED_AT, "type": "timestamp", "event_time": True}
    source_ = list_source(feed.source, slice_name, listed)
    options = {"name": feed.name, "source": source_, "snapshot": True, "order": "none"}
    asked = Feed.model_validate({**options, "limits": feed.limits, "fields": fields})
    return asked, source_


def _values(records: Iterable[Record], *, path: str) -> Iterator[str | None]:
    """The text or whole number at *path* of each record; None where there is none."""
    find = json_path.finder(path.split("."))
    for record in records:
        text = find(record)
        value = None if text is None else json.loads(bytes(text), parse_int=NumberText)
        yield value if isinstance(value, str) else None
