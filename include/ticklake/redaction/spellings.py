"""The usual spellings of a secret, for programs that can only search for plain texts."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_URL_SAFE = str.maketrans("+/", "-_")


def usual_spellings(secret: str) -> list[str]:
    """*secret* as it is and as URLs, JSON, HTML, Python and base64 write it, each once.

    In base64 it is what of the digits depends on nothing else, wherever the secret begins in what
    they stand for.
    """
    whole = secret.encode(errors="replace").decode()  # half of a surrogate pair is in no spelling
    return list(dict.fromkeys(spelling for spelling in _spellings(whole) if spelling))


def _spellings(secret: str) -> Iterator[str]:
    quoted = (quote(secret, safe=""), quote_plus(secret), quote(secret))
    yield from (secret, *quoted, *map(_in_small_letters, quoted))
    yield from (html.escape(secret), html.escape(secret, quote=False))
    for in_json in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield from (in_json, in_json.replace("/", "\\/"))
    yield repr(secret)[1:-1]
    octets = secret.encode()
    for before in range(3):
        digits = base64.b64encode(bytes(before) + octets).decode()
        own = digits[-(-before * 8 // 6) : (before + len(octets)) * 8 // 6]
        yield from (own, own.translate(_URL_SAFE))


def _in_small_letters(quoted: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda escape: escape[0].lower(), quoted)
