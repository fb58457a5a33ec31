"""The values of slices that are listed elsewhere: what is in force, since when, where it is from.

``slices/<feed>.json`` is read by every command that works on all slices of such a feed. The plan
of a run renews it (``extract/renew_slices.py``); who leaves the list keeps a place in it, with the
time until which it was listed, and all of its data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from include.ticklake.errors import CorruptRecordError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.slice_list import ListingFeed, SliceList
from include.ticklake.lake import layout
from include.ticklake.lake.storage import JSON_METADATA, Storage

FORMAT = 1


class Listing(NamedTuple):
    """A stretch of time, in milliseconds since 1970, in which a value was listed."""

    since_ms: int
    until_ms: int | None = None
    """Exclusive; None where it still is."""


class ListSource(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What a feed's file says of where the values are."""

    feed: str = ""
    """The feed that lists them; empty where an endpoint does."""
    endpoint: str = ""
    request: str = ""
    """Names what is sent to the endpoint, and how its records are read: a hash of it."""
    column: str
    where: dict[str, list[str | int | float | bool | None]] = {}

    @classmethod
    def of(cls, slice_name: str, listed: SliceList) -> ListSource:
        """What the file says of the slice *slice_name*."""
        column = listed.column_of(slice_name)
        where = {name: [*values] for name, values in listed.where.items()}
        if isinstance(listed, ListingFeed):
            return cls(feed=listed.feed, column=column, where=where)
        request = json.dumps(listed.request, sort_keys=True, default=str).encode()
        return cls(
            endpoint=listed.origin,
            request=hashlib.sha256(request).hexdigest()[:16],
            column=column,
            where=where,
        )

    @property
    def origin(self) -> str:
        """What lists the values, for people."""
        return self.feed or self.endpoint


class ListProblem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a newer list is not in force."""

    since_ms: int
    text: str


class ValueList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The values of one slice: those listed now, and those that once were."""

    source: ListSource
    as_of_ms: int
    """When the source was asked for what the list has."""
    digest: str
    """Names the set of parts that was read."""
    values: dict[str, tuple[Listing, ...]]
    """When each value was listed, oldest first; sorted by value."""
    left_out: tuple[str, ...] = ()
    """Of what the source lists and no slice can be, the first few: why."""
    left_out_rows: int = 0
    problem: ListProblem | None = None

    @property
    def in_force(self) -> list[str]:
        """The values that are listed, sorted."""
        return [value for value, listings in self.values.items() if listings[-1].until_ms is None]


class SliceLists(msgspec.Struct, frozen=True, kw_only=True):
    """The content of ``slices/<feed>.json``; what a later version adds is passed over."""

    format: int
    feed: str
    lists: dict[str, ValueList]
    """By the names of the slices."""


_DECODER = msgspec.json.Decoder(SliceLists)


class StoredLists(NamedTuple):
    """The lists of a feed, and the version of the object that has them: None for no object."""

    lists: Mapping[str, ValueList]
    version: str | None


def read(feed: str, *, storage: Storage) -> StoredLists:
    """The lists of *feed*, none where none was read yet; ``CorruptRecordError``."""
    key = layout.slice_lists_key(feed)
    stored = storage.read_versioned(key)
    if stored is None:
        return StoredLists({}, None)
    try:
        lists = _DECODER.decode(stored.body)
        if lists.format != FORMAT or lists.feed != feed:
            raise ValueError(f"format {lists.format!r} of feed {lists.feed!r}")
        if not all(all(of.values.values()) for of in lists.lists.values()):
            raise ValueError("a value that was never listed")
    except (ValueError, RecursionError) as error:
        raise CorruptRecordError(
            f"{storage.uri(key)} is not the list of a feed's slices ({error}); restore it from a "
            "backup, or delete it: the next run reads the list again, and what "
            "left it before is forgotten"
        ) from None
    return StoredLists(lists.lists, stored.version)


def write(
    feed: str, lists: Mapping[str, ValueList], *, storage: Storage, expect: str | None
) -> None:
    """Put *lists* in force in place of version *expect*; ``LostRaceError``."""
    body = _text(feed, lists)
    storage.put_if(layout.slice_lists_key(feed), body, expect=expect, metadata=JSON_METADATA)


def with_listed(feed: Feed, lists: Mapping[str, ValueList]) -> Feed:
    """*feed* with the values that *lists* have in force: what a run plans."""
    return feed.with_values({name: lists[name].in_force for name in feed.slice_lists})


def with_known(feed: Feed, *, storage: Storage, may_lack: bool = False) -> Feed:
    """*feed* with every value that was ever listed: what the lake may have.

    ``UsageError`` where no list was read yet; with *may_lack*, *feed* as it is.
    """
    if not feed.slice_lists:
        return feed
    lists = read(feed.name, storage=storage).lists
    for name, listed in feed.slice_lists.items():
        if name not in lists:
            if may_lack:
                return feed
            raise UsageError(
                f"{feed.name}: no run has read the list of slices.{name} yet, which is in "
                f"{listed.origin}; run ingest_{feed.name}, or `extract` a range of it, "
                "or name a slice"
            )
    return feed.with_values({name: list(lists[name].values) for name in feed.slice_lists})


def _text(feed: str, lists: Mapping[str, ValueList]) -> bytes:
    """JSON with a line for each value: what changed shows in a comparison of two versions."""
    texts = [f"{json.dumps(name)}: {_list_text(listed)}" for name, listed in lists.items()]
    head = json.dumps({"format": FORMAT, "feed": feed})[:-1]
    return f'{head}, "lists": {{\n{", ".join(texts)}\n}}}}\n'.encode()


def _list_text(listed: ValueList) -> str:
    plain = msgspec.to_builtins(listed)
    values = [f"{json.dumps(name)}: {json.dumps(at)}" for name, at in plain.pop("values").items()]
    lines = ",\n".join(values)
    return f'{json.dumps(plain)[:-1]}, "values": {{\n{lines}\n}}}}'
