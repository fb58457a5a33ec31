"""Remove secrets from URLs and texts, for messages and logs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urljoin, urlsplit, urlunsplit

_SECRET = re.compile(r"key|token|secret|sign|pass|pwd|auth|cred|session|cookie", re.IGNORECASE)
_MAX_CHARACTERS = 200


def is_secret(name: str) -> bool:
    """Whether the value of a parameter or header of that name may be a secret."""
    return _SECRET.search(name) is not None


def redact_url(url: str) -> str:
    """*url* without user, password and the values of parameters that may be secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an invalid URL)"
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = [(name, "***" if is_secret(name) else value) for name, value in pairs]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*"), ""))


def sanitize(text: str, *, secrets: Iterable[str]) -> str:
    """*text* on one line of at most 200 characters, with the *secrets* masked in every form."""
    text = mask_secrets(text, secrets=secrets)
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:_MAX_CHARACTERS]


def mask_secrets(text: str, *, secrets: Iterable[str]) -> str:
    """*text* with the *secrets* masked, however they are written in a URL or a header."""
    for secret in secrets:
        # Bearer abc: a source may repeat the second half alone.
        for form in (secret, quote(secret, safe=""), quote_plus(secret), *secret.split()[-1:]):
            text = text.replace(form, "***") if form else text
    return text


def resolve_url(url: str, reference: str) -> str | None:
    """The URL of *reference*, as a source returned it, relative to *url*; None if it is invalid."""
    try:
        target = urljoin(url, reference)
        urlsplit(target)
    except ValueError:
        return None
    return target
