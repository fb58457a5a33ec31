"""The address that a feed requests: its host, its path, and the slice's values in the path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from include.ticklake.errors import UsageError
from include.ticklake.feed.placeholders import render

_EXAMPLE = "https://api.example.com"
_MAX_HOST_CHARACTERS = 253
"""The longest name that there can be; Airflow's pools, which are called as hosts, take as much."""
_ORIGIN = re.compile(r"https?://[^\s/?#{}<>\\^`|]+(?=[/?#]|\Z)", re.IGNORECASE)
_NOT_IN_A_PATH = re.compile(r"[\s\x00-\x1f\x7f#\\]")


def check_base_url(value: str) -> str:
    """*value*, scheme and host, without a slash at its end; ``ValueError`` for anything else."""
    try:
        parts = urlsplit(value)
        is_valid = bool(_ORIGIN.match(value) and parts.hostname and parts.port != 0)
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError(f"{value!r} is not an address; write scheme and host: {_EXAMPLE}")
    if len(parts.hostname or "") > _MAX_HOST_CHARACTERS:
        raise ValueError(
            f"a host of {len(parts.hostname or '')} characters; no name is longer than "
            f"{_MAX_HOST_CHARACTERS}"
        )
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"must be scheme and host only, such as {_EXAMPLE}")
    return value.rstrip("/")


def check_token_url(value: str) -> str:
    """*value*, a path or a whole address without a login; ``ValueError`` for anything else."""
    if value.startswith("/") and not value.startswith("//"):
        return check_path(value)
    parts = urlsplit(value)
    check_base_url(f"{parts.scheme}://{parts.netloc}")
    if parts.fragment or _NOT_IN_A_PATH.search(value):
        raise ValueError(f"{value!r} is not an address; write {_EXAMPLE}/oauth/token")
    return value


def check_path(value: str) -> str:
    """*value*, the path of an endpoint; ``ValueError`` for what no request would lead to."""
    if not value.startswith("/"):
        raise ValueError(f"{value!r} does not begin with a slash; write {f'/{value}'!r}")
    if match := _NOT_IN_A_PATH.search(value):
        raise ValueError(f"a path cannot hold {match[0]!r}; write it as {quote(match[0])}")
    if _dot_segment(value):
        raise ValueError(f"{value!r} leads elsewhere by its dots; write the path that is meant")
    return value


def render_path(path: str, values: Mapping[str, str]) -> str:
    """*path* with the placeholders filled, each value in the one segment that it is written in.

    A slash in a value is escaped. Dots cannot be: every client takes ``%2e%2e`` for ``..``,
    so a value that would lead elsewhere by them is refused, and so is none at all.
    """
    rendered = render(path, values, escape=lambda value: quote(value, safe=""))
    empty = path.count("//") < rendered.count("//") or (path[-1:] == "}" and rendered[-1:] == "/")
    if empty or _dot_segment(rendered):
        raise UsageError(
            f"source.path: {path!r} would become {rendered!r}, another path; change that value of "
            "the slice"
        )
    return rendered


def _dot_segment(path: str) -> bool:
    """Whether a segment is one or two dots, which clients and servers take for directions."""
    segments = path.partition("?")[0].split("/")
    return any(unquote(segment) in (".", "..") for segment in segments)
