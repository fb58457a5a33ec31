"""Keys and values of a feed file that had another name in development versions of 0.1.0."""

from __future__ import annotations

from fnmatch import fnmatchcase

RENAMED_KEYS = {
    "fields.*.was": "renamed_from",
    "source.bans": "ban_statuses",
    "source.base64": "base64_columns",
    "source.errors.slow_down": "rate_limited",
    "source.paging.from": "start",
    "source.paging.page_params": "next_params",
    "source.rate": "rate_limit",
    "source.rate_limit.budget": "quota",
    "source.rate_limit.per": "quota_period",
}
"""Path of the old key, ``*`` for any name, and the new key at the same place."""

RENAMED_PAGING_KINDS = {
    "header": "header_cursor",
    "link": "link_header",
    "recent": "newest_only",
}


def new_key(path: str) -> str | None:
    """The new name of the key at *path*; None where it never had another."""
    matches = (new for old, new in RENAMED_KEYS.items() if fnmatchcase(path, old))
    return next(matches, None)


def new_value(path: str, value: str) -> str | None:
    """The new name of *value* at *path*; None where it never had another."""
    return RENAMED_PAGING_KINDS.get(value) if path == "source.paging.kind" else None
