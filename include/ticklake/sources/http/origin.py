"""Which addresses belong to the source that a feed names, where a source leads to another one."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def within_source(url: str, target: str, *, sends_secrets: bool) -> str | None:
    """The address to request for *target*, to which *url* leads; None if it is another source.

    On one host, http may become https: what *sends_secrets* only from default port to default
    port, as other ports may be other programs. Nothing goes from https to http: behind a proxy
    that ends TLS a source writes ``http://`` into its addresses, and https is what it means.
    """
    own, other = _origin(url), _origin(target)
    if own is None or other is None or own.host != other.host:
        return None
    are_default = own.is_default and other.is_default
    if own.scheme == other.scheme:
        return target if own.port == other.port else None
    if other.scheme == "https":
        return target if are_default or not sends_secrets else None
    if own.port != other.port and not are_default:
        return None
    return urlunsplit(urlsplit(target)._replace(scheme="https", netloc=urlsplit(url).netloc))


def resolve_url(url: str, reference: str) -> str | None:
    """The URL of *reference*, as a source returned it, relative to *url*; None if it is invalid."""
    try:
        target = urljoin(url, reference)
        urlsplit(target)
    except ValueError:
        return None
    return target


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int

    @property
    def is_default(self) -> bool:
        """Whether the port is the one that the scheme has by default."""
        return self.port == _DEFAULT_PORTS[self.scheme]


def _origin(url: str) -> _Origin | None:
    """The origin of *url*; None where it is not HTTP, or holds a login."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    return _Origin(parts.scheme, parts.hostname, port)
