"""The address of a file, with placeholders for the slice and the window's time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import SplitResult, quote, unquote, urlsplit

from include.ticklake.errors import UsageError
from include.ticklake.feed.address import check_base_url, check_path
from include.ticklake.feed.placeholders import placeholder_names, placeholders, render
from include.ticklake.feed.window_values import RequestValues
from include.ticklake.model.times import EPOCH
from include.ticklake.model.window import Window

SCHEMES = ("https", "http", "s3", "file")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_ANY_WINDOW = Window(EPOCH, EPOCH + _DAY)
_EXAMPLE = "https://data.example.com/{symbol}/{symbol}-{date}.csv.gz"

TIME_NAMES = {"date": "%Y-%m-%d", "year": "%Y", "month": "%m", "day": "%d", "hour": "%H"}
"""Of the file's own time: placeholder -> its format."""


def check_address(value: str) -> str:
    """*value*; ``ValueError`` unless it is an address that a feed may have."""
    parts = split(value)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"{value!r} is not an address; write one such as {_EXAMPLE}")
    if "{" in parts.netloc or "}" in parts.netloc:
        raise ValueError("a placeholder in the host would let a slice choose it; write it out")
    if parts.scheme in ("http", "https"):
        check_base_url(f"{parts.scheme}://{parts.netloc}")
    elif bool(parts.netloc) != (parts.scheme == "s3") or "@" in parts.netloc:
        raise ValueError(f"{value!r}: write s3://bucket/key or file:///folder/file")
    if parts.query or parts.fragment:
        raise ValueError("an address of a file ends with its path; remove what follows a ? or #")
    if not parts.path.strip("/"):
        raise ValueError(f"{value!r} names no file; write one such as {_EXAMPLE}")
    # Only of web addresses is anything escaped: a key or a file is called what is written.
    check_path(parts.path if parts.scheme in ("http", "https") else parts.path.replace(" ", "_"))
    return value


def split(address: str) -> SplitResult:
    """The parts of *address*, a template or not; ``ValueError`` for what has none."""
    try:
        return urlsplit(address)
    except ValueError:
        raise ValueError(f"{address!r} is not an address; write one such as {_EXAMPLE}") from None


def _step_of(address: str) -> timedelta:
    """A time in which a file at *address* changes at most once; with none in it, the longest."""
    names = placeholder_names(address) & TIME_NAMES.keys()
    if not names:
        return timedelta.max
    return _HOUR if "hour" in names else _DAY


def addresses(
    templates: Sequence[str], values: Mapping[str, str], window: Window
) -> Iterator[list[str]]:
    """The addresses of each file of *window*: the first of *templates*, and those beside it.

    ``UsageError`` where a value of *values* would lead to another folder.
    """
    step = min(_step_of(templates[0]), window.end - window.start)
    moment, last = window.start, ""
    while moment < window.end:
        found = file_at(templates, values, window, moment)
        if found[0] != last:
            yield found
        last, moment = found[0], moment + step


def file_at(
    templates: Sequence[str], values: Mapping[str, str], window: Window, moment: datetime
) -> list[str]:
    """The addresses of the file of *window* that *moment* is in."""
    times = RequestValues(time_values(moment), window)
    return [render_address(_with_times(template, times), values) for template in templates]


def check_value(template: str, name: str, value: str) -> None:
    """Raise ``UsageError`` where *value* for ``{name}`` would lead to another folder."""
    plain = dict.fromkeys(placeholder_names(template), "x") | {name: value}
    file_at([template], plain, _ANY_WINDOW, _ANY_WINDOW.start)


def _with_times(template: str, times: RequestValues) -> str:
    """*template* with the times filled in, as the feed's file writes them: slashes stay."""
    for one in placeholders(template):
        try:
            template = template.replace(one.text, times[one.text[1:-1]])
        except KeyError:  # the value of a slice
            continue
    return template


def time_values(moment: datetime) -> dict[str, str]:
    """The values of the placeholders of time."""
    return {name: moment.strftime(form) for name, form in TIME_NAMES.items()}


def render_address(address: str, values: Mapping[str, str]) -> str:
    """*address* with the placeholders filled, each value in the one folder or name it is in.

    Of a web address values are escaped; elsewhere one with a slash is refused.
    """
    is_web = split(address).scheme in ("http", "https")
    filled = {name: quote(value, safe="") if is_web else value for name, value in values.items()}
    rendered = render(address, filled)
    segments = [unquote(part) if is_web else part for part in _segments(rendered)]
    leads_on = any(part in (".", "..", "") for part in segments)
    if leads_on or len(segments) != len(_segments(address)):
        raise UsageError(
            f"source.address: {address!r} would become {rendered!r}, another folder; change that "
            "value of the slice"
        )
    return rendered


def _segments(address: str) -> list[str]:
    """The folders and the name of *address*, behind its host."""
    rest = address.partition("://")[2].partition("/")[2]
    return rest.replace("\\", "/").split("/")
