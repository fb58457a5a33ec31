"""Draft a feed file from the URLs of pages; everything inferred is marked ``guess``.

A page is spooled to disk and read twice: once for its structure, once through the reader
that the feed will use. Memory holds a sample of its records, whatever its size.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import IO
from urllib.parse import parse_qsl, urlsplit

from include.ticklake.errors import MalformedPageError, SourceRefusedError, UsageError
from include.ticklake.feed.limits import Limits
from include.ticklake.scaffold.draft_files import draft_files, is_file
from include.ticklake.scaffold.draft_pages import draft_pages
from include.ticklake.scaffold.merge_urls import merge_urls
from include.ticklake.scaffold.probed_body import ProbedBody
from include.ticklake.scaffold.second_page import with_paging_seen
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.request import HttpRequest


def probe(
    *urls: str,
    data: Sequence[str] = (),
    form: Sequence[str] = (),
    records: str | None = None,
    limits: Limits | None = None,
    asks_second_page: bool = True,
) -> str:
    """The text of a feed file for *urls*, pages of one endpoint; *records* is their path, if known.

    Of files, addresses or local paths, it is a feed of ``kind: files``.
    With *data*, JSON bodies, or a *form* of ``name=value``, the requests are POST. The paging that
    is inferred is tried, unless only the *urls* may be requested.
    Raises the error that a response means, or ``UsageError`` where no feed can be drafted.
    """
    if any(map(is_file, urls)) and not data and not form:
        return draft_files(
            urls, records=records, limits=limits or Limits(), asks_for_checksum=asks_second_page
        )
    requests = _requests(urls, data, form)
    address = merge_urls([url for url, _ in requests], [sent for _, sent in requests if sent])
    bounds = limits or Limits()
    with ExitStack() as stack, transport.HttpSession() as session:
        bodies = [stack.enter_context(tempfile.TemporaryFile()) for _ in requests]
        headers = [
            _fetch(_request(url, sent), body, session=session, limits=bounds)
            for (url, sent), body in zip(requests, bodies, strict=True)
        ]
        drafts = draft_pages(
            bodies, address=address, headers=headers[0], records=records, limits=bounds
        )
    best = with_paging_seen(drafts, limits=bounds) if asks_second_page else drafts[0]
    return best.text()


def _requests(
    urls: Sequence[str], data: Sequence[str], form: Sequence[str]
) -> list[tuple[str, ProbedBody | None]]:
    """Each URL with what is sent to it."""
    if not data and not form:
        return [(url, None) for url in urls]
    if data and form:
        raise UsageError("--data and --form: a request has one body; give one of them")
    if len(urls) > 1 and len(data) > 1:
        raise UsageError("several URLs and several --data; give several of one of them")
    taken = [name for name, _ in parse_qsl(urlsplit(urls[0]).query, keep_blank_values=True)]
    bodies = [ProbedBody.of_json(text, taken=taken) for text in data]
    bodies = bodies or [ProbedBody.of_form(form, taken=taken)]
    return [(url, body) for url in urls for body in bodies]


def _request(url: str, sent: ProbedBody | None) -> HttpRequest:
    if sent is None:
        return HttpRequest(url=url)
    return HttpRequest(url=url, method="POST", body=sent.json, form=sent.form)


def _fetch(
    request: HttpRequest, body: IO[bytes], *, session: transport.HttpSession, limits: Limits
) -> Mapping[str, str]:
    """Write the page that *request* asks for to *body*; return the headers of the response."""
    with transport.send(request, session=session, limits=limits, is_json=False) as response:
        try:
            body.writelines(response.chunks)
        except (MalformedPageError, SourceRefusedError) as error:
            raise type(error)(f"{request}: {error} ({response.describe()})") from None
        return response.headers


def draft(
    body: IO[bytes],
    *,
    url: str,
    sent: ProbedBody | None = None,
    headers: Mapping[str, str],
    records: str | None = None,
    limits: Limits,
) -> str:
    """The text of a feed file for *body*, the page that *url* returned for what was *sent*."""
    address = merge_urls([url], [sent] if sent else [])
    drafts = draft_pages([body], address=address, headers=headers, records=records, limits=limits)
    return drafts[0].text()
