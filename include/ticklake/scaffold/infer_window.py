"""Find the times in a URL, and the placeholders that take their place in a feed.

A time in a URL is a window: written into a feed as it is, every run would request the same
hour. It becomes the window's start or end by its name, by what the page shows, or by its
position; what no placeholder can express becomes one that ``feeds --check`` refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from include.ticklake.model import times
from include.ticklake.model.times import TimeUnit
from include.ticklake.scaffold.name_words import words
from include.ticklake.scaffold.window_names import (
    Role,
    is_exclusive,
    is_other_name,
    is_reversible,
    may_be_zero,
    role_of,
)

UNKNOWN = "{to_choose}"
"""Not a placeholder of a feed, so that ``feeds --check`` refuses a draft with it."""

_YEARS = (2000, 2099)
_UNITS: dict[int, TimeUnit] = {9: "s", 10: "s", 12: "ms", 13: "ms", 16: "us", 19: "ns"}
_TIME = re.compile(
    r"(?<![\w.])(?:\d{4}-\d\d-\d\d(?:[T ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?"
    r"(?:Z|[ +-]\d\d(?::?\d\d)?)?)?|\d{8}T\d{4,6}(?:\.\d+)?Z?|\d{9,19}(?:\.\d+)?)(?!\w|\.\d)",
    re.IGNORECASE,
)
_OTHER_DATE = re.compile(
    r"\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d|(?:19|20)\d\d[-./]\d{1,2}(?:[-./]\d{1,2})?|"
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?:\d{4,6})?|"
    r"(?:[a-z]{3,9},? )?\d{1,2} [a-z]{3,9} (?:19|20)\d\d(?: .*)?|"
    r"[a-z]{3,9} \d{1,2},? (?:19|20)\d\d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeParam:
    """A parameter, or a part of the path, that holds a time."""

    name: str
    value: str
    role: Role | None
    unit: TimeUnit | None
    """How its time is written; None where a feed cannot write it so."""
    template: str
    """What a feed sends instead."""
    note: str

    @property
    def is_exclusive(self) -> bool:
        """Whether records at that very time may not be included, by the name."""
        return is_exclusive(self.name)


def time_params(
    pairs: Sequence[tuple[str, str]],
    *,
    events_ns: tuple[int, int] | None = None,
    unit: TimeUnit | None = None,
) -> dict[str, TimeParam]:
    """The time parameters of *pairs* by name.

    *events_ns* are the page's first and last time, *unit* is how it writes them.
    """
    found = [
        param for name, value in pairs if (param := _param(name, value) or _zero(name, value, unit))
    ]
    found = _by_position([_checked(param, events_ns, found) for param in found])
    return {param.name: _with_template(param) for param in found}


def time_path(path: str) -> tuple[str, list[TimeParam]]:
    """*path* with placeholders for the times in it, and what they were."""
    path = re.sub(r"/(?:19|20)\d\d/[01]?\d/[0-3]?\d(?=/|$)", _joined_day, path)
    segments = path.split("/")
    pairs = [(before, value) for before, value in zip(["", *segments], segments, strict=False)]
    found = [(number, param) for number, (name, value) in enumerate(pairs)
             if (param := _param(name, value))]  # fmt: skip
    params = _by_position([param for _, param in found])
    kept = []
    for (number, _), param in zip(found, params, strict=True):
        if param.role is None and param.unit not in ("iso", None):
            continue  # a number without a word before it may be an id
        kept.append(_with_template(param))
        segments[number] = kept[-1].template
    return "/".join(segments), kept


def is_time(name: str, value: str) -> bool:
    """Whether the parameter *name*, or the part of a path after *name*, holds a time."""
    return _param(name, value) is not None


def _joined_day(match: re.Match[str]) -> str:
    """``/2026/11/22`` as one segment."""
    year, month, day = match[0].strip("/").split("/")
    return f"/{year}-{month:0>2}-{day:0>2}"


def _param(name: str, value: str) -> TimeParam | None:
    """The parameter, if its value holds a time; its role is what the name says."""
    if is_other_name(name):
        return None
    param = TimeParam(name=name, value=value, role=role_of(name), unit=None, template="", note="")
    if match := _TIME.fullmatch(value):
        unit = _unit(match[0])
        return replace(param, unit=unit) if unit else None
    if _OTHER_DATE.fullmatch(value) or (value.isdecimal() and words(name)[-1:] == ["year"]):
        return param
    if value.isdecimal() and len(value) <= 2 and words(name)[-1:] in (["month"], ["day"], ["week"]):
        return param
    inside = [match[0] for match in _TIME.finditer(value) if _unit(match[0])]
    return replace(param, note="inside") if inside and len(value) < 500 else None


def _zero(name: str, value: str, unit: TimeUnit | None) -> TimeParam | None:
    """``since=0``, which means all records there are: a start in the unit of the page's times."""
    is_start = role_of(name) == "start" and may_be_zero(name)
    if value != "0" or unit not in times.PER_SECOND or not is_start:
        return None
    return TimeParam(name=name, value=value, role="start", unit=unit, template="", note="")


def _unit(text: str) -> TimeUnit | None:
    whole = text.partition(".")[0]
    if whole.isdecimal():
        unit = _UNITS.get(len(whole))
        return unit if unit and _ns(text, unit) is not None else None
    return "iso" if _ns(text, "iso") is not None else None


def _ns(text: str, unit: TimeUnit) -> int | None:
    """Nanoseconds since 1970; a plus sign that the URL's decoding turned into a blank is known."""
    plain = re.sub(r" (\d\d:?\d\d)$", r"+\1", text) if len(text) > 16 and unit == "iso" else text
    instant = times.parse(plain, unit="float_s" if unit == "s" and "." in text else unit)
    first_ns, after_ns = times.plausible_range(_YEARS, unit="ns")
    return instant.ns if instant and first_ns <= instant.ns < after_ns else None


def _checked(
    param: TimeParam, events_ns: tuple[int, int] | None, others: Iterable[TimeParam]
) -> TimeParam:
    """*param* with the role that the page shows: its records are all after it, or all before it.

    ``after`` means later to most APIs and older to some, so there the page decides.
    """
    at_ns = _ns(param.value, param.unit) if param.unit else None
    if at_ns is None or events_ns is None or _is_day(param.value):
        return param
    is_before, is_after = at_ns <= events_ns[0], at_ns >= events_ns[1]
    if param.role is None and is_before != is_after:
        return replace(param, role="start" if is_before else "end")
    if is_reversible(param.name) and is_before != is_after and not _are_as_named(others):
        return replace(param, role="start" if is_before else "end")
    return param


def _is_day(text: str) -> bool:
    """Whether *text* is a day: all of its records are after its start, whatever it means."""
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None


def _are_as_named(params: Iterable[TimeParam]) -> bool:
    """Whether the parameters called a start are before those called an end."""
    values = {param.role: _ns(param.value, param.unit) for param in params if param.unit}
    start_ns, end_ns = values.get("start"), values.get("end")
    return start_ns is not None and end_ns is not None and start_ns < end_ns


def _by_position(params: list[TimeParam]) -> list[TimeParam]:
    """*params*, where two without a role in a row, the earlier time first, are start and end."""
    unknown = [param for param in params if param.role is None and param.unit]
    if len(unknown) == 2 and len(params) == 2:
        first, second = (_ns(param.value, param.unit or "iso") or 0 for param in unknown)
        if first < second:
            return [replace(params[0], role="start"), replace(params[1], role="end")]
    return params


def _with_template(param: TimeParam) -> TimeParam:
    if param.note == "inside":
        return _with_inner_templates(param)
    if param.unit is None or param.role is None:
        return replace(
            param, template=UNKNOWN,
            note=f"{param.value} is one time forever; choose a placeholder such as {{start_iso}}, "
            "or request the window by other parameters: until then feeds --check refuses this",
        )  # fmt: skip
    note = f"was {param.value}, the {param.role} of a window"
    if param.unit == "iso" and not re.search(r"T.*Z$", param.value):
        note += "; check that the API reads 2026-11-22T05:00:00Z, too"
    return replace(param, template=_placeholder(param.role, param.unit, param.name), note=note)


def _with_inner_templates(param: TimeParam) -> TimeParam:
    """The placeholders for times inside a longer value: ``1700000000,1700003600``."""
    found = [match for match in _TIME.finditer(param.value) if _unit(match[0])]
    roles: list[Role | None] = [_role_before(param, match) for match in found]
    if len(found) == 2 and None in roles:
        first, second = (_ns(match[0], _unit(match[0]) or "iso") or 0 for match in found)
        roles = ["start", "end"] if first < second else roles
    text, at = "", 0
    for match, role in zip(found, roles, strict=True):
        unit = _unit(match[0]) or "iso"
        template = _placeholder(role, unit, param.name) if role else UNKNOWN
        text += param.value[at : match.start()] + template
        at = match.end()
    note = f"was {param.value}"
    if UNKNOWN in text:
        note += "; choose a placeholder such as {start_iso}: until then feeds --check refuses this"
    return replace(param, template=text + param.value[at:], note=note, role=None, unit=None)


def _role_before(param: TimeParam, match: re.Match[str]) -> Role | None:
    """What the words or signs before a time inside a value say, or the parameter's name."""
    before = param.value[max(0, match.start() - 40) : match.start()]
    if signs := re.findall(r"[<>]", before):
        return "start" if signs[-1] == ">" else "end"
    named = words(before)
    return (role_of(named[-1]) or role_of("_".join(named[-2:]))) if named else param.role


def _placeholder(role: Role, unit: TimeUnit, name: str) -> str:
    """The placeholder that includes the window's edge, whether or not the API does.

    Records outside the window are dropped later, so a range that is too wide loses nothing:
    the end is the first instant after the window, and ``after`` is the last one before it.
    """
    if role == "start" and unit != "iso" and is_exclusive(name):
        return f"{{before_{unit}}}"
    return f"{{{role}_{unit}}}"


def starts_and_ends(
    params: Mapping[str, TimeParam],
) -> tuple[TimeParam | None, TimeParam | None]:
    """The one start and the one end that are numbers; None where there is none, or several."""
    numeric = [param for param in params.values() if param.unit in times.PER_SECOND]
    starts = [param for param in numeric if param.role == "start"]
    ends = [param for param in numeric if param.role == "end"]
    return (starts[0] if len(starts) == 1 else None), (ends[0] if len(ends) == 1 else None)
