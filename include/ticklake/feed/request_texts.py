"""The texts of a request: whether they name what exists, and tell one slice from another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from include.ticklake.errors import UsageError
from include.ticklake.feed.address import render_path
from include.ticklake.feed.http_source import FilePath, HttpSource
from include.ticklake.feed.placeholders import (
    check_body_text,
    check_placeholders,
    is_template,
    placeholder_names,
    placeholders,
)
from include.ticklake.feed.sent_values import is_integer, number_name
from include.ticklake.feed.slice_values import AnySliceValues, known_values, source_value
from include.ticklake.feed.window_values import (
    DATE_NAMES,
    EDGES,
    REQUEST_NAMES,
    WINDOW_PLACEHOLDERS,
    RequestValues,
)
from include.ticklake.model.strict import FieldError
from include.ticklake.model.time_writing import TimeWriter
from include.ticklake.model.times import EPOCH
from include.ticklake.model.window import Window

_ANY_WINDOW = Window(EPOCH, EPOCH + timedelta(hours=1))


def check_request(source: HttpSource, slices: Mapping[str, AnySliceValues]) -> None:
    """Raise ``FieldError`` where the requests of *source* contradict the feed's *slices*."""
    for name in sorted(set(slices) & (REQUEST_NAMES | {*EDGES})):
        raise FieldError("clashes with a built-in placeholder; rename it", path=("slices", name))
    known = (*slices, *WINDOW_PLACEHOLDERS)
    used: set[str] = set()
    for path, text in source.templates():
        try:
            check_placeholders(text, known, has_times=True)
        except ValueError as error:
            raise FieldError(str(error), path=path) from None
        used |= placeholder_names(text)
        _check_clocks(text, source, path)
    for path, text in source.body_texts():
        try:
            check_body_text(text, known)
        except ValueError as error:
            raise FieldError(str(error), path=path) from None
        used |= placeholder_names(text) if is_template(text) else set()
        _check_clocks(text, source, path)
    for path, text in source.texts_sent_as_they_are():
        for one in placeholders(text):
            if one.name in known or one.name in EDGES:
                raise FieldError(
                    f"{one.text} is not filled in here; use it in path, params, body or paging",
                    path=path,
                )
    for name in sorted(set(slices) - used):
        raise FieldError(
            f"{{{name}}} is not used, so every slice would contain the same records; write "
            f"{{{name}}} in source.path, source.params, source.body or source.paging, or remove "
            "the slice",
            path=("slices", name),
        )
    _check_values_in_path(source.path, slices)
    _check_numbers(source, slices)
    _check_clock_of_paging(source)


def _check_clocks(text: str, source: HttpSource, path: FilePath) -> None:
    """Refuse times of which nobody knows whose clock shows them: of the records it is another."""
    for one in placeholders(text) if source.timezone else ():
        is_day = one.name in DATE_NAMES
        is_time = is_day or (one.name in EDGES and "%" in one.form)
        if is_time and not one.zone and (is_day or not TimeWriter.of(one.form).shows_offset):
            own = one.text.replace(one.name, f"{one.name}@{source.timezone}", 1)
            raise FieldError(
                f"{one.text} would be in UTC, and source.timezone is {source.timezone}; write "
                f"{own}, or {own.replace(source.timezone or '', 'UTC')}",
                path=path,
            )


def _check_clock_of_paging(source: HttpSource) -> None:
    """Refuse a format of paging of which nobody knows whose clock it is, where records have one."""
    text = getattr(source.paging, "format", None) or "Z"
    if not source.timezone or getattr(source.paging, "timezone", None) or text.endswith("Z"):
        return
    if not TimeWriter.of(text).shows_offset:
        raise FieldError(
            f"its times would be in UTC, and source.timezone is {source.timezone}; write timezone: "
            f"{source.timezone} beside it, or timezone: UTC",
            path=("source", "paging", "format"),
        )


def _check_numbers(source: HttpSource, slices: Mapping[str, AnySliceValues]) -> None:
    """Refuse values that the body is to send as numbers, and that are none."""
    sent = {number_name(text) or "" for _, text in source.body_texts()}
    for name in sorted(sent & slices.keys()):
        for value in known_values(slices[name]):
            text = source_value(slices[name], value)
            if text and not is_integer(text):
                raise FieldError(
                    f"{text!r} is not a whole number, as which source.body sends it; correct the "
                    f"value, or write {{{name}}} without :d",
                    path=("slices", name),
                )


def fits_path(path: str, name: str, value: str) -> bool:
    """Whether *path* stays the same path with *value* in the place of ``{name}``."""
    try:
        plain = dict.fromkeys(placeholder_names(path), "x") | {name: value}
        render_path(path, RequestValues(plain, _ANY_WINDOW))
    except UsageError:
        return False
    return True


def _check_values_in_path(path: str, slices: Mapping[str, AnySliceValues]) -> None:
    """Refuse values that would make another path of *path*."""
    for name in placeholder_names(path) & set(slices):
        for value in known_values(slices[name]):
            text = source_value(slices[name], value)
            if not fits_path(path, name, text):
                raise FieldError(
                    f"{text!r} would change source.path {path!r}; remove the value, or send it "
                    f"in source.params",
                    path=("slices", name),
                )
