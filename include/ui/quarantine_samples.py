"""The first records of a window's quarantine: read up to a limit, whatever is stored there."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.ticklake.model.sizes import KIB

if TYPE_CHECKING:
    from include.ticklake.lake.storage import Storage

MAX_STORED_BYTES = 64 * KIB
"""Of the object as it is stored, compressed."""
MAX_TEXT_BYTES = 512 * KIB
"""Of its lines: a few bytes can be compressed from a great many."""
MAX_SHOWN_CHARACTERS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineSample:
    """One record that was refused; each text is as it was stored."""

    part: str
    offset: str
    reason: str
    record: str
    cut_bytes: int
    """How many bytes of the record are not shown."""


def read_samples(key: str, *, storage: Storage, most: int) -> list[QuarantineSample]:
    """The first *most* records of the object at *key*; none where there is no such object."""
    try:
        with storage.open_input(key) as stream:
            body = bytes(stream.read(MAX_STORED_BYTES))
    except FileNotFoundError:
        return []
    samples: list[QuarantineSample] = []
    for line in _lines(body):
        if len(samples) == most:
            break
        samples.append(_sample(line))
    return samples


def _lines(body: bytes) -> Iterator[bytes]:
    """The whole lines of a gzip stream that may be cut off, or none at all."""
    try:
        text = zlib.decompressobj(wbits=31).decompress(body, MAX_TEXT_BYTES)
    except zlib.error:
        text = body[:MAX_TEXT_BYTES]  # what is there instead is shown as it is
    *whole, rest = text.split(b"\n")
    yield from whole
    if rest and not whole:
        yield rest


def _sample(line: bytes) -> QuarantineSample:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict):
        text = line.decode(errors="backslashreplace")
        return _cut(text, part="?", offset="?", reason="not a record of a quarantine")
    return _cut(
        _text(entry.get("record")),
        part=_text(entry.get("part"))[:MAX_SHOWN_CHARACTERS],
        offset=_text(entry.get("offset"))[:MAX_SHOWN_CHARACTERS],
        reason=_text(entry.get("reason"))[:MAX_SHOWN_CHARACTERS],
        record_bytes=entry.get("record_bytes"),
    )


def _cut(
    text: str, *, part: str, offset: str, reason: str, record_bytes: object = None
) -> QuarantineSample:
    shown = text[:MAX_SHOWN_CHARACTERS]
    all_bytes = record_bytes if isinstance(record_bytes, int) else len(text.encode())
    cut_bytes = max(all_bytes - len(shown.encode()), 0)
    return QuarantineSample(
        part=part, offset=offset, reason=reason, record=shown, cut_bytes=cut_bytes
    )


def _text(value: object) -> str:
    """*value* without lone surrogates, which no answer can hold."""
    if value is None:
        return "?"
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode(errors="backslashreplace").decode()
