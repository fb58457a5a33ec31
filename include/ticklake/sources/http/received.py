"""What arrived, in a few words, for the error over it: status, content type, the first words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from include.ticklake.errors import MalformedPageError
from include.ticklake.sources.http.request import HttpRequest

_KEPT_BYTES = 4096
"""Much more than is shown, so that no secret is cut in two before it is masked."""
_SHOWN_CHARACTERS = 80

_SPACE = b" \t\r\n"
_JSON_STARTS = frozenset(b'{["-0123456789tfn')


class BodyStart:
    """The first bytes of a body, behind its white space, kept while it streams."""

    def __init__(self) -> None:
        self.data = b""

    def watch(self, chunks: Iterable[bytes], *, is_json: bool = True) -> Iterator[bytes]:
        """Yield *chunks*; ``MalformedPageError`` at once for a body that does not begin as JSON.

        Another text may begin with anything but a page of the web.
        """
        started = False
        for chunk in chunks:
            if len(self.data) < _KEPT_BYTES:
                self.data = (self.data + chunk[:_KEPT_BYTES]).lstrip(_SPACE)[:_KEPT_BYTES]
            if self.data and not started:
                started = True
                is_page = self.data.startswith(b"<")
                if is_page or (is_json and self.data[0] not in _JSON_STARTS):
                    what = "HTML or XML" if is_page else "another format"
                    expected = "JSON" if is_json else "records"
                    raise MalformedPageError(
                        f"not {expected} near byte 0: the body begins as {what}"
                    )
            yield chunk


def received(request: HttpRequest, *, status: int, headers: Mapping[str, str], start: bytes) -> str:
    """``HTTP 200, text/html, '<!DOCTYPE html> <html>'``: *start* on one line, without secrets."""
    return f"HTTP {status}, {content(request, headers=headers, start=start)}"


def content(request: HttpRequest, *, headers: Mapping[str, str], start: bytes) -> str:
    """``text/html, '<!DOCTYPE html> <html>'``."""
    kind = request.sanitize(headers.get("Content-Type", ""))[:_SHOWN_CHARACTERS]
    masked = request.mask_secrets(start.decode(errors="replace"))
    words = request.sanitize(masked[: 4 * _SHOWN_CHARACTERS])
    if len(words) > _SHOWN_CHARACTERS:
        words = f"{words[:_SHOWN_CHARACTERS]}..."
    return ", ".join(part for part in (kind, repr(words) if words else "an empty body") if part)
