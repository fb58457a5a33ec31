"""Where all workers find what is known of a host's rate limit: a file, or Redis where there is one.

Without a setting it is a file of this machine, which all processes of one user share. Whatever
happens to the place, requests are sent: then at the pace that a nearer place knows.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from include.ticklake.settings import Settings
from include.ticklake.sources.host_rate import HostRate

log = logging.getLogger(__name__)

Change = Callable[[HostRate, float], HostRate]
"""What is known of a host, and the time in seconds since 1970 -> what is known then."""

_DECODER = msgspec.json.Decoder(HostRate)
_LOCK_LIMIT_S = 2.0
_LOCK_RETRY_S = 0.001
_AWAY_S = 30.0
"""How long a place that failed is not asked again."""


class RateStore(Protocol):
    """A place that keeps what is known of each host, and changes it for one caller at a time."""

    def change(self, host: str, change: Change) -> None:
        """Apply *change*, which is called again where another caller was first.

        ``OSError`` where the place cannot be reached.
        """
        ...


class MemoryStore:
    """This process only."""

    def __init__(self, *, now_s: Callable[[], float] = time.time) -> None:
        self._now_s = now_s
        self._rates: dict[str, HostRate] = {}
        self._lock = threading.Lock()

    def change(self, host: str, change: Change) -> None:
        """Apply *change*."""
        with self._lock:
            self._rates[host] = change(self._rates.get(host, HostRate()), self._now_s())


class FileStore:
    """All processes of this machine that may write to *folder*: a file for each host.

    A folder that *is_own* belongs to this user: among temporary files anybody may have made it.
    """

    def __init__(self, folder: Path, *, is_own: bool = False) -> None:
        self._folder, self._is_own = folder, is_own

    def change(self, host: str, change: Change) -> None:
        """Apply *change* while the host's file is locked."""
        with self._locked(host) as file:
            data = os.pread(file, os.fstat(file).st_size, 0)
            before = decode(data)
            after = change(before, time.time())
            if after != before:
                data = encode(after)
                os.pwrite(file, data, 0)
                os.ftruncate(file, len(data))

    @contextmanager
    def _locked(self, host: str) -> Iterator[int]:
        name = hashlib.sha256(host.encode()).hexdigest()[:32]
        self._folder.mkdir(mode=0o700 if self._is_own else 0o777, parents=True, exist_ok=True)
        found = self._folder.lstat()
        if self._is_own and (found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode)):
            raise PermissionError(f"{self._folder} belongs to another user, or is a link")
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.open(self._folder / name, flags, 0o600 if self._is_own else 0o666)
        try:
            _lock(file)
            yield file
        finally:
            os.close(file)  # which ends the lock as well


class FallbackStore:
    """*first*, and *second* while the first one fails, which the log says."""

    def __init__(
        self,
        first: RateStore,
        second: RateStore,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first, self._second, self._clock = first, second, clock
        self._away_until_s: float | None = None

    def change(self, host: str, change: Change) -> None:
        """Apply *change* in the one or in the other."""
        away_until_s = self._away_until_s
        if away_until_s is None or self._clock() >= away_until_s:
            try:
                self._first.change(host, change)
            except OSError as error:
                self._away_until_s = self._clock() + _AWAY_S
                if away_until_s is None:
                    log.warning(
                        "rate_limit.not_shared: %s; until it is there again, other workers are not "
                        "heeded, and a source that refuses is asked again later",
                        error,
                    )
            else:
                if away_until_s is not None:
                    log.info("rate_limit.shared: the workers share the rate limits again")
                    self._away_until_s = None
                return
        self._second.change(host, change)


def from_env(env: Mapping[str, str]) -> RateStore:
    """The store that ``TICKLAKE_RATE_LIMIT_URL`` names, or else the file of this machine."""
    own = Path(tempfile.gettempdir()) / f"ticklake-rate-limits-{os.geteuid()}"
    return _store(Settings.from_env(env).rate_limit_url or "", own, os.getpid())


@lru_cache(maxsize=8)
def _store(url: str, own: Path, _pid: int) -> RateStore:
    """One for all units of a process, which then share its connections; a fork has its own."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FallbackStore(FileStore(Path(unquote(parts.path))), MemoryStore())
    of_machine = FallbackStore(FileStore(own, is_own=True), MemoryStore())
    if not url:
        return of_machine
    # Most processes need no Redis.
    from include.ticklake.sources.redis_rate_store import RedisStore

    return FallbackStore(RedisStore(url), of_machine)


def encode(rate: HostRate) -> bytes:
    """As it is stored."""
    return msgspec.json.encode(rate)


def decode(data: bytes | None) -> HostRate:
    """What is stored; nothing is known where that was cut, or another version wrote it."""
    try:
        return _DECODER.decode(data) if data else HostRate()
    except msgspec.DecodeError:
        return HostRate()


def _lock(file: int) -> None:
    """Lock it, or ``TimeoutError``: a process that was stopped may hold it for as long as it is."""
    end_s = time.monotonic() + _LOCK_LIMIT_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end_s:
                raise TimeoutError("the file of rate limits is locked") from None
            time.sleep(_LOCK_RETRY_S)
        else:
            return
