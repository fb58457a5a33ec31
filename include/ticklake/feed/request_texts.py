"""The texts of a request: whether they name what exists, and tell one slice from another."""

from __future__ import annotations

from collections.abc import Mapping

from include.ticklake.errors import UsageError
from include.ticklake.feed.address import render_path
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.placeholders import (
    WINDOW_NAMES,
    check_body_text,
    check_placeholders,
    is_integer,
    is_template,
    number_name,
    placeholder_names,
)
from include.ticklake.feed.slice_values import AnySliceValues, known_values, source_value
from include.ticklake.model.strict import FieldError

_KNOWN_FIRST = ("start_iso", "end_iso", "start_ms", "end_ms", "start_s", "end_s")
WINDOW_PLACEHOLDERS = (*_KNOWN_FIRST, *sorted(WINDOW_NAMES - set(_KNOWN_FIRST)))
"""The names that every request may use, those of most APIs first."""


def check_request(source: HttpSource, slices: Mapping[str, AnySliceValues]) -> None:
    """Raise ``FieldError`` where the requests of *source* contradict the feed's *slices*."""
    for name in sorted(set(slices) & WINDOW_NAMES):
        raise FieldError("clashes with a built-in placeholder; rename it", path=("slices", name))
    known = (*slices, *WINDOW_PLACEHOLDERS)
    used: set[str] = set()
    for path, text in source.templates():
        try:
            check_placeholders(text, known)
        except ValueError as error:
            raise FieldError(str(error), path=path) from None
        used |= placeholder_names(text)
    for path, text in source.body_texts():
        try:
            check_body_text(text, known)
        except ValueError as error:
            raise FieldError(str(error), path=path) from None
        used |= placeholder_names(text) if is_template(text) else set()
    for path, text in source.texts_sent_as_they_are():
        if filled := placeholder_names(text) & set(known):
            raise FieldError(
                f"{{{min(filled)}}} is not filled in here; use it in path, params, body or paging",
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
        render_path(path, dict.fromkeys(placeholder_names(path), "x") | {name: value})
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
