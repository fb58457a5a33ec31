"""A stretch of records in bounded memory: all of a short one, a fair sample of a long one."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

MAX_SAMPLE = 4_000


class RecordSample:
    """The digests of a stretch; when they become many, every second one is left out, by chance."""

    def __init__(self, digests: Iterable[str] = (), *, one_in: int = 1) -> None:
        self.digests = set(digests)
        self.one_in = one_in
        """A power of two: so many records there are for each one that is remembered."""

    def add(self, digest: str) -> None:
        """Remember *digest*, or leave it out."""
        if self.one_in > 1 and crc32(digest.encode()) % self.one_in:
            return
        self.digests.add(digest)
        if len(self.digests) > MAX_SAMPLE:
            self.one_in *= 2
            kept = {each for each in self.digests if not crc32(each.encode()) % self.one_in}
            self.digests = kept

    def has(self, digest: str) -> bool | None:
        """Whether the stretch has *digest*; None where the sample does not say."""
        if digest in self.digests:
            return True
        if self.one_in > 1 and crc32(digest.encode()) % self.one_in:
            return None
        return False
