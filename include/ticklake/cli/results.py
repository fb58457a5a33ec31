"""What a command prints as its results, as they come: JSON lines for programs, a table for people.

A pipe or a file always gets JSON, ``--json`` asks for it on a terminal, too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

import msgspec

from include.ticklake.cli import table
from include.ticklake.cli.terminal import is_terminal, paint
from include.ticklake.model import messages
from include.ticklake.model.messages import Message
from include.ticklake.model.sizes import format_bytes

_NUMBER_WIDTH = 10
_UNITS = ("_bytes", "_rows")
"""What a heading leaves out: the cells say it."""


class ResultTable:
    """Results of one kind, each with the same names; *columns* are those that people see."""

    def __init__(self, args: argparse.Namespace, *columns: str) -> None:
        self._columns = columns
        self._is_json = prints_json(args)
        self._widths: Sequence[int] = ()

    def add(self, result: Message | Mapping[str, object], **more: object) -> None:
        """Print *result*; *more* are values for people, which a program has in another form."""
        if self._is_json:
            if isinstance(result, Message):
                messages.write(result, sys.stdout)
            else:
                print(json.dumps(result), flush=True)
            return
        values = msgspec.structs.asdict(result) if isinstance(result, Message) else dict(result)
        values |= more
        cells = [format_cell(name, values.get(name)) for name in self._columns]
        if not self._widths:
            numbers = [_is_number(values.get(name)) for name in self._columns]
            self._print_headings(cells, numbers)
        print(table.format_row(cells, self._widths), flush=True)

    def _print_headings(self, cells: Sequence[str], numbers: Sequence[bool]) -> None:
        headings = [_heading(name) for name in self._columns]
        self._widths = [
            -max(len(heading), _NUMBER_WIDTH) if is_number else max(len(heading), len(cell))
            for heading, cell, is_number in zip(headings, cells, numbers, strict=True)
        ]
        print(paint(table.format_row(headings, self._widths), "bold"))


def prints_json(args: argparse.Namespace) -> bool:
    """Whether results are for a program."""
    return bool(args.json) or not is_terminal(sys.stdout)


def print_json(value: object) -> None:
    """The one JSON value that is a command's result."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def format_cell(name: str, value: object) -> str:
    """*value* as people read it, by its type and the unit in its *name*."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return format_bytes(value) if name.endswith("_bytes") else f"{value:,}"
    if isinstance(value, Mapping):
        return ",".join(f"{key}={text}" for key, text in value.items())
    return str(value)


def _heading(name: str) -> str:
    for unit in _UNITS:
        name = name.removesuffix(unit)
    return name.replace("_", " ")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
