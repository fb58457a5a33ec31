"""What kept a request from being answered, in words: what failed, where, and what to do.

The messages of ``requests`` are never shown: they repeat addresses with their secrets.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies, select_proxy

from include.ticklake.errors import (
    SourceRefusedError,
    SourceUnavailableError,
    TicklakeError,
    UsageError,
)
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.http.request import HttpRequest

_BUNDLE = "REQUESTS_CA_BUNDLE"
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}
_UNSENT: tuple[tuple[type[Exception], str], ...] = (
    (requests.exceptions.InvalidHeader, "a header or a login holds what no header may hold"),
    (requests.exceptions.MissingSchema, "the address does not begin with http:// or https://"),
    (requests.exceptions.InvalidSchema, "the address does not begin with http:// or https://"),
    (requests.exceptions.InvalidURL, "this is not an address"),
    (urllib3.exceptions.LocationValueError, "this is not an address"),
    (UnicodeError, "this is not an address"),
)
_UNKNOWN_AUTHORITY = f"if it is to be trusted, name its authority's file in {_BUNDLE}"
_CERTIFICATE_ADVICE = {  # by OpenSSL's code
    9: "check the clock of this machine",
    10: "only its owner can renew it",
    18: _UNKNOWN_AUTHORITY,
    19: _UNKNOWN_AUTHORITY,
    20: _UNKNOWN_AUTHORITY,
    21: _UNKNOWN_AUTHORITY,
}

_Says = tuple[type[TicklakeError], str]


def connection_error(
    request: HttpRequest, error: Exception, *, url: str, limits: Limits
) -> TicklakeError:
    """The error to raise for *error*, which requests raised for *request* at *url*.

    It is retryable where it may pass: a name, a refused connection or a timeout, but neither a
    certificate nor the settings of a proxy.
    """
    causes = list(_causes(error))
    proxy = _proxy(url)
    if proxy and any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes):
        peer = proxy
    else:
        peer = f"{_peer(url)} (through {proxy})" if proxy else _peer(url)
    says = (
        _setting(causes, url=url, proxy=proxy)
        or _tls(causes, peer=peer)
        or _tunnel(causes, proxy=proxy)
        or _network(causes, peer=peer, limits=limits)
        or _protocol(causes, peer=peer, request=request)
        or (SourceUnavailableError, type(error).__name__)
    )
    return says[0](f"{request}: {says[1]}")


def body_error(error: Exception, *, limits: Limits) -> str:
    """Why a body ended before its end, in words."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, urllib3.exceptions.ReadTimeoutError):
            return f"nothing came for limits.read_timeout_s: {limits.read_timeout_s:g}"
        if isinstance(cause, http.client.IncompleteRead):
            return "the connection was closed before the end that its head or chunks announce"
        if isinstance(cause, ConnectionError):
            return "the connection broke off"
        if isinstance(cause, http.client.HTTPException):
            return f"its chunks cannot be read: {cause}"
    return type(error).__name__


def proxy_login_error(request: HttpRequest, *, url: str) -> TicklakeError:
    """The error for a proxy that asks for a login, with status 407."""
    return UsageError(f"{request}: {_login(_proxy(url))}")


def _login(proxy: str) -> str:
    return (
        f"{proxy or 'a proxy'} asks for a login (HTTP 407); write it into HTTPS_PROXY and "
        "HTTP_PROXY: http://user:password@host:port"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """*error* and what caused it, as far as it can be followed."""
    for _ in range(10):
        if error is None:
            return
        yield error
        inner = [getattr(error, "reason", None), getattr(error, "original_error", None)]
        inner += [*error.args, error.__cause__]
        error = next((cause for cause in inner if isinstance(cause, BaseException)), None)


def _setting(causes: list[BaseException], *, url: str, proxy: str) -> _Says | None:
    """What a person must change before anything can be sent."""
    error = causes[0]
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        return UsageError, f"{proxy} is a SOCKS proxy; pip install pysocks, or use an HTTP proxy"
    words = next((words for kind, words in _UNSENT if isinstance(error, kind)), "")
    if (
        words
        and proxy
        and _is_url(url)
        and not isinstance(error, requests.exceptions.InvalidHeader)
    ):
        advice = "write it into HTTPS_PROXY and HTTP_PROXY as http://host:port"
        return UsageError, f"{proxy} has no valid address; {advice}"
    if words:
        return UsageError, f"{words}; check the base URL, headers and credentials"
    if type(error) is OSError and "CA certificate" in str(error):
        return UsageError, f"the file that {_BUNDLE} names is not there; correct its path"
    if any(getattr(cause, "reason", "") == "NO_CERTIFICATE_OR_CRL_FOUND" for cause in causes):
        return UsageError, f"the file that {_BUNDLE} names holds no certificate; correct its path"
    return None


def _tls(causes: list[BaseException], *, peer: str) -> _Says | None:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            advice = _CERTIFICATE_ADVICE.get(cause.verify_code, "check source.base_url")
            reason = cause.verify_message.rstrip(".")
            return SourceRefusedError, f"the certificate of {peer} is refused: {reason}; {advice}"
        if isinstance(cause, ssl.SSLError):
            if cause.reason in _NO_TLS:
                advice = "if it is an HTTP server, write its address with http://"
                return SourceRefusedError, f"{peer} does not speak TLS; {advice}"
            reason = (cause.reason or "no reason given").replace("_", " ").lower()
            return SourceUnavailableError, f"TLS with {peer} failed: {reason}"
    return None


def _tunnel(causes: list[BaseException], *, proxy: str) -> _Says | None:
    """What a proxy answered instead of connecting us."""
    found = (_TUNNEL.search(str(cause)) for cause in causes if type(cause) is OSError)
    status = next((int(match[1]) for match in found if match), None)
    if status is None:
        return None
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return UsageError, _login(proxy)
    kind = SourceUnavailableError if status >= 500 else SourceRefusedError
    return kind, f"{proxy or 'the proxy'} does not connect: HTTP {status}"


def _network(causes: list[BaseException], *, peer: str, limits: Limits) -> _Says | None:
    words = ""
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            words = f"the name of {peer} was not found: {cause.strerror}; check it, and the network"
        elif isinstance(cause, http.client.RemoteDisconnected):
            words = f"{peer} closed the connection without an answer"
        elif isinstance(cause, ConnectionRefusedError):
            words = f"{peer} refused the connection; check the address, and whether it is running"
        elif isinstance(cause, ConnectionError):
            words = f"{peer} broke the connection off"
        elif isinstance(cause, TimeoutError) and "handshake" in str(cause):
            limit = f"limits.connect_timeout_s: {limits.connect_timeout_s:g}"
            words = f"{peer} made no TLS connection within {limit}"
        elif isinstance(cause, urllib3.exceptions.NewConnectionError):
            words = f"no connection to {peer}"
        elif isinstance(cause, urllib3.exceptions.ConnectTimeoutError):
            limit = f"limits.connect_timeout_s: {limits.connect_timeout_s:g}"
            words = f"no connection to {peer} within {limit}"
        elif isinstance(cause, urllib3.exceptions.ReadTimeoutError):
            words = f"{peer} sent nothing for limits.read_timeout_s: {limits.read_timeout_s:g}"
        elif type(cause) is OSError and cause.strerror:
            words = f"{peer} cannot be reached: {cause.strerror}"
    return (SourceUnavailableError, words) if words else None


def _protocol(causes: list[BaseException], *, peer: str, request: HttpRequest) -> _Says | None:
    for cause in causes:
        if isinstance(cause, http.client.BadStatusLine):
            line = request.sanitize(str(cause))[:80]
            return SourceUnavailableError, f"{peer} does not answer in HTTP, but with {line}"
        if isinstance(cause, http.client.HTTPException):
            return SourceUnavailableError, f"{peer} sent headers without end: {cause}"
    return None


def _peer(url: str) -> str:
    """Host and port, without a login."""
    try:
        return urlsplit(url if "//" in url else f"//{url}").netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _proxy(url: str) -> str:
    """The proxy for *url* by name and port; empty where there is none."""
    try:
        proxy = select_proxy(url, get_environ_proxies(url, no_proxy=None))
    except ValueError:
        return ""
    return f"the proxy {_peer(proxy)}".strip() if proxy else ""


def _is_url(url: str) -> bool:
    try:
        return bool(urllib3.util.parse_url(url).host)
    except urllib3.exceptions.LocationParseError:
        return False
