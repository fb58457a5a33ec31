"""Whether a body is CSV or lines of JSON rather than one JSON value, and how it is written."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import IO

import msgspec

from include.ticklake.scaffold.infer_texts import is_value
from include.ticklake.scaffold.record_form import RecordForm
from include.ticklake.scaffold.sample_records import column_names
from include.ticklake.sources.text.reader import BOM

_LOOKED_AT_BYTES = 64 * 1024
_LOOKED_AT_ROWS = 200
_DELIMITERS = {",": ",", ";": ";", "\t": "tab", "|": "|"}
_LINES = re.compile(r"nd-?json|json-?lines|jsonl|json-seq", re.IGNORECASE)
CSV_TYPE = re.compile(r"csv|tab-separated", re.IGNORECASE)
"""The types of responses that are called CSV."""
_NAME = re.compile(r"[^\W\d][\w .\-/()#%]*")


def text_form(body: IO[bytes], *, content_type: str = "") -> RecordForm | None:
    """The form of a body that is CSV or lines of JSON; None for any other."""
    body.seek(0)
    data = body.read(_LOOKED_AT_BYTES).removeprefix(BOM)
    is_whole = len(data) < _LOOKED_AT_BYTES
    if b"\0" in data:
        return None
    if data.lstrip()[:1] in (b"{", b"["):
        if _LINES.search(content_type) or _are_values(data.split(b"\n"), is_whole=is_whole):
            return RecordForm(records="$", format="ndjson", reason="one JSON value a line")
        return None
    if data.lstrip().startswith((b"<", b'"')) and b"\n" not in data.strip():
        return None
    return None if data.lstrip().startswith(b"<") else csv_form(data, is_whole=is_whole)


def _are_values(lines: Sequence[bytes], *, is_whole: bool) -> bool:
    """Whether there are several lines, and each of the first is a JSON value of its own."""
    whole = [line for line in (lines if is_whole else lines[:-1]) if line.strip()]
    if len(whole) < 2 and (is_whole or not whole):
        return False
    try:
        found = [msgspec.json.decode(line) for line in whole[:3]]
    except msgspec.DecodeError:
        return False
    return all(isinstance(value, dict | list) for value in found)


def csv_form(data: bytes, *, is_whole: bool) -> RecordForm | None:
    """The form of a text that begins with *data*, if that is CSV."""
    try:
        text = data.decode(errors="strict" if is_whole else "ignore")
    except UnicodeDecodeError:
        return None
    for delimiter, word in _DELIMITERS.items():
        rows = _rows(text, delimiter, is_whole=is_whole)
        widths = {len(row) for row in rows}
        if len(widths) != 1 or widths == {1}:
            continue
        has_header = _has_header(rows)
        if not has_header and (_is_prose(rows) or (len(rows) < 2 and widths == {2})):
            continue  # a sentence with a comma in it
        written = {} if word == "," else {"delimiter": word}
        return RecordForm(
            records="$", format="csv", csv=written,
            columns=None if has_header else column_names(widths),
            reason="the first line has the names" if has_header else "there is no line of names",
        )  # fmt: skip
    return None


def why_not_csv(body: IO[bytes]) -> str:
    """What keeps a body that is called CSV from being read as such."""
    body.seek(0)
    data = body.read(_LOOKED_AT_BYTES)
    is_whole = len(data) < _LOOKED_AT_BYTES
    try:
        text = data.removeprefix(BOM).decode(errors="strict" if is_whole else "ignore")
    except UnicodeDecodeError:
        return "it is not UTF-8"
    tables = [[len(row) for row in _rows(text, sign, is_whole=is_whole)] for sign in _DELIMITERS]
    widths = max(tables, key=lambda table: max(table, default=0))
    if not all(tables) and max(widths, default=0) < 2:
        return "it has no rows, or quotes where none belong"
    usual = max(widths, key=widths.count)
    odd = next((number for number, width in enumerate(widths, 1) if width != usual), None)
    if odd is None:
        return "it has one column, or is a text" if usual == 1 else "it is a text"
    return f"row {odd} has {widths[odd - 1]} values, and most have {usual}"


def _rows(text: str, delimiter: str, *, is_whole: bool) -> list[list[str]]:
    """The first rows; the last one only where it is whole."""
    lines = text.splitlines(keepends=True)
    if not is_whole and lines:
        lines.pop()
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter, strict=True) if row]
    except csv.Error:
        return []
    return rows[:_LOOKED_AT_ROWS]


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has names: texts over values, or words that no other row has.

    Over values they may be names that a feed cannot read: then the row is not a record, either.
    """
    first, others = rows[0], rows[1:]
    columns = [*zip(*others, strict=True)]
    if any(all(map(is_value, filter(None, column))) and any(column) for column in columns):
        # A delimiter at the end of each line makes a column of nothing.
        return not any(
            is_value(name) if name.strip() else any(column)
            for name, column in zip(first, columns, strict=True)
        )
    are_words = all(_NAME.fullmatch(name) and not is_value(name) for name in first)
    is_distinct = len(set(map(str.lower, first))) == len(first)
    return are_words and is_distinct and all(name not in row for row in others for name in first)


def _is_prose(rows: Sequence[Sequence[str]]) -> bool:
    """Whether there are only texts, and some of several words: sentences with commas."""
    cells = [cell.strip() for row in rows for cell in row]
    return any(" " in cell for cell in cells) and not any(map(is_value, cells))
