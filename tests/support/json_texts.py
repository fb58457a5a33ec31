"""JSON as sources write it, for hypothesis: any values, any spelling, any white space."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal

from hypothesis import strategies as st

_DIGITS = st.text("0123456789", min_size=1, max_size=30)
_SIZES = st.integers(-(10**30), 10**30).map(str) | st.sampled_from(
    ["0", "-0", "1", "1498793709153"]
)
NUMBERS = _SIZES | st.builds(
    "{}.{}{}".format, _SIZES, _DIGITS, st.sampled_from(["", "e5", "E-07", "e+300", "E1234"])
)
"""Integers of any size, many digits behind the point, e-notation; never rewritten."""

STRINGS = st.builds(
    json.dumps,
    st.text(st.sampled_from('[]{},:"\\/ \t\naé€😀0'), max_size=8)
    | st.text(max_size=8).filter(lambda text: not re.search("[\ud800-\udfff]", text)),
    ensure_ascii=st.booleans(),
) | st.sampled_from([r'"\/"', r'"\u0000"', r'"A"', r'"\\u0020"', r'"\ud83d\ude00"'])

SPACES = st.sampled_from(["", " ", "\n  ", "\t", "\r\n"])

SCALARS = NUMBERS | STRINGS | st.sampled_from(["true", "false", "null"])


def joined(opening: str, items: Iterable[str], closing: str, space: str) -> str:
    inside = f"{space},{space}".join(items)
    return f"{opening}{space}{inside}{space}{closing}"


def arrays(items: st.SearchStrategy[str], *, max_size: int = 4) -> st.SearchStrategy[str]:
    """Texts of arrays of *items*."""
    many = st.lists(items, max_size=max_size)
    return st.builds(joined, st.just("["), many, st.just("]"), SPACES)


def objects(values: st.SearchStrategy[str], *, max_size: int = 4) -> st.SearchStrategy[str]:
    """Texts of objects with *values*; names do not repeat."""
    pairs = st.dictionaries(st.sampled_from(list("abcd€")) | st.text(max_size=3), values,
                            max_size=max_size)  # fmt: skip
    names = pairs.map(lambda found: [f"{json.dumps(name)}:{text}" for name, text in found.items()])
    return st.builds(joined, st.just("{"), names, st.just("}"), SPACES)


VALUES = st.recursive(SCALARS, lambda inner: arrays(inner) | objects(inner), max_leaves=5)
"""Texts of any JSON value."""

RECORDS = objects(VALUES) | arrays(objects(SCALARS)) | VALUES
"""Texts of what a source may send as a record."""


def chunks(body: bytes, sizes: list[int]) -> list[bytes]:
    """*body* in pieces of *sizes*, again and again; a size of 0 is an empty piece."""
    pieces, at, turn = [], 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        pieces.append(body[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


CHUNK_SIZES = st.one_of(
    st.just([1]),
    st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any),
    st.just([1 << 20]),
)


def exact(text: str | bytes) -> object:
    """The value of a JSON text, every digit kept; what is no JSON raises ``ValueError``."""
    return json.loads(text, parse_float=Decimal, parse_constant=_no_number)


def minified(text: str) -> str:
    """*text* without the white space around its tokens."""
    return re.sub(r'("(?:[^"\\]|\\.)*")|\s+', r"\1", text)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
