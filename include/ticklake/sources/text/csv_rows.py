"""CSV: a row becomes a JSON object of the columns' names, each value its own text.

CSV has no types, so a value stays what is written: ``007``, ``1.50`` and ``1e5`` are the texts
"007", "1.50" and "1e5", which a field reads by its type, digit by digit. A value of nothing is
null, and one of two quotes is an empty text. A row with another number of values than there are
columns becomes a JSON array of its values, which conversion quarantines: nothing is shifted.

Blocks without a quote are split at native speed; others value by value, by the rules of RFC 4180.
Quotes around a value that needs none are taken off before: what is left is a block without.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from include.ticklake.errors import MalformedPageError
from include.ticklake.model.record import Record
from include.ticklake.sources.text.csv_columns import CsvColumns
from include.ticklake.sources.text.reader import check_utf8, too_long, without_bom

log = logging.getLogger(__name__)

_MAX_NAMED = 5
"""Rows that do not fit, of which the log has a line each; of the others, their number."""


_EMPTY = b"\0"
"""An empty text in a block without quotes, in which nothing else is that."""
_ESCAPED = re.compile(rb'["\\\x00-\x1f\x7f-\xff]')
"""What is written otherwise in JSON, or may not be UTF-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvDialect:
    """How a CSV text is written."""

    delimiter: bytes = b","
    quote: bytes = b'"'
    """Empty where quotes are letters like others."""


class CsvRows:
    """The records of one text; iterate over it once, to the end.

    ``MalformedPageError`` names the line of what is not CSV.
    """

    def __init__(
        self,
        chunks: Iterable[bytes],
        *,
        columns: CsvColumns,
        dialect: CsvDialect,
        max_record_bytes: int,
        where: str = "",
    ) -> None:
        self.body_bytes = 0
        self.misfits = 0
        """Rows so far that have another number of values than there are columns."""
        self._chunks, self._columns = chunks, columns
        self._delimiter, self._quote = dialect.delimiter, dialect.quote
        self._max_bytes, self._where = max_record_bytes, where
        self._line = 1
        plain_control = re.escape(self._delimiter)
        self._special = re.compile(
            rb'["\\%b]|(?!%b)[\x00-\x09\x0b-\x1f]' % (re.escape(self._quote), plain_control)
        )
        self._needs_no_quotes = _needless_quotes_pattern(dialect)
        self._value = _value_pattern(dialect)

    def __iter__(self) -> Iterator[Record]:
        """Every record, in the order of the text."""
        pending, least_bytes = b"", 0
        for chunk in without_bom(self._counted()):
            pending += chunk
            # A row longer than a block is looked at again when it has doubled.
            if len(pending) < least_bytes and len(pending) <= self._max_bytes:
                continue
            records, used = self._rows(pending, is_last=False)
            yield from records
            pending = pending[used:]
            self._check_length(pending)
            least_bytes = 2 * len(pending)
        if pending:
            yield from self._rows(pending, is_last=True)[0]
        self._columns.check_header(is_read=self.body_bytes > 0)
        if self.misfits > _MAX_NAMED:
            log.warning(
                "csv.misfits rows=%d: conversion quarantines all of them (%s)",
                self.misfits, self._where,
            )  # fmt: skip

    def _counted(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.body_bytes += len(chunk)
            yield chunk

    def _rows(self, text: bytes, *, is_last: bool) -> tuple[Sequence[Record], int]:
        """The records of the whole rows in *text*, and how many bytes these have."""
        if self._columns.needs_header:
            return self._by_value(text, is_last=is_last)
        end = len(text) if is_last else text.rfind(b"\n") + 1
        if (block := self._without_quotes(text[:end])) is None:
            return self._by_value(text, is_last=is_last)
        return self._plain(block), end

    def _without_quotes(self, text: bytes) -> bytes | None:
        """Whole rows in which every comma and line break is one; None where quotes are needed."""
        block = text.replace(b"\r\n", b"\n") if b"\r" in text else text
        if not self._special.search(block):
            return block
        if not self._needs_no_quotes.fullmatch(block):
            return None
        bare = block.replace(self._quote, b"")
        if self._special.search(bare):
            return None
        empty = self._quote * 2  # a text of nothing, which is not the same as no value
        return block.replace(empty, _EMPTY).replace(self._quote, b"") if empty in block else bare

    def _plain(self, block: bytes) -> Sequence[Record]:
        """The records of *block*, in which every comma and line break is one."""
        check_utf8(block, first_line=self._line)
        lines = block.removesuffix(b"\n").split(b"\n") if block else []
        full = [line for line in lines if line] if b"\n\n" in block or b"" in lines[:1] else lines
        delimiter, template = self._delimiter, self._columns.template
        try:
            if len(block) > self._max_bytes:
                raise TypeError
            # No name and no value has a quote of its own here, so what is replaced is a value.
            records = [
                Record((template % tuple(line.split(delimiter))).replace(b':""', b":null"))
                for line in full
            ]
        except TypeError:  # a row with another number of values than the template takes
            return list(self._one_by_one(lines))
        self._line += len(lines)
        if _EMPTY in block:
            return [Record(bytes(record).replace(b'"%b"' % _EMPTY, b'""')) for record in records]
        return records

    def _one_by_one(self, lines: Iterable[bytes]) -> Iterator[Record]:
        for line in lines:
            self._check_length(line)
            if line:
                values = [
                    b'"%b"' % value.replace(_EMPTY, b"") if value else b"null"
                    for value in line.split(self._delimiter)
                ]
                yield self._record(values, line=self._line)
            self._line += 1

    def _by_value(self, text: bytes, *, is_last: bool) -> tuple[Sequence[Record], int]:
        check_utf8(text[: text.rfind(b"\n") + 1], first_line=self._line)
        records: list[Record] = []
        at = 0
        while at < len(text):
            end = text.find(b"\n", at) + 1
            bare = (
                self._without_quotes(text[at:end])
                if end and not self._columns.needs_header
                else None
            )
            if bare is not None:
                records += self._plain(bare)
                at = end
                continue
            row = self._row(text, at, is_last=is_last)
            if row is None:
                break
            values, end = row
            is_blank = not text[at:end].strip(b"\r\n")
            if not is_blank:
                self._check_length(text[at:end])
                if self._columns.needs_header:
                    self._columns.read_header(values, line=self._line)
                else:
                    records.append(self._record(values, line=self._line))
            self._line += text.count(b"\n", at, end)
            at = end
        return records, at

    def _row(self, text: bytes, at: int, *, is_last: bool) -> tuple[list[bytes], int] | None:
        """The values of the row at *at* as JSON, and where it ends; None where it is cut."""
        values = []
        while (found := self._value.match(text, at)) is not None:
            quoted, plain, separator = found.groups()
            if not separator and not is_last:
                return None
            values.append(self._json(quoted, plain))
            at = found.end()
            if separator != self._delimiter:
                return values, at
        if is_last or not self._may_go_on(text, at):
            raise MalformedPageError(f"line {self._line}: {self._problem(text, at)}")
        return None

    def _json(self, quoted: bytes | None, plain: bytes) -> bytes:
        if quoted is None:
            if not plain:
                return b"null"
            text = plain
        else:
            text = quoted.replace(self._quote * 2, self._quote)
        if not _ESCAPED.search(text):
            return b'"%b"' % text
        try:
            return msgspec.json.encode(text.decode())
        except UnicodeDecodeError:
            raise MalformedPageError(f"invalid UTF-8 in the row of line {self._line}") from None

    def _may_go_on(self, text: bytes, at: int) -> bool:
        """Whether more text may make a value of what is at *at*."""
        if self._quote and text.startswith(self._quote, at):
            rest = text[at + 1 :].replace(self._quote * 2, b"")
            _, quote, after = rest.partition(self._quote)
            return not quote or after in (b"", b"\r")
        return text.endswith(b"\r") and text.find(b"\r", at) == len(text) - 1

    def _problem(self, text: bytes, at: int) -> str:
        advice = "correct source.csv (delimiter, quote)"
        if self._quote and text.startswith(self._quote, at):
            rest = text[at + 1 :].replace(self._quote * 2, b"")
            if self._quote not in rest:
                return f"the text ends inside of quotes that open in this row; {advice}"
            return f"something follows the closing quote of a value; {advice}"
        plain = re.compile(rb"[^%b\r\n]*+" % re.escape(self._delimiter)).match(text, at)
        inside = plain[0] if plain else b""
        if self._quote and self._quote in inside:
            return f"a quote in a value that does not begin with one; {advice}, or `quote: none`"
        return f"a carriage return in a value without quotes; {advice}"

    def _record(self, values: Sequence[bytes], *, line: int) -> Record:
        if (record := self._columns.record(values)) is not None:
            return record
        self.misfits += 1
        if self.misfits <= _MAX_NAMED:
            log.warning(
                "csv.misfit line=%d: %d values, and there are %s; conversion quarantines the row "
                "(%s)",
                line, len(values), self._columns, self._where,
            )  # fmt: skip
        return Record(b"[" + b",".join(values) + b"]")

    def _check_length(self, text: bytes) -> None:
        if len(text) > self._max_bytes:
            hint = ", or its quotes do not close" if self._quote in text else ""
            raise too_long(self._line, self._max_bytes, hint=hint if self._quote else "")


def _needless_quotes_pattern(dialect: CsvDialect) -> re.Pattern[bytes]:
    """Rows in which each quote opens or closes a value that needs none.

    It holds no quote and no separator. So the first quote opens a value, the next one closes it,
    and with what follows it is the same again: nothing else than these can have a quote.
    """
    delimiter, quote = re.escape(dialect.delimiter), re.escape(dialect.quote)
    if not quote:
        return re.compile(rb"(?!)")
    other = rb"[^%b]*+" % quote
    opening = rb"%b(?<![^%b\n]%b)" % (quote, delimiter, quote)
    inside = rb"[^%b%b\r\n]*+" % (delimiter, quote)
    closing = rb"%b(?=[%b\n]|\Z)" % (quote, delimiter)
    return re.compile(rb"(?:%b%b%b%b)*+%b" % (other, opening, inside, closing, other))


def _value_pattern(dialect: CsvDialect) -> re.Pattern[bytes]:
    """A value and what follows it: quoted, or else plain, then a separator, nothing at the end."""
    delimiter, quote = re.escape(dialect.delimiter), re.escape(dialect.quote)
    plain = rb"([^%b%b\r\n]*+)" % (delimiter, quote)
    quoted = rb"%b((?:[^%b]++|%b%b)*+)%b" % ((quote,) * 5) if quote else rb"(?!)()"
    return re.compile(rb"(?:%b|%b)(%b|\r?\n|\Z)" % (quoted, plain, delimiter))
