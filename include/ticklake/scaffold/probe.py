"""Draft a feed file from the URLs of pages; everything inferred is marked ``guess``.

A page is spooled to disk and read twice: once for its structure, once through the reader
that the feed will use. Memory holds a sample of its records, whatever its size.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.feed.limits import Limits
from include.ticklake.scaffold.draft_pages import draft_pages
from include.ticklake.scaffold.merge_urls import merge_urls
from include.ticklake.scaffold.second_page import with_paging_seen
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.request import HttpRequest


def probe(
    *urls: str,
    records: str | None = None,
    limits: Limits | None = None,
    asks_second_page: bool = True,
) -> str:
    """The text of a feed file for *urls*, pages of one endpoint; *records* is their path, if known.

    The paging that is inferred is tried, unless only the *urls* may be requested.
    Raises the error that a response means, or ``UsageError`` where no feed can be drafted.
    """
    address, bounds = merge_urls(urls), limits or Limits()
    with ExitStack() as stack, transport.HttpSession() as session:
        bodies = [stack.enter_context(tempfile.TemporaryFile()) for _ in urls]
        headers = [
            _fetch(url, body, session=session, limits=bounds)
            for url, body in zip(urls, bodies, strict=True)
        ]
        drafts = draft_pages(
            bodies, address=address, headers=headers[0], records=records, limits=bounds
        )
    best = with_paging_seen(drafts, limits=bounds) if asks_second_page else drafts[0]
    return best.text()


def _fetch(
    url: str, body: IO[bytes], *, session: transport.HttpSession, limits: Limits
) -> Mapping[str, str]:
    """Write the page at *url* to *body*; return the headers of the response."""
    request = HttpRequest(url=url)
    with transport.send(request, session=session, limits=limits) as response:
        try:
            body.writelines(response.chunks)
        except (MalformedPageError, SourceRefusedError) as error:
            raise type(error)(f"{request}: {error} ({response.describe()})") from None
        return response.headers


def draft(
    body: IO[bytes],
    *,
    url: str,
    headers: Mapping[str, str],
    records: str | None = None,
    limits: Limits,
) -> str:
    """The text of a feed file for *body*, the page that *url* returned."""
    address = merge_urls([url])
    drafts = draft_pages([body], address=address, headers=headers, records=records, limits=limits)
    return drafts[0].text()
