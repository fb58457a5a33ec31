"""The kernel's structures and functions, as ``json_lines.c`` and ``column_facts.c`` have them."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_uint64, c_void_p
from functools import cache
from typing import Any

from include.ticklake.kernel.build import ensure_library

MAX_UNITS = 8


class Bytes(ctypes.Structure):
    """A text and its length."""

    _fields_ = (("bytes", c_char_p), ("length", c_int64))


class NullDecimal(ctypes.Structure):
    """A number that stands for no value."""

    _fields_ = (("digits", c_uint64), ("exponent", c_int32), ("is_negative", c_int32))


class ColumnPlan(ctypes.Structure):
    """How a column is read."""

    _fields_ = (
        ("kind", c_int32),
        ("takes_numbers", c_int32),
        ("digits", c_int32),
        ("scale", c_int32),
        ("null_texts", c_int32),
        ("null_numbers", c_int32),
        ("null_doubles", c_int32),
        ("null_text", POINTER(Bytes)),
        ("null_number", POINTER(NullDecimal)),
        ("null_double", POINTER(c_double)),
        ("units", c_int32),
        ("shifts", c_int32 * MAX_UNITS),
        ("per_second", c_int64),
        ("plausible_first_s", c_int64),
        ("plausible_end_s", c_int64),
        ("first", c_int64),
        ("end", c_int64),
        ("early", c_int64),
        ("few", c_int64),
    )


class Node(ctypes.Structure):
    """A name that is read."""

    _fields_ = (
        ("name", Bytes),
        ("column", c_int32),
        ("raw", c_int32),
        ("first_child", c_int32),
        ("children", c_int32),
        ("first_slot", c_int32),
        ("slots", c_int32),
        ("is_plain", c_int32),
        ("position", c_int32),
        ("quoted_bytes", c_int64),
        ("head", c_uint64),
        ("mask", c_uint64),
        ("tail", c_uint64),
    )


class Plan(ctypes.Structure):
    """All columns, and the names on the way to them."""

    _fields_ = (
        ("nodes", POINTER(Node)),
        ("columns", POINTER(ColumnPlan)),
        ("slots", POINTER(c_int32)),
        ("texts", POINTER(c_int32)),
        ("required", POINTER(c_int32)),
        ("node_count", c_int32),
        ("column_count", c_int32),
        ("text_count", c_int32),
        ("required_count", c_int32),
        ("has_raw", c_int32),
        ("unused", c_int32),
        ("powers", POINTER(c_uint64)),
    )


class Output(ctypes.Structure):
    """Where the values of a column go."""

    _fields_ = (("valid", c_void_p), ("values", c_void_p), ("starts", c_void_p))


class Facts(ctypes.Structure):
    """What is compared of a column."""

    _fields_ = (
        ("rows", c_uint64),
        ("nulls", c_uint64),
        ("hashes", c_uint64),
        ("digest", c_uint64),
    )


class ColumnPiece(ctypes.Structure):
    """Some rows of a column, and the facts that they count in."""

    _fields_ = (
        ("facts", POINTER(Facts)),
        ("bits", c_int32),
        ("unused", c_int32),
        ("valid", c_void_p),
        ("values", c_void_p),
        ("text", c_void_p),
        ("first", c_int64),
        ("rows", c_int64),
    )


class Keys(ctypes.Structure):
    """What the hashes of one process depend on."""

    _fields_ = (
        ("start", c_uint64),
        ("factor", c_uint64),
        ("end", c_uint64),
        ("place", c_uint64),
    )


@cache
def kernel() -> Any:  # noqa: ANN401 - functions as ctypes has them
    """The library; ``KernelMissingError`` where it is not compiled and cannot be.

    Python's lock is free while a function of it runs.
    """
    library = ctypes.CDLL(str(ensure_library()))
    library.ticklake_index.argtypes = [POINTER(Plan)]
    library.ticklake_index.restype = None
    library.ticklake_parse.argtypes = [
        POINTER(Plan), c_char_p, c_int64, c_int64, POINTER(Output), c_void_p, POINTER(c_int32),
    ]  # fmt: skip
    library.ticklake_parse.restype = c_int64
    library.ticklake_text.argtypes = [c_char_p, c_int64, c_int64, c_void_p, c_void_p, c_void_p]
    library.ticklake_text.restype = None
    library.ticklake_longest.argtypes = [c_char_p, c_int64, POINTER(c_int64)]
    library.ticklake_longest.restype = c_int64
    library.ticklake_count.argtypes = [c_char_p, c_int64]
    library.ticklake_count.restype = c_int64
    library.ticklake_add_facts.argtypes = [POINTER(ColumnPiece), c_int64, POINTER(Keys)]
    library.ticklake_add_facts.restype = None
    return library
