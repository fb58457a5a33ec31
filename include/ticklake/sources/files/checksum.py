"""The checksum that a source publishes beside a file, and that of what came."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from include.ticklake.errors import MalformedPageError, SourceRefusedError

MAX_BYTES = 1024 * 1024
"""Of a file of checksums: one for each of a thousand others is a tenth of that."""

_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
_PLAIN = re.compile(r"\\?([0-9a-fA-F]{32,128})(?:[ \t]+\*?(.+?))?\s*")
_TAGGED = re.compile(
    r"(?:MD5|SHA1|SHA-?(?:2-)?(?:256|384|512)) ?\((.+)\) ?= ?([0-9a-fA-F]{32,128})\s*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """What the bytes of a file must add up to."""

    algorithm: str
    digest: str

    def verify(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield *chunks*; ``MalformedPageError`` at their end if they add up to something else."""
        digest = hashlib.new(self.algorithm, usedforsecurity=False)
        for chunk in chunks:
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != self.digest:
            raise MalformedPageError(
                f"its {self.algorithm} is {digest.hexdigest()}, and {self.digest} is published "
                "beside it; nothing was committed"
            )


def parse_checksum(text: bytes, *, file_name: str) -> Checksum:
    """The checksum of *file_name* in *text*, as ``sha256sum``, ``md5sum`` and BSD print it.

    Of several algorithms the longest; *file_name* may be as an address has it, with escapes.
    ``MalformedPageError`` for a page of the web, which may be another thing a minute later.
    """
    if text.lstrip().startswith(b"<"):
        raise MalformedPageError(
            "it begins as HTML or XML: a page, perhaps of an error, not a checksum"
        )
    lines = [line for line in text.decode("utf-8-sig", "replace").splitlines() if line.strip()]
    named = [found for line in lines if (found := _parsed(line)) is not None]
    names = (None, file_name, unquote(file_name), _last(unquote(file_name)))
    own = [digest for digest, name in named if (name and _last(name)) in names]
    own = [digest for digest in own if len(digest) == max(map(len, own))]
    if len(set(own)) != 1:
        problem = "more than one checksum" if own else "no checksum"
        raise SourceRefusedError(
            f"there is {problem} of {file_name!r} in it; correct source.checksum, which is the "
            "address of what sha256sum or md5sum print"
        )
    algorithm = _ALGORITHMS.get(len(own[0]))
    if algorithm is None:
        raise SourceRefusedError(
            f"a checksum of {len(own[0])} digits is none of md5, sha1, sha256, sha384, sha512; "
            "correct source.checksum"
        )
    return Checksum(algorithm=algorithm, digest=own[0])


def _parsed(line: str) -> tuple[str, str | None] | None:
    if tagged := _TAGGED.fullmatch(line):
        return tagged[2].lower(), tagged[1]
    if plain := _PLAIN.fullmatch(line):
        return plain[1].lower(), plain[2]
    return None


def _last(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]
