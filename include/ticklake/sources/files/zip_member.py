"""The one file in a zip archive, unpacked as the archive comes.

A zip's table of contents is at its end, so nobody knows before it whether there is a second file:
that is an error then, and nothing was committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import stream_unzip

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.redaction.masking import sanitize

CHUNK_BYTES = 64 * 1024


def unpack_zip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of the file in the archive, never more than a block at once; checksums checked."""
    first: str | None = None
    try:
        for raw_name, _, data in stream_unzip.stream_unzip(chunks, chunk_size=CHUNK_BYTES):
            name = sanitize(raw_name.decode(errors="replace"))
            if name.endswith("/"):
                yield from (chunk for chunk in data if chunk)  # a folder has no bytes
                continue
            if first is not None:
                raise SourceRefusedError(
                    f"the zip has a second file, {name!r} after {first!r}; only archives of "
                    "one file are read"
                )
            first = name
            yield from data
    except stream_unzip.TruncatedDataError:
        raise MalformedPageError("its zip data ends early") from None
    except (stream_unzip.MissingPasswordError, stream_unzip.UnsupportedFeatureError) as error:
        raise SourceRefusedError(
            f"the zip is encrypted, or packed in a way that cannot be streamed "
            f"({type(error).__name__}); request another form of the file"
        ) from None
    except stream_unzip.UnzipError as error:
        raise MalformedPageError(f"its zip data is damaged: {type(error).__name__}") from None
    if first is None:
        raise SourceRefusedError("the zip has no file in it; correct source.address")
