"""Remove secrets from URLs and texts, for messages and logs."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
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
    """*text* with the *secrets* masked, however a URL, a header, JSON or HTML writes them."""
    for secret in secrets:
        # Bearer abc: a source may repeat the second half alone.
        for part in dict.fromkeys((secret, *secret.split()[-1:])):
            for form in _forms(part) if part else ():
                text = text.replace(form, "***")
    return text


def _forms(secret: str) -> Iterator[str]:
    """*secret* as it may be written."""
    in_json = json.dumps(secret)[1:-1]
    quoted = (quote(secret, safe=""), quote_plus(secret), quote(secret))
    yield from (secret, *quoted, *map(_lower_escapes, quoted))
    yield from (in_json, in_json.replace("/", "\\/"), html.escape(secret))


def _lower_escapes(quoted: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda escape: escape[0].lower(), quoted)


def resolve_url(url: str, reference: str) -> str | None:
    """The URL of *reference*, as a source returned it, relative to *url*; None if it is invalid."""
    try:
        target = urljoin(url, reference)
        urlsplit(target)
    except ValueError:
        return None
    return target
