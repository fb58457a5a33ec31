"""The commit of a unit: one small JSON object that names its files and accounts for every record.

``extract`` writes its ``json`` section, ``convert`` its ``parquet`` section; each is one
PUT, so readers see the old state or the new one. It holds nothing that differs between
two runs over the same data: no clock, no duration, no host name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

import msgspec

from include.ticklake.errors import UsageError
from include.ticklake.lake import layout, manifest_checks
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

VERSION = 1


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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


class JsonSection(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"out_of_window_rows": "outside_rows", "lost_range": "missed"},
):
    """The ``json`` section: received = rows + out_of_window_rows + duplicate_rows."""

    received_rows: int
    out_of_window_rows: int
    """Outside the window, or candles that were not over yet."""
    duplicate_rows: int
    lost_range: tuple[int, int] | None = None
    """Event times, in nanoseconds, that a source without history no longer had."""
    pages: int
    page_bytes: int
    """Decompressed bytes of all pages."""
    host: str
    fetched_at_ms: int | None
    """Only for snapshots, whose event time is the time of fetching."""
    parts: tuple[Part, ...]
    removed: bool = False
    """Whether retention removed the parts: the counts are of what was there."""
    new_fields: tuple[str, ...] = ()
    """Names in the records that no field reads."""
    unfinished_until_ms: int | None = None
    """Fetched before the window, or a candle that opens in it, was over: when all of it is."""

    @property
    def rows(self) -> int:
        """Records in the parts."""
        return sum(part.rows for part in self.parts)

    @property
    def digest(self) -> str:
        """Names this set of parts: the sha256 of their sha256s."""
        return hashlib.sha256("\n".join(p.sha256 for p in self.parts).encode()).hexdigest()


class ParquetSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
    """``JsonSection.digest`` of the parts that this Parquet holds."""
    removed: bool = False
    """Whether retention removed the Parquet."""

    @property
    def is_pending(self) -> bool:
        """Whether the file waits for the next compaction of a day that has the window otherwise."""
        return self.key is not None and self.key.startswith(f"{layout.Area.PENDING}/")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The files of one (feed, slice, window) and the account of its records."""

    feed: str
    slice: dict[str, str]
    window: str
    json: JsonSection
    parquet: ParquetSection | None = None
    version: int = VERSION

    @property
    def key(self) -> str:
        """The key of this manifest."""
        return layout.manifest_key(self.feed, Slice.of(self.slice), Window.parse(self.window))

    @property
    def is_current(self) -> bool:
        """Whether the Parquet holds exactly these JSON parts."""
        return self.parquet is not None and self.parquet.parts_digest == self.json.digest

    def require_parquet(self) -> ParquetSection:
        """The Parquet section; ``UsageError`` where the window is not converted yet."""
        if self.parquet is None:
            raise UsageError(f"{self.key}: the window is not converted yet; `convert` it first")
        return self.parquet

    def converted(self, parquet: ParquetSection) -> Manifest:
        """This manifest with its Parquet."""
        return msgspec.structs.replace(self, parquet=parquet)


def write(manifest: Manifest, *, storage: Storage) -> None:
    """Commit *manifest*: from now on readers see its files."""
    # Never sorted: the slice's names come in the feed's order, and so do the key's folders.
    plain = msgspec.to_builtins(manifest)
    if manifest.json.unfinished_until_ms is None:  # older versions know no such name
        del plain["json"]["unfinished_until_ms"]
    body = json.dumps(plain, indent=1).encode()
    storage.put(manifest.key, body + b"\n", metadata={"Content-Type": "application/json"})


def read(manifest_key: str, *, storage: Storage) -> Manifest | None:
    """The manifest at *manifest_key*, or None where nothing was committed.

    ``CorruptManifestError`` where it is damaged, or names what is not of its unit.
    """
    body = storage.read(manifest_key)
    if body is None:
        return None
    try:
        manifest = manifest_checks.decode(body, Manifest)
        if manifest.version != VERSION:
            raise ValueError(f"its version is {manifest.version}, and this ticklake has {VERSION}")
        manifest_checks.check_window(manifest, key=manifest_key)
    except ValueError as error:
        uri = storage.uri(manifest_key)
        raise manifest_checks.corrupt(manifest_key, uri=uri, problem=error) from None
    return manifest


def staged(keys: Iterable[str], *, storage: Storage) -> Iterator[str]:
    """Yield those of *keys* whose window was fetched and whose JSON is still kept."""
    for key in keys:
        manifest = read(key, storage=storage)
        if manifest and not manifest.json.removed:
            yield key


def read_all(feed: str, *, storage: Storage) -> Iterator[Manifest]:
    """Yield every committed manifest of *feed*, in the order of slices and windows."""
    for key in storage.list(layout.feed_folder(layout.Area.MANIFESTS, feed)):
        manifest = None if layout.is_day_manifest(key) else read(key, storage=storage)
        if manifest is not None:
            yield manifest
