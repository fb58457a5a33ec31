"""The commit of a unit: one small JSON object that names its files and accounts for every record.

``extract`` writes its ``json`` section, ``convert`` its ``parquet`` section; each is one
PUT, so readers see the old state or the new one. It replaces the version that was read and no
other: who loses the race reads again and decides again.

A set of parts that another one superseded stays named, and in the lake, until it expires. No
number of a part is used twice in a unit, so a part that the manifest does not name and whose
number is below ``free_number`` will never be named again: anybody may delete it at any time.

It holds nothing that differs between two runs over the same data, no duration and no host name;
a clock only where a set was superseded. What has its default value is left out of the text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec

from include.ticklake.errors import CorruptManifestError, RetryableError, UsageError
from include.ticklake.lake import layout, manifest_checks
from include.ticklake.lake.storage import JSON_METADATA, Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

VERSION = 1
ATTEMPTS = 5
"""How often a lost race is read and decided again."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One staged JSON object."""

    key: str
    rows: int
    json_bytes: int
    """Text before gzip."""
    gzip_bytes: int
    sha256: str
    """Of the gzip."""
    first_event_ns: int | None
    last_event_ns: int | None
    """Least and greatest event time, nanoseconds since 1970; None where none is readable."""
    fetched_at_ms: int | None = None
    """Only where it was fetched at another time than ``JsonSection.fetched_at_ms``."""
    from_feed: str | None = None  # the feed whose ``into`` names that of the manifest


class JsonSection(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"out_of_window_rows": "outside_rows", "lost_range": "missed"},
):
    """received = rows + out_of_window_rows + duplicate_rows + filtered_rows (by ``where``)."""

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
    filtered_rows: int = 0
    number: int = 1
    """Counts the sets of the unit; a set that was superseded keeps its number."""

    @property
    def rows(self) -> int:
        """Records in the parts."""
        return sum(part.rows for part in self.parts)

    @property
    def digest(self) -> str:
        """Names this set of parts: the sha256 of their sha256s."""
        return hashlib.sha256("\n".join(p.sha256 for p in self.parts).encode()).hexdigest()


class SupersededSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A set of parts that another one took the place of: kept until it expires."""

    json: JsonSection
    superseded_at_ms: int


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
    superseded: tuple[SupersededSet, ...] = ()
    """Oldest first."""
    next_part: int | None = None
    """The least number that no part of the unit ever had; None where its parts say that."""
    version: int = VERSION

    @property
    def key(self) -> str:
        """The key of this manifest."""
        return layout.manifest_key(self.feed, Slice.of(self.slice), Window.parse(self.window))

    @property
    def is_current(self) -> bool:
        """Whether the Parquet holds exactly these JSON parts."""
        return self.parquet is not None and self.parquet.parts_digest == self.json.digest

    @property
    def is_retired(self) -> bool:
        """Whether the unit is empty because its records were cut again."""
        is_empty = not self.json.parts and not self.json.removed and self.parquet is None
        return is_empty and self.next_part is not None

    @property
    def json_sections(self) -> tuple[JsonSection, ...]:
        """The current set and all superseded ones."""
        return (self.json, *(superseded.json for superseded in self.superseded))

    @property
    def free_number(self) -> int:
        """The least number that no part of the unit ever had."""
        keys = [part.key for section in self.json_sections for part in section.parts]
        return max([self.next_part or 0, *(manifest_checks.part_number(key) + 1 for key in keys)])

    def require_parquet(self) -> ParquetSection:
        """The Parquet; ``UsageError`` where the window is not converted yet."""
        if self.parquet is None:
            raise UsageError(f"{self.key}: the window is not converted yet; `convert` it first")
        return self.parquet

    def converted(self, parquet: ParquetSection) -> Manifest:
        """This manifest with its Parquet."""
        return msgspec.structs.replace(self, parquet=parquet)


_DECODER = msgspec.json.Decoder(Manifest)


def write(manifest: Manifest, *, storage: Storage, expect: str | None) -> str:
    """Commit *manifest* in place of version *expect*, None for none; return its version.

    From then on readers see its files. ``LostRaceError`` where another one is there by now.
    """
    try:
        return write_first(manifest, storage=storage, expect=expect)
    except LostRaceError:
        # Also where the answer to our own write was lost, and the client wrote again.
        now = storage.read_versioned(manifest.key)
        if now is None or now.body != _encode(manifest):
            raise
        return now.version


def write_first(manifest: Manifest, *, storage: Storage, expect: str | None) -> str:
    """``write``; ``LostRaceError`` also where another process has written the very same."""
    return storage.put_if(manifest.key, _encode(manifest), expect=expect, metadata=JSON_METADATA)


def update(
    manifest_key: str, decide: Callable[[Manifest], Manifest | None], *, storage: Storage
) -> Manifest | None:
    """Commit what *decide* makes of the manifest at *manifest_key*, and return it.

    After a lost race it decides again. None where there is no manifest, or it decides for None.
    """
    for _ in range(ATTEMPTS):
        found = read_versioned(manifest_key, storage=storage)
        changed = decide(found[0]) if found else None
        if found is None or changed is None:
            return None
        with suppress(LostRaceError):
            write(changed, storage=storage, expect=found[1])
            return changed
    raise lost_too_often(manifest_key, storage=storage)


def lost_too_often(manifest_key: str, *, storage: Storage) -> RetryableError:
    """What to raise where others changed the manifest in each of the attempts."""
    return RetryableError(
        f"{storage.uri(manifest_key)}: others changed it {ATTEMPTS} times in between; run this "
        "again, and run one at a time"
    )


def read(manifest_key: str, *, storage: Storage) -> Manifest | None:
    """The manifest at *manifest_key*, or None where nothing was committed.

    ``CorruptManifestError`` where it is damaged, or names what is not of its unit.
    """
    found = read_versioned(manifest_key, storage=storage)
    return found[0] if found else None


def read_versioned(manifest_key: str, *, storage: Storage) -> tuple[Manifest, str] | None:
    """``read``, and the version that was read, for ``write``."""
    stored = storage.read_versioned(manifest_key)
    if stored is None:
        return None
    try:
        manifest = manifest_checks.decode(stored.body, _DECODER)
        if manifest.version != VERSION:
            raise ValueError(f"its version is {manifest.version}, and this ticklake has {VERSION}")
        manifest_checks.check_window(manifest, key=manifest_key)
    except ValueError as error:
        uri = storage.uri(manifest_key)
        raise manifest_checks.corrupt(manifest_key, uri=uri, problem=error) from None
    return manifest, stored.version


def is_staged(key: str, *, storage: Storage) -> bool:
    """Whether the window of the manifest at *key* was fetched and its JSON is still kept.

    Also if the manifest is damaged: its conversion reports that.
    """
    try:
        manifest = read(key, storage=storage)
    except CorruptManifestError:
        return True
    return manifest is not None and not manifest.json.removed


def read_all(feed: str, *, storage: Storage) -> Iterator[Manifest]:
    """Yield every committed manifest of *feed*, in the order of slices and windows."""
    for key in storage.list(layout.feed_folder(layout.Area.MANIFESTS, feed)):
        manifest = None if layout.is_day_manifest(key) else read(key, storage=storage)
        if manifest is not None:
            yield manifest


def _encode(manifest: Manifest) -> bytes:
    # Never sorted: the slice's names come in the feed's order, and so do the key's folders.
    return json.dumps(_plain(manifest), indent=1).encode() + b"\n"


def _plain(manifest: Manifest) -> dict[str, Any]:
    """*manifest* without what older versions do not know, where that has its default."""
    plain: dict[str, Any] = msgspec.to_builtins(manifest)
    _drop_defaults(plain, next_part=None, superseded=())
    for section in (plain["json"], *(entry["json"] for entry in plain.get("superseded", ()))):
        _drop_defaults(section, unfinished_until_ms=None, filtered_rows=0, number=1)
        for part in section["parts"]:
            _drop_defaults(part, fetched_at_ms=None, from_feed=None)
    return plain


def _drop_defaults(plain: dict[str, Any], **defaults: object) -> None:
    for name, default in defaults.items():
        if plain[name] == default:
            del plain[name]
