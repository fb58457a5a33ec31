"""The body of one response: its records, or the error that it reports or that it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block
from include.ticklake.sources.http import error_body
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.http.text_body import TextBody
from include.ticklake.sources.http.transport import HttpResponse
from include.ticklake.sources.json.page_reader import JsonPageReader

_WITHOUT_BODY = (204, 205)
_CONTAINERS = (b"{", b"[")
_MAX_PLAIN_VALUES = 100


class PageBody:
    """Iterate over it once, to the end, inside ``failures``."""

    def __init__(
        self,
        response: HttpResponse,
        source: HttpSource,
        *,
        request: HttpRequest,
        max_record_bytes: int,
        required: Collection[str] = (),
    ) -> None:
        self._errors, self._request = source.errors, request
        self._describe = response.describe
        self._is_without_body = response.status in _WITHOUT_BODY
        self._has_records = False
        self._reader: JsonPageReader | TextBody = JsonPageReader(
            response.chunks,
            records=source.records,
            shape=source.shape,
            key_as=source.key_as,
            add=source.add,
            columns=source.columns,
            no_records=source.no_records,
            capture=error_body.captures(source),
            capture_plain=error_body.plain_captures(source),
            capture_every=error_body.captures_of_every(source),
            max_record_bytes=max_record_bytes,
        )

        if source.format != "json":
            self._reader = TextBody(
                response.chunks,
                source,
                required=required,
                max_record_bytes=max_record_bytes,
                where=str(request),
            )

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[Block]:
        """The records; a status that means that there is no body means that there are none."""
        if self._is_without_body:
            return iter(())
        blocks = _refuse_plain_values(self._reader.blocks())
        for first in blocks:
            self._has_records = True
            return chain([first], blocks)
        return blocks

    @property
    def captured(self) -> Mapping[str, object]:
        """The values captured outside the records so far."""
        return self._reader.captured

    @property
    def size_bytes(self) -> int:
        """Decompressed bytes read so far."""
        return self._reader.body_bytes

    @property
    def unnamed_columns(self) -> tuple[str, ...]:
        """The names of values so far for which the feed's columns have none."""
        return self._reader.unnamed_columns

    @property
    def last_object(self) -> Record | None:
        """The last record so far that has names, where records are arrays."""
        return self._reader.last_object

    def misfit(self, record: Record) -> str | None:
        """Why *record* is an array without names, if it is one and the feed has names for it."""
        return self._reader.misfit(record)

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Raise what the body reports of a failure; other errors of the block name the request."""
        rules, request = self._errors, self._request
        try:
            yield
        except (MalformedPageError, SourceRefusedError) as error:
            error_body.raise_if_failed(rules, self.captured, request=request)
            if isinstance(error, SourceRefusedError):
                body = error_body.decoded(self._reader.small_body)
                error_body.raise_reason(rules, body, request=request, problem=str(error))
            message = request.mask_secrets(str(error))
            raise type(error)(f"{request}: {message} ({self._describe()})") from None
        error_body.raise_if_failed(rules, self.captured, request=request)
        if self._is_without_body or self._has_records or error_body.has_code(rules, self.captured):
            return
        body = error_body.decoded(self._reader.small_body)
        if not self._reader.has_opened:
            error_body.raise_if_explained(body, request=request)
        elif rules is None:
            error_body.raise_if_coded(body, request=request)


def _refuse_plain_values(blocks: Iterable[Block]) -> Iterator[Block]:
    """The *blocks*; ``SourceRefusedError`` if none of them is an object or an array.

    ``["error", 10020, "symbol: invalid"]`` has no record. A plain value among others is one, and
    conversion refuses it.
    """
    remaining = iter(blocks)
    held: list[Block] = []
    plain = 0
    for block in remaining:
        held.append(block)
        first = block[: _MAX_PLAIN_VALUES - plain]
        if any(bytes(record)[:1] in _CONTAINERS for record in first):
            return chain(held, remaining)
        plain += len(first)
        if plain == _MAX_PLAIN_VALUES:
            break
    if plain:
        raise SourceRefusedError(
            "there are only plain values where the records should be, neither objects nor arrays; "
            "correct source.records"
        )
    return iter(())
