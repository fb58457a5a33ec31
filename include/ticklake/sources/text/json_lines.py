"""NDJSON: one JSON value a line, as it was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from include.ticklake.errors import MalformedPageError
from include.ticklake.model import nesting
from include.ticklake.model.record import Record
from include.ticklake.sources.json.array_splitter import split_whole_array
from include.ticklake.sources.text.reader import check_utf8, too_long, without_bom

_VALUE = msgspec.json.Decoder(msgspec.Raw)
_SPACE = b" \t\r"


class JsonLines:
    """The records of one text; iterate over it once, to the end.

    A line is one value, or blank: ``MalformedPageError`` names the line that is neither.
    """

    def __init__(self, chunks: Iterable[bytes], *, max_record_bytes: int) -> None:
        self.body_bytes = 0
        self._chunks = chunks
        self._max_bytes = max_record_bytes
        self._line = 1

    def __iter__(self) -> Iterator[Record]:
        """Every record, in the order of the text."""
        pending = b""
        for chunk in without_bom(self._counted()):
            end = chunk.rfind(b"\n") + 1
            if not end:
                pending += chunk
                self._check_length(pending)
                continue
            block, pending = pending + chunk[:end], chunk[end:]
            yield from self._records(block)
        yield from self._records(pending)

    def _counted(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.body_bytes += len(chunk)
            yield chunk

    def _records(self, block: bytes) -> Iterator[Record]:
        """The records of *block*, which ends with a line."""
        check_utf8(block, first_line=self._line)
        for line in block.split(b"\n"):
            if text := line.strip(_SPACE):
                self._check_length(text)
                yield self._record(text)
            self._line += 1
        self._line -= 1  # what follows its last line break belongs to the next block

    def _record(self, text: bytes) -> Record:
        try:
            record = _VALUE.decode(text)
        except msgspec.DecodeError:
            record = self._odd_record(text)
        except RecursionError:
            raise self._error("is nested too deep") from None
        if b"\r" in text:
            raise self._error("has a carriage return inside its value")
        if nesting.is_too_deep(text):
            raise self._error(f"is nested too deep: more than {nesting.MAX_LEVELS} levels")
        return record

    def _odd_record(self, text: bytes) -> Record:
        """The record in *text*, where that has ``NaN`` or half of a surrogate pair."""
        try:
            records = split_whole_array(b"[" + text + b"]")
        except (msgspec.MsgspecError, RecursionError):
            records = []
        if len(records) != 1:
            raise self._error("is not one JSON value")
        return records[0]

    def _error(self, problem: str) -> MalformedPageError:
        return MalformedPageError(f"line {self._line} {problem}")

    def _check_length(self, text: bytes) -> None:
        if len(text) > self._max_bytes:
            raise too_long(self._line, self._max_bytes)
