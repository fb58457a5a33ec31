"""The first records of bulk files: no more is downloaded than a sample needs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn
from urllib.parse import urlsplit

from include.ticklake.errors import MalformedPageError, SourceRefusedError, UsageError
from include.ticklake.feed.files_source import Compression, FilesSource
from include.ticklake.feed.limits import Limits
from include.ticklake.redaction.addresses import redact_url
from include.ticklake.scaffold.find_records import find_records, form_at
from include.ticklake.scaffold.json_shape import read_shape
from include.ticklake.scaffold.record_form import RecordForm
from include.ticklake.scaffold.sample_records import SampledPages, read_samples
from include.ticklake.scaffold.text_form import text_form
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.files.stored_files import BucketFiles, LocalFiles
from include.ticklake.sources.files.unpack import compression_of, peek, unpack
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.source import SourceContext

MAX_FILES = 4
"""Of more addresses, only the names are looked at."""
CHECKSUMS = (".CHECKSUM", ".sha256", ".md5")
"""What the names of checksums end with, beside a file."""

_SAMPLE_BYTES = 8 * 1024**2
"""What is unpacked of lines, at most."""
_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledFiles:
    """What is known of files after a look at their beginnings."""

    compression: Compression
    sample: SampledPages


def sample_files(addresses: Sequence[str], *, records: str | None, limits: Limits) -> SampledFiles:
    """The first records of the files at *addresses*.

    Raises what a source raises where one cannot be reached or read, with the address before it.
    """
    packing: Compression = "none"
    with ExitStack() as stack:
        bodies = [stack.enter_context(tempfile.TemporaryFile()) for _ in addresses[:MAX_FILES]]
        for address, body in zip(addresses, bodies, strict=False):
            with _named(address), closing(_chunks(address, limits)) as chunks:
                packing = _spool(chunks, body, limits=limits)
        with _named(addresses[0]):
            form = _form(bodies[0], records)
            return SampledFiles(
                compression=packing, sample=read_samples(bodies, form, limits=limits)
            )


def has_file(address: str, *, limits: Limits) -> bool:
    """Whether there is a file at *address*: a checksum beside another one."""
    try:
        with closing(_chunks(address, limits)) as chunks:
            return bool(next(chunks, b""))
    except SourceRefusedError:
        return False


def as_address(text: str) -> str:
    """*text*, or the ``file://`` address of the local path that it is."""
    return text if "://" in text else f"file://{Path(text).resolve()}"


def _chunks(address: str, limits: Limits) -> Generator[bytes, None, None]:
    """The bytes at *address*, as they are stored."""
    scheme, deadline = urlsplit(address).scheme, UnitDeadline(limits)
    if scheme in ("http", "https"):
        request = HttpRequest(url=address, headers={"Accept-Encoding": "identity"})
        with (
            transport.HttpSession() as session,
            transport.get_file(request, session=session, limits=limits) as response,
        ):
            yield from response.chunks
    elif scheme == "s3":
        source = FilesSource(kind="files", address=address, format="csv")
        context = SourceContext(get_credentials=_no_connection, connect=_no_connection)
        yield from BucketFiles(source, context, deadline, env=os.environ).chunks(address)
    else:
        # Who runs this command names the file: no feed does.
        env = {**os.environ, "TICKLAKE_FILES": str(Path(urlsplit(address).path).parent)}
        yield from LocalFiles(deadline, env=env).chunks(address)


def _spool(chunks: Iterable[bytes], body: IO[bytes], *, limits: Limits) -> Compression:
    """Write what a sample needs to *body*, unpacked: whole lines, or all of a JSON value."""
    start, chunks = peek(chunks, 4)
    packing = compression_of(start)
    plain = unpack(chunks, compression=packing, max_bytes=limits.max_page_bytes)
    head, plain = peek(plain, _HEAD_BYTES)
    body.write(head)
    is_lines = text_form(body) is not None
    body.seek(0)
    body.truncate()
    size = 0
    for chunk in plain:
        size += len(chunk)
        if is_lines and size > _SAMPLE_BYTES and (end := chunk.rfind(b"\n") + 1):
            body.write(chunk[:end])
            break
        body.write(chunk)
    return packing


def _form(body: IO[bytes], records: str | None) -> RecordForm:
    if text := text_form(body):
        return text
    root = read_shape(body)
    form = form_at(root, records) if records else find_records(root)
    if form.shape != "array" or form.key_as:
        raise SourceRefusedError(
            f"the body is {form.reason}, and files of JSON are read as an array of records; name "
            "one in it with --records"
        )
    return form


@contextmanager
def _named(address: str) -> Iterator[None]:
    """Errors that name the file."""
    try:
        yield
    except (MalformedPageError, SourceRefusedError) as error:
        shown = redact_url(address)
        named = str(error) if str(error).startswith(shown) else f"{shown}: {error}"
        raise type(error)(named) from None


def _no_connection(connection: str) -> NoReturn:
    raise UsageError(f"a draft has no connection, but asks for {connection!r}")
