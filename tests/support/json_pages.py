"""JSON bodies, read by the reader of all pages."""

from __future__ import annotations

from collections.abc import Iterable

from include.ticklake.sources.json.page_reader import JsonPageReader
from tests.support.json_texts import (
    chunks,
)

MIB = 1024 * 1024


def reading(
    body: bytes | Iterable[bytes], *, sizes: list[int] | None = None, **options
) -> JsonPageReader:
    pieces = chunks(body, sizes or [64 * 1024]) if isinstance(body, bytes) else body
    return JsonPageReader(pieces, **{"records": "$", "max_record_bytes": MIB} | options)


def read(body: bytes, *, sizes: list[int] | None = None, **options) -> list[str]:
    return [bytes(record).decode() for record in reading(body, sizes=sizes, **options)]
