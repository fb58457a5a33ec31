"""Records as sources may send them, for hypothesis, each with what must become of it.

What is expected is known from the Python values that a record is made of, not from
reading it: no code under test has a say in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests.support.json_texts import SCALARS, arrays, objects
from tests.support.staged_factory import WINDOW, feed

FEED = feed(
    {
        "number": {"from": "n", "type": "int64"},
        "price": {"from": "p", "type": "decimal(18,8)"},
        "wide": {"from": "o.w", "type": "decimal(76,30)"},
        "note": {"from": "s", "type": "string", "required": True},
        "truth": {"from": "b", "type": "bool"},
        "kept": {"from": "j", "type": "json"},
        "at": {"from": "t", "type": "timestamp", "unit": "us", "event_time": True},
    },
    may_be_outside=True,  # a page of such records only is legal here
)
COLUMN_OF = {"n": "number", "p": "price", "o": "wide", "s": "note", "b": "truth", "j": "kept",
             "t": "at"}  # fmt: skip

HOUR_US = range(WINDOW.start_ms * 1000, WINDOW.end_ms * 1000)
_SHOWN_CHARACTERS = 40
_EXACT = Context(prec=100)


@dataclass(frozen=True, slots=True)
class Member:
    """A name and its value's text; what the row has there, or why there is no row."""

    name: str
    text: str
    value: Any = None
    reason: str | None = None
    outside: bool = False
    """Whether it is a time of another window."""


@dataclass(frozen=True, slots=True)
class Case:
    """A record's text, and where it must be found again."""

    text: str
    row: dict[str, Any] | None = None
    """In the Parquet; None where it must not be there."""
    reasons: frozenset[str] = frozenset()
    """In the quarantine, for one of these: each of them is true."""
    outside: bool = False
    """In neither, but counted: another window's."""


def _mostly(
    good: st.SearchStrategy[Any], other: st.SearchStrategy[Any], *, one_in: int = 12
) -> st.SearchStrategy[Any]:
    """*good*, and *other* once in so many: hypothesis gives all of a choice the same weight."""
    return st.integers(0, one_in - 1).flatmap(lambda n: other if n == one_in // 2 else good)


def _shown(text: str) -> str:
    if text.startswith("{"):
        return "an object"
    if text.startswith("["):
        return "an array"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _refused(name: str, text: str, why: str) -> Member:
    return Member(name, text, reason=f"{COLUMN_OF[name]}: {_shown(text)} {why}")


NOTHING = ["null", '""']
NO_NUMBERS = ["true", "[1]", '{"a":1}', '"x"', '"1_0"', '" 1"', '"NaN"', '"0x1f"']
NUMBERS = (
    st.integers(-(2**66), 2**66).map(Decimal)
    | st.integers(-(10**23), 10**23).map(Decimal)
    | st.builds(
        lambda digits, places: Decimal(digits).scaleb(-places),
        st.integers(-(10**17), 10**17) | st.integers(-(10**27), 10**27),
        st.integers(0, 34),
    )
    | st.sampled_from(
        list(map(Decimal, ["0", "-1", "1e-30", "1e-31", "1e-900", "1e45", "1e46", "-9.99e300"]))
    )
)


def _spelled(number: Decimal, spelling: int) -> str:
    text = f"{number:f}" if spelling % 2 and abs(number.adjusted()) < 99 else f"{number:E}"
    return f'"{text}"' if spelling > 1 else text


def _number(name: str, what: str, *, integers: int, scale: int) -> st.SearchStrategy[Member]:
    """Numbers of any size; those under 10**integers with *scale* places fit."""

    def member(number: Decimal, spelling: int) -> Member:
        text, exact = _spelled(number, spelling), Fraction(number)
        if abs(exact) >= 10**integers:
            return _refused(name, text, f"is too large for {what}")
        if (exact * 10**scale).denominator != 1:
            return _refused(name, text, f"has more digits after the point than {what} holds")
        if what == "int64" and not -(2**63) <= exact < 2**63:
            return _refused(name, text, f"is too large for {what}")
        return Member(name, text, int(exact) if what == "int64" else number)

    limit = 2**63 if what == "int64" else 10 ** (integers + scale)
    fitting = st.integers(1 - limit, limit - 1).map(lambda n: Decimal(n).scaleb(-scale, _EXACT))
    odd = st.sampled_from(
        [Member(name, text) for text in NOTHING]
        + [_refused(name, text, "is not a number") for text in NO_NUMBERS]
    )
    good = st.builds(member, fitting, st.integers(0, 3))
    return _mostly(good, st.builds(member, NUMBERS, st.integers(0, 3)) | odd)


def _inner(member: Member) -> Member:
    """*member* as the value ``w`` of an object."""
    return Member("o", f'{{"x":1,"w":{member.text}}}', member.value, member.reason)


def _texts() -> st.SearchStrategy[Member]:
    def member(text: str, ascii_only: bool) -> Member:
        return Member("s", json.dumps(text, ensure_ascii=ascii_only), text)

    letters = st.characters(exclude_categories=["Cs"])
    found = st.builds(member, st.text(letters, max_size=8), st.booleans())
    half = r'"\ud83d"'
    odd = st.sampled_from(
        [
            Member("s", "null", reason="note: there is no value at 's'"),
            Member("s", '""', ""),
            _refused("s", "5", "is not a string"),
            _refused("s", "[]", "is not a string"),
            _refused("s", half, "is not text: half of a surrogate pair"),
        ]
    )
    return _mostly(found, odd)


def _times() -> st.SearchStrategy[Member]:
    def member(at_us: int, source_values: str) -> Member:
        inside = at_us in HOUR_US
        return Member(
            "t", source_values.format(at_us), at_us if inside else None, outside=not inside
        )

    inside = st.integers(HOUR_US[0], HOUR_US[-1])
    near = st.sampled_from([HOUR_US[0] - 1, HOUR_US[-1] + 1, HOUR_US[0], HOUR_US[-1]])
    odd = [_refused("t", text, "is not a number") for text in NO_NUMBERS]
    odd += [Member("t", text, reason="at: there is no value at 't'") for text in NOTHING]
    odd += [_refused("t", text, "in us lies outside the years 2009 to 2100") for text in "07"]
    good = st.builds(member, inside, st.sampled_from(["{}", '"{}"', "{}.0"]))
    other = st.builds(member, near, st.just("{}")) | st.sampled_from(odd)
    return _mostly(good, other, one_in=8)


ODD_OBJECTS = [
    Member("o", "null"),
    Member("o", "{}"),
    Member("o", "5", reason="'o' is 5, not an object"),
    Member("o", "[5]", reason="'o' is an array, not an object"),
    Member("o", '{"w":1,"x":[{"w":2}],"w":1}', reason="'o.w' occurs 2 times"),
]
TRUTHS = [
    *[Member("b", "true", True), Member("b", "false", False)] * 8,
    Member("b", "null"),
    _refused("b", '"yes"', "is not a bool"),
    _refused("b", "2", "is not a bool"),
]
_FLAT = SCALARS | arrays(SCALARS, max_size=2) | objects(SCALARS, max_size=2)
JSON = (
    SCALARS
    | _FLAT
    | objects(_FLAT, max_size=2)
    | st.sampled_from([r'"\ud83d"', r'{"\uDE00": ["\\ud83d", "\ue000\ud83d"]}'])
)

MEMBERS: dict[str, st.SearchStrategy[Member]] = {
    "n": _number("n", "int64", integers=19, scale=0),
    "p": _number("p", "decimal(18,8)", integers=10, scale=8),
    "o": _mostly(
        _number("o", "decimal(76,30)", integers=46, scale=30).map(_inner),
        st.sampled_from(ODD_OBJECTS),
    ),
    "s": _texts(),
    "b": st.sampled_from(TRUTHS),
    "j": JSON.map(lambda text: Member("j", text, None if text == "null" else text)),
    "unknown": JSON.map(lambda text: Member("unknown", text)),
    "t": _times(),
}
_RARELY_THERE = [name for name in MEMBERS if name not in ("s", "t")]

NO_OBJECTS = [
    Case(text, reasons=frozenset([f"the record is {_shown(text)}, not an object"]))
    for text in ("[1]", "null", "7.50", '"x"', "[]")
]


@st.composite
def _objects(draw: st.DrawFn) -> Case:
    """A record, most of whose names stand there once."""
    chosen = draw(st.integers(0, 2 ** len(_RARELY_THERE) - 1))
    names = ["s", "t", *(name for n, name in enumerate(_RARELY_THERE) if chosen >> n & 1)]
    oddity = draw(st.integers(0, 63)) - 20
    if 0 <= oddity < len(MEMBERS):
        names.append(list(MEMBERS)[oddity])  # which may be there already
    elif oddity in (20, 21):
        names.remove("st"[oddity - 20])
    found = [draw(MEMBERS[name]) for name in names]
    start = draw(st.integers(0, max(len(found) - 1, 0)))
    return case([*found[start:], *found[:start]])


def case(members: Sequence[Member]) -> Case:
    """The record of *members*, in their order."""
    text = "{" + ", ".join(f'"{one.name}":{one.text}' for one in members) + "}"
    times = [one for one in members if one.name == "t"]
    if times and times[-1].outside:
        return Case(text, outside=True)
    if reasons := frozenset(_reasons(members)):
        return Case(text, reasons=reasons)
    row: dict[str, Any] = dict.fromkeys(COLUMN_OF.values())
    row |= {COLUMN_OF[one.name]: one.value for one in members if one.name in COLUMN_OF}
    if row["kept"] is not None:
        row["kept"] = one_line(text, row["kept"])
    return Case(text, row=row)


def _reasons(members: Sequence[Member]) -> Iterator[str]:
    """Every reason why these are no row."""
    for name in COLUMN_OF:
        mine = [one for one in members if one.name == name]
        if len(mine) > 1 and name != "j":
            yield f"{name!r} occurs {len(mine)} times"
        elif mine and mine[-1].reason:
            yield mine[-1].reason
        elif not mine and name in "st":
            yield f"{COLUMN_OF[name]}: there is no value at {name!r}"


def one_line(record: str, text: str) -> str:
    """*text*, a piece of *record*, as it is staged: a record with a line break loses its spaces."""
    if "\n" not in record and "\r" not in record:
        return text
    return re.sub(r'("(?:[^"\\]|\\.)*")|\s+', r"\1", text)


_RECORDS = _mostly(_objects(), st.sampled_from(NO_OBJECTS))
PAGES = _mostly(st.lists(_RECORDS, min_size=1, max_size=4), st.just([]))
"""Records that come in one answer; now and then none."""
