"""Files on the web: where a response breaks, the rest of the same file is requested."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from include.ticklake.errors import MalformedPageError, RetryableError, SourceRefusedError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.redaction.masking import remember
from include.ticklake.sources.auth import Credentials, RequestSecrets, sign_request
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.http.transport import HttpResponse
from include.ticklake.sources.source import SourceContext

_LEAST_PROGRESS_BYTES = 1024 * 1024
"""A response that gave more than that before it broke counts as no failed attempt."""
_CONTENT_RANGE = re.compile(r"bytes (\d{1,20})-(\d{1,20})/(\d{1,20}|\*)")
_NO_SUCH_RANGE = 416


class WebFiles:
    """Downloads the files of one unit; close it to leave its connections to the next."""

    def __init__(
        self, feed: Feed, source: FilesSource, context: SourceContext, deadline: UnitDeadline
    ) -> None:
        self._source, self._limits, self._deadline = source, feed.limits, deadline
        self._retry_policy, self._base_url = context.retry_policy, context.base_url
        auth = source.auth
        self._credentials = context.get_credentials(auth.connection) if auth else None
        login = self._credentials or Credentials()
        self._secret = login.secret or login.user
        remember(self._secret)
        self._resources = context.resources
        self._session = transport.take_session(context.resources)

    def close(self) -> None:
        """Leave the connections to the next unit of the batch."""
        transport.give_back(self._session, self._resources)

    def where(self, address: str) -> str:
        """*address* for messages, without secrets."""
        return str(self._request(address))

    def chunks(self, address: str) -> Iterator[bytes]:
        """The bytes of the file at *address*, as they are stored.

        ``SourceRefusedError`` with its status where there is none.
        """
        request, download = self._request(address), _Download()
        while True:
            before = download.size
            try:
                for attempt in self._retry_policy.attempts(self._limits, deadline=self._deadline):
                    try:
                        yield from self._rest(request, download)
                    except MalformedPageError as error:
                        failure: RetryableError = MalformedPageError(f"{request}: {error}")
                    except RetryableError as error:
                        failure = error
                    else:
                        return
                    with attempt:  # not around the yield: it would take closing for a failure
                        raise failure
            except RetryableError:
                if download.size - before < _LEAST_PROGRESS_BYTES:
                    raise

    def _rest(self, request: HttpRequest, download: _Download) -> Iterator[bytes]:
        asked = download.range_headers
        headers = {**request.headers, "Accept-Encoding": "identity", **asked}
        try:
            with transport.get_file(
                replace(request, headers=headers),
                session=self._session,
                limits=self._limits,
                unit_deadline=self._deadline,
            ) as response:
                yield from download.read(response)
        except SourceRefusedError as error:
            if not asked or error.status != _NO_SUCH_RANGE:
                raise
            download.forget_ranges()
            raise MalformedPageError("the server says that there is no rest of the file") from None

    def _request(self, address: str) -> HttpRequest:
        parts = urlsplit(address)
        if self._base_url:
            base = urlsplit(self._base_url)
            path = base.path.rstrip("/") + parts.path
            parts = parts._replace(scheme=base.scheme, netloc=base.netloc, path=path)
        added = RequestSecrets()
        if self._source.auth and self._credentials:
            added = sign_request(self._source.auth, self._credentials, path=parts.path, params={})
        return HttpRequest(
            url=urlunsplit(parts),
            headers=self._source.headers,
            secret_params=added.params,
            secret_headers=added.headers,
            login_secret=self._secret,
        )


class _Download:
    """How much of one file has come, and what shows that the rest is of the same one."""

    def __init__(self) -> None:
        self.size = 0
        self._validator = ""
        self._digest = hashlib.sha256()

    @property
    def range_headers(self) -> dict[str, str]:
        """What asks for the rest, and for all of it if the file is another one by now."""
        if not self.size or not self._validator:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self._validator}

    def forget_ranges(self) -> None:
        """Ask for all of the file from now on."""
        self._validator = ""

    def read(self, response: HttpResponse) -> Iterator[bytes]:
        """The bytes of *response* that have not come yet."""
        if response.status == 206:
            self._check_part(response)
            chunks: Iterable[bytes] = response.chunks
        elif self.size:
            chunks = self._behind_the_known(response.chunks)
        else:
            self._validator = _validator(response)
            chunks = response.chunks
        for chunk in chunks:
            self.size += len(chunk)
            self._digest.update(chunk)
            yield chunk

    def _check_part(self, response: HttpResponse) -> None:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        is_same = _validator(response) in ("", self._validator)
        # A server may give a range that ends before the file does, and never says so again.
        is_rest = found and int(found[1]) == self.size and found[3] in ("*", str(int(found[2]) + 1))
        if not is_rest or not is_same:
            self.forget_ranges()
            raise MalformedPageError("another part of the file came than the one requested")

    def _behind_the_known(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """What follows the bytes that came before; ``MalformedPageError`` where these differ."""
        digest, left = hashlib.sha256(), self.size
        for chunk in chunks:
            known, new = chunk[:left], chunk[left:]
            digest.update(known)
            left -= len(known)
            if known and not left and digest.digest() != self._digest.digest():
                raise _changed()
            if new:
                yield new
        if left:
            raise _changed()


def _changed() -> MalformedPageError:
    return MalformedPageError("the file was replaced while it was downloaded; start over")


def _validator(response: HttpResponse) -> str:
    """What a server knows the file by: its strong ETag, or when it was changed."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
