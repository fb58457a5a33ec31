"""Files in a bucket, read by the lake's own storage layer, and files of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from include.ticklake.errors import SourceRefusedError, SourceUnavailableError, UsageError
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.redaction.masking import remember, sanitize
from include.ticklake.settings import Settings
from include.ticklake.sources.auth import Credentials
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.source import SourceContext

CHUNK_BYTES = 64 * 1024
_NOT_FOUND = 404
_KEPT = ("AWS_CA_BUNDLE", "TICKLAKE_STORAGE_TIMEOUT_S")


class BucketFiles:
    """Files of one bucket, with the keys of the feed's connection, or those of the lake."""

    def __init__(
        self,
        source: FilesSource,
        context: SourceContext,
        deadline: UnitDeadline,
        *,
        env: Mapping[str, str],
    ) -> None:
        from include.ticklake.lake.storage import Storage

        if source.connection:
            env = connection_env(context.get_credentials(source.connection), env)
        self._storage = Storage.open(f"s3://{source.host}", env)
        self._deadline = deadline

    def close(self) -> None:
        """Nothing is held open."""

    def where(self, address: str) -> str:
        """*address*, which has no secrets."""
        return address

    def chunks(self, address: str) -> Iterator[bytes]:
        """The bytes of the object at *address*; ``SourceRefusedError`` where there is none."""
        key = self._storage.key_of(address)
        with _source_errors(address), self._storage.open_input(key) as stream:
            yield from _read(stream, address, self._deadline)


class LocalFiles:
    """Files below the folders that the operator of this machine allows."""

    def __init__(self, deadline: UnitDeadline, *, env: Mapping[str, str]) -> None:
        folders = (Settings.from_env(env).files or "").split(os.pathsep)
        self._folders = [Path(folder).resolve() for folder in folders if folder]
        self._deadline = deadline

    def close(self) -> None:
        """Nothing is held open."""

    def where(self, address: str) -> str:
        """*address*, which has no secrets."""
        return address

    def chunks(self, address: str) -> Iterator[bytes]:
        """The bytes of the file at *address*; ``SourceRefusedError`` where there is none.

        ``UsageError`` where it is in no folder that is allowed, or a link leads out of it.
        """
        path = Path(address.removeprefix("file://")).resolve()  # with ? and # as they are
        if not any(path.is_relative_to(folder) for folder in self._folders):
            raise UsageError(
                f"{address}: it is in no folder that feeds may read; the operator "
                "adds its folder to TICKLAKE_FILES"
            )
        with _source_errors(address):
            if path.exists() and not path.is_file():
                raise SourceRefusedError(f"{address}: not a file; correct source.address")
            with path.open("rb") as stream:
                yield from _read(stream, address, self._deadline)


def connection_env(credentials: Credentials, env: Mapping[str, str]) -> dict[str, str]:
    """A connection as the variables that open a bucket; of *env* only what holds no key."""
    options = credentials.options
    remember(credentials.secret, options.get("aws_session_token"))
    found = {
        "AWS_ACCESS_KEY_ID": credentials.user or options.get("aws_access_key_id", ""),
        "AWS_SECRET_ACCESS_KEY": credentials.secret or options.get("aws_secret_access_key", ""),
        "AWS_SESSION_TOKEN": options.get("aws_session_token", ""),
        "AWS_REGION": options.get("region_name", ""),
        "AWS_ENDPOINT_URL": options.get("endpoint_url", ""),
        **{name: env.get(name, "") for name in _KEPT},
    }
    return {name: value for name, value in found.items() if value}


def _read(stream: Any, address: str, deadline: UnitDeadline) -> Iterator[bytes]:  # noqa: ANN401
    while chunk := stream.read(CHUNK_BYTES):
        deadline.check(address)
        yield bytes(chunk)


@contextmanager
def _source_errors(address: str) -> Iterator[None]:
    """Errors of storage as those of a source, which name the address."""
    try:
        yield
    except FileNotFoundError:
        missing = SourceRefusedError(f"{address}: there is no such file; correct source.address")
        missing.status = _NOT_FOUND
        raise missing from None
    except OSError as error:
        raise SourceUnavailableError(f"{address}: {sanitize(str(error))}") from None
