"""What was staged and converted in, the commit out: one small JSON object per unit.

A manifest names the files of one (feed, slice, window) and accounts for every record.
``extract`` writes its ``json`` section, ``convert`` its ``parquet`` section; each is one
PUT, so readers see the old state or the new one. It holds nothing that differs between
two runs over the same data: no clock, no duration, no host name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from include.ticklake.errors import UsageError
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One staged JSON object."""

    key: str
    rows: int
    json_bytes: int
    """Text before gzip."""
    gzip_bytes: int
    sha256: str
    """Of the stored (gzipped) bytes."""
    first_event_ns: int | None
    last_event_ns: int | None
    """Least and greatest event time, nanoseconds since 1970; None where none is readable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSection:
    """The ``json`` section: received = rows + outside_rows + duplicate_rows."""

    received_rows: int
    outside_rows: int
    """Outside the window, or candles that were not over yet."""
    duplicate_rows: int
    missed: tuple[int, int] | None = None
    """Event times, in nanoseconds, that a source without history no longer had."""
    pages: int
    page_bytes: int
    """Decompressed bytes of all pages."""
    host: str
    fetched_at_ms: int | None
    """Only for snapshots, whose event time is the time of fetching."""
    parts: tuple[Part, ...]
    removed: bool = False
    """Whether retention removed the parts: what is said of them is what was there."""
    new_fields: tuple[str, ...] = ()
    """Names in the records that no field reads."""

    @property
    def rows(self) -> int:
        """Records in the parts."""
        return sum(part.rows for part in self.parts)

    @property
    def digest(self) -> str:
        """Names this set of parts: the sha256 of their sha256s."""
        return hashlib.sha256("\n".join(p.sha256 for p in self.parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetSection:
    """The ``parquet`` section: rows of the parts = rows + quarantined_rows."""

    key: str | None
    """None where there was nothing to write."""
    rows: int
    parquet_bytes: int
    sha256: str | None
    row_groups: int
    quarantine_key: str | None
    quarantined_rows: int
    first_event_ns: int | None
    last_event_ns: int | None
    key_range: dict[str, tuple[str, str]]
    """Least and greatest value of each key column, as text."""
    sorted: bool
    parts_digest: str
    """``Staged.digest`` of the parts that this Parquet holds."""
    removed: bool = False
    """Whether retention removed the Parquet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files of one (feed, slice, window) and the account of its records."""

    feed: str
    slice: dict[str, str]
    window: str
    json: JsonSection
    parquet: ParquetSection | None = None
    version: int = field(default=VERSION)

    @property
    def key(self) -> str:
        """Where this manifest lies."""
        return key(self.feed, Slice.of(self.slice), Window.parse(self.window))

    @property
    def is_current(self) -> bool:
        """Whether the Parquet holds exactly these JSON parts."""
        return self.parquet is not None and self.parquet.parts_digest == self.json.digest

    def converted(self, parquet: ParquetSection) -> Manifest:
        """This manifest with its Parquet."""
        return replace(self, parquet=parquet)


def folder(area: str, feed: str, piece: Slice, window: Window) -> str:
    """``json/<feed>/symbol=BTCUSDT/date=2026-11-22``: the hive folder of a unit's files."""
    date = f"date={window.start:%Y-%m-%d}"
    return "/".join(filter(None, (area, feed, piece.path, date)))


def key(feed: str, piece: Slice, window: Window) -> str:
    """``manifests/<feed>/symbol=BTCUSDT/date=2026-11-22/<window>.json``."""
    return f"{folder('manifests', feed, piece, window)}/{window.name}.json"


def parse_key(manifest_key: str) -> tuple[str, Slice, Window]:
    """The inverse of ``key``: feed, slice and window, whether anything was committed or not."""
    area, _, rest = manifest_key.partition("/")
    feed, *pieces = rest.split("/")
    try:
        *folders, _date, name = pieces
        piece, window = Slice.parse("/".join(folders)), Window.parse(name.removesuffix(".json"))
        if area == "manifests" and key(feed, piece, window) == manifest_key:
            return feed, piece, window
    except ValueError:
        pass
    raise UsageError(f"{manifest_key!r} is not a window's manifest: manifests/<feed>/...json")


def write(manifest: Manifest, *, storage: Storage) -> None:
    """Commit *manifest*: from now on readers see its files."""
    # Never sorted: the slice's names come in the feed's order, and so do the key's folders.
    body = json.dumps(asdict(manifest), indent=1).encode()
    storage.put(manifest.key, body + b"\n", metadata={"Content-Type": "application/json"})


def read(manifest_key: str, *, storage: Storage) -> Manifest | None:
    """The manifest at *manifest_key*, or None where nothing was committed."""
    body = storage.read(manifest_key)
    return None if body is None else _parse(body, where=storage.uri(manifest_key))


def staged(keys: Iterable[str], *, storage: Storage) -> Iterator[str]:
    """Those of *keys* whose window was fetched and whose JSON is still kept."""
    for each in keys:
        found = read(each, storage=storage)
        if found and not found.json.removed:
            yield each


def read_all(feed: str, *, storage: Storage) -> Iterator[Manifest]:
    """Every committed manifest of *feed*, in the order of slices and windows."""
    for found in storage.list(f"manifests/{feed}"):
        # Compacted days have theirs in the same folders: see ``days``.
        manifest = None if found.endswith(".day.json") else read(found, storage=storage)
        if manifest is not None:
            yield manifest


def _parse(body: bytes, *, where: str) -> Manifest:
    try:
        raw: dict[str, Any] = json.loads(body)
        if raw["version"] != VERSION:
            raise ValueError(f"version {raw['version']!r}")
        staged = raw["json"] | {"parts": tuple(Part(**part) for part in raw["json"]["parts"])}
        staged["missed"] = tuple(staged["missed"]) if staged.get("missed") else None
        staged["new_fields"] = tuple(staged.get("new_fields", ()))
        parquet = raw["parquet"]
        if parquet is not None:
            ranges = {name: tuple(ends) for name, ends in parquet["key_range"].items()}
            parquet = ParquetSection(**parquet | {"key_range": ranges})
        return Manifest(**raw | {"json": JsonSection(**staged), "parquet": parquet})
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise UsageError(
            f"{where} is not a manifest of version {VERSION} ({wrong!r}); extract the window again"
        ) from None
