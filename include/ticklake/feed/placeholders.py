"""Placeholders such as ``{symbol}``, which bring the slice and the window into a request.

A placeholder is a name in braces, and may say how its value is written: ``{start:%Y-%m-%d}`` in a
format, ``{start@Asia/Seoul:%Y%m%d}`` in the time of a zone, ``{pool:d}`` as a number of a JSON
body, ``{start_ms:s}`` as a text of it. ``window_values.py`` says which names a window has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from include.ticklake.errors import FeedFileError, did_you_mean
from include.ticklake.feed.window_values import DATE_NAMES, EDGES
from include.ticklake.model.time_writing import TimeWriter
from include.ticklake.model.time_zones import check_zone

_NAME = re.compile(
    r"\{(?P<name>\w+)(?:@(?P<zone>[\w+/-]+))?(?::(?P<form>[ds]|[^{}]*%[^{}]*))?\}", re.ASCII
)
_BRACES = re.compile(r"\{+[^{}]*\}*|\}")
_MAX_LISTED = 10
_MAX_JSON_DEPTH = 50
_JSON = re.compile(r'\{\s*"[^{}]*\}')


class Placeholder(NamedTuple):
    """One placeholder, taken apart; what it does not say is empty."""

    text: str
    name: str
    zone: str
    form: str
    """``d``, ``s``, or a format of a time."""


def placeholders(text: str) -> Iterator[Placeholder]:
    """Yield the placeholders in *text*."""
    for match in _NAME.finditer(text):
        yield Placeholder(match[0], match["name"], match["zone"] or "", match["form"] or "")


def placeholder_names(text: str) -> set[str]:
    """The names of the placeholders in *text*."""
    return {one.name for one in placeholders(text)}


def only_placeholder(text: str) -> tuple[str, str]:
    """Name and form of the placeholder that is all of *text*; empty where it is anything else."""
    only = _NAME.fullmatch(text)
    return (only["name"], only["form"] or "") if only else ("", "")


def check_placeholders(text: str, known: Collection[str], *, has_times: bool = False) -> None:
    """Raise ``ValueError`` for every brace in *text* but those of placeholders in *known*.

    Where it *has_times*, the edges of the window in a format are known, too.
    Braces of JSON are not placeholders: ``{"symbol": "{symbol}"}``.
    """
    for one in placeholders(text):
        is_time = "%" in one.form or one.zone
        if has_times and is_time and (one.name in EDGES or one.name in DATE_NAMES):
            _check_time(one)
        elif one.name not in known:
            hint = did_you_mean(one.name, known) or f"; known: {_listed(known)}"
            if has_times and one.name in EDGES:
                hint = f"; say in which form: {{{one.name}:%Y-%m-%d}}, {{{one.name}_ms}}"
            raise ValueError(f"unknown placeholder {one.name!r} in {text!r}{hint}")
        elif is_time:
            raise ValueError(
                f"{one.text!r} in {text!r} is not a time, and takes no format; times are "
                "{start:%Y-%m-%d}, {end:...}, {last:...}, {before:...}"
            )
    if other := _other_braces(text):
        raise ValueError(
            f"{other!r} in {text!r} is not a placeholder, which is a name in braces, for a time "
            f"with a format: {{start:%Y-%m-%d}}; known: {_listed(known)}"
        )


def _check_time(time: Placeholder) -> None:
    """Raise ``ValueError`` where *time* has a zone or a format that there is not."""
    try:
        if time.name in DATE_NAMES and time.form:
            raise ValueError(f"a date has its format; write {{{DATE_NAMES[time.name]}:...}}")
        if time.name in EDGES and not time.form:
            raise ValueError("it needs a format, such as %Y-%m-%d")
        TimeWriter.of(time.form or "%Y-%m-%d", check_zone(time.zone) if time.zone else None)
    except ValueError as error:
        raise ValueError(f"{time.text}: {error}") from None


def is_template(text: str) -> bool:
    """Whether placeholders are filled in *text* of a body: no other braces are there.

    ``query { trades { id } }`` is GraphQL, and sent as it is.
    """
    return not _other_braces(text)


def check_body_text(text: str, known: Collection[str]) -> None:
    """As ``check_placeholders``; but a text with other braces is one to be sent as it is."""
    if is_template(text):
        check_placeholders(text, known, has_times=True)
    elif names := placeholder_names(text) & set(known):
        name = min(names)
        raise ValueError(
            f"{{{name}}} is not filled in, since the text has other braces; send the value in a "
            f"text of its own, such as a variable, or write {{ {name} }} where no value is meant"
        )


def _other_braces(text: str) -> str:
    """The first brace of *text*, and what is in it, that is neither a placeholder nor JSON."""
    rest = _NAME.sub("", text)
    for _ in range(_MAX_JSON_DEPTH):  # each round removes the innermost braces
        without_json = _JSON.sub("", rest)
        if without_json == rest:
            break
        rest = without_json
    if "{" not in rest and "}" not in rest:
        return ""
    braces = (match[0] for match in _BRACES.finditer(text))
    return next((part for part in braces if not _NAME.fullmatch(part)), text)


def _listed(names: Collection[str]) -> str:
    shown = [f"{{{name}}}" for name in islice(names, _MAX_LISTED)]
    return ", ".join(shown + ["..."] * (len(names) > _MAX_LISTED)) or "none"


def render(
    text: str, values: Mapping[str, str], *, escape: Callable[[str], str] | None = None
) -> str:
    """*text* with every placeholder replaced by its value, which *escape* may change."""

    def value(match: re.Match[str]) -> str:
        is_time = match["zone"] or "%" in (match["form"] or "")
        found = values[match[0][1:-1] if is_time else match["name"]]
        return escape(found) if escape else found

    try:
        return _NAME.sub(value, text)
    except KeyError as unknown:
        known = ", ".join(sorted(values))
        raise FeedFileError(
            f"unknown placeholder {unknown.args[0]!r} in {text!r}; known: {known}"
        ) from None
