"""Manifests of windows in every state that the summary tells apart, without their files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from include.ticklake.lake import layout
from include.ticklake.lake.manifest import (
    JsonSection,
    Manifest,
    ParquetSection,
    Part,
    SupersededSet,
)
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from tests.support import manifests

HAPPENINGS = (
    "staged", "unfinished", "gap", "quarantined", "superseded", "json_removed", "parquet_removed",
)  # fmt: skip
"""What may be true of a window besides that it was fetched; several may."""


@dataclass(frozen=True, kw_only=True)
class WindowKind:
    """What is true of a window."""

    happened: frozenset[str] = frozenset()
    rows: int = 10
    reasons: tuple[str, ...] = ("price: is not a number",)
    """Of its quarantined records."""

    @classmethod
    def of(cls, *happened: str, rows: int = 10) -> WindowKind:
        assert set(happened) <= set(HAPPENINGS)
        return cls(happened=frozenset(happened), rows=rows)


def put(feed: str, unit: Unit, kind: WindowKind, *, storage: Storage) -> Manifest:
    """Commit a manifest of *kind* for *unit*, and its quarantine; return the manifest."""
    committed = build(feed, unit, kind)
    if committed.parquet and committed.parquet.quarantine_key:
        lines = [json.dumps({"reason": reason}) for reason in kind.reasons]
        storage.put(committed.parquet.quarantine_key, quarantine_body(lines))
    return manifests.put(committed, storage=storage)


def quarantine_body(lines: Collection[str]) -> bytes:
    """A quarantine object of *lines*."""
    return gzip.compress("".join(f"{line}\n" for line in lines).encode())


def build(feed: str, unit: Unit, kind: WindowKind) -> Manifest:
    """A manifest of *kind* for *unit*."""
    staged = _json_section(feed, unit, [1], kind)
    parquet = None
    if "staged" not in kind.happened:
        parquet = _parquet_section(feed, unit, staged, kind)
    earlier = _json_section(feed, unit, [0], WindowKind())
    superseded = SupersededSet(json=earlier, superseded_at_ms=unit.window.end_ms)
    return Manifest(
        feed=feed,
        slice=unit.slice.as_dict(),
        window=unit.window.name,
        json=staged,
        parquet=parquet,
        superseded=(superseded,) if "superseded" in kind.happened else (),
    )


def _json_section(feed: str, unit: Unit, numbers: Sequence[int], kind: WindowKind) -> JsonSection:
    happened, window = kind.happened, unit.window
    return JsonSection(
        received_rows=kind.rows * len(numbers),
        out_of_window_rows=0,
        duplicate_rows=0,
        lost_range=(window.start_ns, window.start_ns + 1) if "gap" in happened else None,
        pages=1,
        page_bytes=100,
        host="api.example.com",
        fetched_at_ms=None,
        parts=tuple(_part(feed, unit, number, kind.rows) for number in numbers),
        removed="json_removed" in happened,
        unfinished_until_ms=window.end_ms if "unfinished" in happened else None,
        number=numbers[0] + 1,
    )


def _part(feed: str, unit: Unit, number: int, rows: int) -> Part:
    sha256 = f"{number + 16:02x}" * 32
    return Part(
        key=layout.part_key(feed, unit.slice, unit.window, number=number, sha256=sha256),
        rows=rows,
        json_bytes=100 * rows,
        gzip_bytes=10 * rows,
        sha256=sha256,
        first_event_ns=unit.window.start_ns,
        last_event_ns=unit.window.start_ns,
    )


def _parquet_section(
    feed: str, unit: Unit, staged: JsonSection, kind: WindowKind
) -> ParquetSection:
    refused = len(kind.reasons) if "quarantined" in kind.happened else 0
    rows, at_ns = staged.rows - refused, unit.window.start_ns
    return ParquetSection(
        key=layout.parquet_key(feed, unit.slice, unit.window) if rows else None,
        rows=rows,
        parquet_bytes=20 * rows,
        sha256="cd" * 32 if rows else None,
        row_groups=1 if rows else 0,
        quarantine_key=(layout.quarantine_key(feed, unit.slice, unit.window) if refused else None),
        quarantined_rows=refused,
        first_event_ns=at_ns if rows else None,
        last_event_ns=at_ns if rows else None,
        key_range={},
        sorted=True,
        parts_digest=staged.digest,
        removed="parquet_removed" in kind.happened,
    )
