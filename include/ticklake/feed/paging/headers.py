"""What the standard headers of a response say of more records: ``Link`` and ``Content-Range``."""

from __future__ import annotations

import re

from include.ticklake.feed.paging.protocol import PageInfo

# <target>; name=token; name="quoted, with any ; or , inside"
_LINK_PARAMETER = re.compile(r';\s*([^\s=;,"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?')
_LINK = re.compile(
    rf"<([^>]*)>((?:\s*{_LINK_PARAMETER.pattern.replace('(', '(?:').replace('(?:?:', '(?:')})*)"
)

# items 0-99/3573, as RFC 9110 14.4 has it for bytes
_RANGE = re.compile(r"\s*(?:[A-Za-z]+[\s=]+)?\d+-(\d+)/(\d+)\s*")


def next_link(header: str) -> str | None:
    """The target of the link with the relation ``next`` in a ``Link`` header (RFC 8288)."""
    for target, parameters in _LINK.findall(header):
        for name, quoted, token in _LINK_PARAMETER.findall(parameters):
            if name.lower() == "rel" and "next" in (quoted or token).lower().split():
                return str(target)
    return None


def headers_name_more(info: PageInfo) -> bool:
    """Whether a header says that there is more than this page: a next link, a range of a total."""
    if next_link(info.headers.get("Link") or ""):
        return True
    content_range = _RANGE.fullmatch(info.headers.get("Content-Range") or "")
    return content_range is not None and int(content_range[1]) + 1 < int(content_range[2])
