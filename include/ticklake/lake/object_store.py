"""Objects in a bucket of S3 or Google Cloud, through obstore (Apache's object_store).

An object appears whole at its own key or not at all: a stream that is left by an exception is
aborted. Every request has a deadline, and what may fail by chance is tried again.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, GenericError
from obstore.store import GCSStore, S3Store

from include.ticklake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyarrow import fs

_CONNECT_TIMEOUT_S = 10
_REQUEST_TIMEOUT_S = 60
_RETRY_TIMEOUT = timedelta(minutes=3)
_MAX_RETRIES = 4
_UPLOAD_BYTES = 5 * 1024**2
"""The least that S3 takes as a part of a larger object; a smaller object is one request."""

_CHUNK_BYTES = 64 * 1024


class BucketStore:
    """The objects of one bucket below one prefix; keys are relative to it."""

    def __init__(self, store: Any, *, name: str) -> None:  # noqa: ANN401 - obstore's classes are sealed
        self._store = store
        self._name = name
        self._has_ranges: bool | None = None

    def read(self, key: str) -> bytes:
        """The whole object; ``FileNotFoundError`` where there is none."""
        with self._as_os_errors("read", key):
            return bytes(self._store.get(key).bytes())

    def exists(self, key: str) -> bool:
        """Whether there is an object at *key*."""
        try:
            with self._as_os_errors("find", key):
                self._store.head(key)
        except FileNotFoundError:
            return False
        return True

    def open_input(self, key: str) -> io.BufferedReader:
        """A forward-only stream over the object's bytes; one request."""
        with self._as_os_errors("read", key):
            chunks = self._store.get(key).stream(min_chunk_size=_CHUNK_BYTES)
        guarded = self._guarded(iter(chunks), key)
        return io.BufferedReader(_ChunkReader(guarded), buffer_size=_CHUNK_BYTES)

    def open_file(self, key: str) -> RangeReader:
        """A seekable file over the object's bytes; each read is one request."""
        with self._as_os_errors("find", key):
            size_bytes: int = self._store.head(key)["size"]

        if not self._answers_ranges(key):
            return RangeReader(SkippingReader(partial(self.open_input, key)).read_range, size_bytes)

        def read_range(start: int, length: int) -> bytes:
            with self._as_os_errors("read", key):
                return bytes(self._store.get_range(key, start=start, length=length))

        return RangeReader(read_range, size_bytes)

    def _answers_ranges(self, key: str) -> bool:
        """Whether the server answers requests for a range as HTTP says; asked once.

        ``rclone serve s3`` sends the right bytes with status 200, which obstore refuses.
        """
        if self._has_ranges is None:
            try:
                self._store.get_range(key, start=0, length=1)
                self._has_ranges = True
            except GenericError as error:
                self._has_ranges = "non-partial" not in str(error)
        return self._has_ranges

    def open_output(self, key: str, *, metadata: Mapping[str, str]) -> UploadStream:
        """A stream that publishes its bytes at *key* when it is closed."""
        writer = obstore.open_writer(
            self._store,
            key,
            attributes=dict(metadata),
            buffer_size=_UPLOAD_BYTES,
            max_concurrency=1,  # each part in flight is held in memory
        )
        return UploadStream(writer, lambda action: self._as_os_errors(action, key))

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str]) -> None:
        """Publish *body* at *key*; one request."""
        with self._as_os_errors("write", key):
            self._store.put(key, body, attributes=dict(metadata), use_multipart=False)

    def move(self, source: str, target: str) -> None:
        """Publish *source* at *target*: a copy inside the server, then a delete."""
        with self._as_os_errors(f"move to {target}", source):
            self._store.rename(source, target)

    def copy(self, source: str, target: str) -> None:
        """The bytes of *source* at *target* as well; ``FileNotFoundError`` where there are none."""
        with self._as_os_errors(f"copy to {target}", source):
            self._store.copy(source, target)

    def delete(self, key: str) -> None:
        """Delete the object; do nothing where there is none."""
        try:
            with self._as_os_errors("delete", key):
                self._store.delete(key)
        except FileNotFoundError:
            return

    def sizes(self, prefix: str) -> dict[str, int]:
        """The keys below the folder *prefix*, sorted, and the bytes of each object."""
        with self._as_os_errors("list", prefix):
            objects = [entry for page in self._store.list(prefix or None) for entry in page]
        return {entry["path"]: entry["size"] for entry in sorted(objects, key=lambda e: e["path"])}

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right below the folder *prefix*, sorted; one request."""
        with self._as_os_errors("list", prefix):
            listed = self._store.list_with_delimiter(prefix or None)
        return sorted(path.rstrip("/").rpartition("/")[2] for path in listed["common_prefixes"])

    def arrow_file_system(self) -> fs.FileSystem:
        """The same objects for ``pyarrow.dataset``: for reading."""
        from include.ticklake.lake.arrow_files import arrow_file_system

        return arrow_file_system(self)

    def _guarded(self, chunks: Iterator[Any], key: str) -> Iterator[memoryview]:
        with self._as_os_errors("read", key):
            for chunk in chunks:
                yield memoryview(chunk)

    @contextmanager
    def _as_os_errors(self, action: str, key: str) -> Iterator[None]:
        """Raise ``OSError`` for obstore's errors, as a local disk does."""
        where = f"{self._name}/{key}"
        try:
            yield
        except FileNotFoundError:
            raise FileNotFoundError(f"{where}: there is no such object ({action})") from None
        except BaseError as error:
            raise OSError(f"{where}: cannot {action}; {_reason(error)}") from None


class _ChunkReader(io.RawIOBase):
    """A response's chunks as a stream."""

    def __init__(self, chunks: Iterator[memoryview]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        while not self._left:
            if (chunk := next(self._chunks, None)) is None:
                return 0
            self._left = chunk
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


class SkippingReader:
    """Ranges of an object whose server has none: read from the start, and again to go back."""

    def __init__(self, open_input: Callable[[], io.BufferedReader]) -> None:
        self._open_input = open_input
        self._stream = open_input()
        self._position = 0

    def read_range(self, start: int, length: int) -> bytes:
        """*length* bytes from *start* on; what is before them is read and dropped."""
        if start < self._position:
            self._stream, self._position = self._open_input(), 0
        while self._position < start:
            skipped = self._stream.read(min(_CHUNK_BYTES, start - self._position))
            if not skipped:
                return b""
            self._position += len(skipped)
        body = self._stream.read(length)
        self._position += len(body)
        return body


class RangeReader(io.RawIOBase):
    """A seekable file of which each read is one request for a range; nothing is read ahead."""

    def __init__(self, read_range: Callable[[int, int], bytes], size_bytes: int) -> None:
        self._read_range = read_range
        self._size_bytes = size_bytes
        self._position = 0

    def readable(self) -> bool:
        """Always true."""
        return True

    def seekable(self) -> bool:
        """Always true."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to *offset* from the start, from here, or from the end."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}
        self._position = origin[whence] + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """At most *size* bytes from here on; all that are left by default."""
        left = max(0, self._size_bytes - self._position)
        count = left if size is None or size < 0 else min(size, left)
        body = self._read_range(self._position, count) if count else b""
        self._position += len(body)
        return body

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        """Fill *buffer* as far as there are bytes, and return how many."""
        body = self.read(len(buffer))
        buffer[: len(body)] = body
        return len(body)


class UploadStream(io.RawIOBase):
    """Publishes its bytes when it is closed; ``abort`` drops them."""

    def __init__(self, writer: Any, as_os_errors: Callable[[str], Any]) -> None:  # noqa: ANN401
        self._writer = writer
        self._as_os_errors = as_os_errors

    def writable(self) -> bool:
        """Always true."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Add *data*; what fills a part of an upload is sent."""
        with self._as_os_errors("write"):
            self._writer.write(data)
        return len(data)

    def abort(self) -> None:
        """Drop all that was written: the object stays as it was."""
        if not self.closed:
            self._writer.__exit__(InterruptedError, None, None)
            super().close()

    def close(self) -> None:
        """Publish the object."""
        if not self.closed:
            super().close()
            with self._as_os_errors("write"):
                self._writer.close()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        """Nothing: a stream that is dropped is not published."""


def s3_store(bucket: str, prefix: str, env: Mapping[str, str]) -> S3Store:
    """The S3 store for *env* (``AWS_*``); keys that are not there come from AWS's own chain."""
    endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL")
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        raise UsageError(
            f"AWS_ENDPOINT_URL: {endpoint!r} is not an address; write http:// or https:// before it"
        )
    config: dict[str, Any] = {
        "endpoint": endpoint,
        "region": env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1",
        "access_key_id": env.get("AWS_ACCESS_KEY_ID"),
        "secret_access_key": env.get("AWS_SECRET_ACCESS_KEY"),
        "session_token": env.get("AWS_SESSION_TOKEN"),
    }
    options = {name: value for name, value in config.items() if value}
    if "access_key_id" not in options and (provider := _boto3_credentials()):
        options["credential_provider"] = provider
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options=_client_options(env, allow_http=urlsplit(endpoint or "").scheme == "http"),
        retry_config=_retries(),
        **options,
    )


def gcs_store(bucket: str, prefix: str, env: Mapping[str, str]) -> GCSStore:
    """The Google Cloud store; credentials come from Google's own chain."""
    return GCSStore(
        bucket,
        prefix=prefix or None,
        client_options=_client_options(env, allow_http=False),
        retry_config=_retries(),
    )


def _client_options(env: Mapping[str, str], *, allow_http: bool) -> Any:  # noqa: ANN401
    options: dict[str, Any] = {
        "allow_http": allow_http,
        "connect_timeout": timedelta(seconds=_CONNECT_TIMEOUT_S),
        "timeout": timedelta(seconds=_REQUEST_TIMEOUT_S),
    }
    if bundle := env.get("AWS_CA_BUNDLE"):
        options["root_certificate"] = Path(bundle).read_bytes()
    return options


def _retries() -> Any:  # noqa: ANN401
    return {"max_retries": _MAX_RETRIES, "retry_timeout": _RETRY_TIMEOUT}


def _boto3_credentials() -> Any:  # noqa: ANN401
    """Profiles and single sign-on, which obstore does not know, where boto3 is installed."""
    try:
        from boto3 import Session
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        return None
    session = Session()
    return Boto3CredentialProvider(session) if session.get_credentials() else None


def _reason(error: Exception) -> str:
    """The first line of obstore's message, which may go on with its own debug form."""
    return str(error).partition("\n")[0]
