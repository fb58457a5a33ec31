"""The feeds' files, the connections that they name, and on request the hosts that they read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import requests

from include.ticklake.doctor.diagnosis import Diagnosis
from include.ticklake.errors import TicklakeError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.redaction.masking import mask
from include.ticklake.sources.connection import connection_text

_TIMEOUT_S = (5, 10)
_AT_ONCE = 8
_REFUSALS = (403, 451)
"""How APIs answer to a country, or to a cloud's addresses, that they do not serve."""


def check_feeds(feeds: list[Feed], env: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Yield what is wrong with each feed file; add the valid ones to *feeds*."""
    try:
        paths = loader.feed_paths(env)
    except TicklakeError as error:
        yield Diagnosis.fail("feeds", str(error), "correct the setting")
        return
    for path in paths.values():
        try:
            feeds.append(loader.check_feed(path)[0])
        except TicklakeError as error:
            fix = "correct the file; the other feeds are not affected"
            yield Diagnosis.fail("feeds", str(error), fix)
    yield Diagnosis.ok("feeds", f"{len(feeds)} of {len(paths)} are valid")


def check_connections(feeds: list[Feed], env: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Yield each connection that a feed names and *env* does not have."""
    by_connection: dict[str, list[str]] = {}
    for feed in feeds:
        if connection := connection_of(feed):
            by_connection.setdefault(connection, []).append(feed.name)
    for connection, names in by_connection.items():
        try:
            variable, _ = connection_text(connection, env)
        except TicklakeError as error:
            yield Diagnosis.warn(
                "connections", f"{', '.join(names)}: {error}",
                "for the command line, export that variable; in Airflow, add the connection",
            )  # fmt: skip
        else:
            yield Diagnosis.ok("connections", f"{', '.join(names)}: {variable} is set")


def check_network(
    feeds: list[Feed], base_url_for: Callable[[Feed], str | None]
) -> Iterator[Diagnosis]:
    """Yield whether each feed's host answers, whatever it answers, or what stands in for it."""
    urls = {base_url_for(feed) or url for feed in feeds if (url := _base_url(feed))}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(_check_url, sorted(urls))


def _check_url(url: str) -> Diagnosis:
    host = urlsplit(url).netloc.rpartition("@")[2]
    try:
        with requests.get(url, timeout=_TIMEOUT_S, allow_redirects=False, stream=True) as answer:
            status = answer.status_code
    except requests.RequestException as error:
        fix = "check the name, the firewall, and HTTPS_PROXY; a source may also refuse a country"
        return Diagnosis.fail("network", f"{host} does not answer: {_reason(error)}", fix)
    if status in _REFUSALS:
        fix = "the source may not serve this country or cloud: use another host, or a proxy"
        return Diagnosis.warn("network", f"{host} answers with HTTP {status}", fix)
    return Diagnosis.ok("network", f"{host} answers")


def _reason(error: requests.RequestException) -> str:
    """What happened, without the address and the classes around it."""
    inner = getattr(error.args[0] if error.args else None, "reason", None) or error
    text = str(inner)
    return mask(text.partition("): ")[2] or text)[:200]


def connection_of(feed: Feed) -> str | None:
    """The Airflow connection that *feed* names; None where it names none."""
    auth = getattr(feed.source, "auth", None)
    name = getattr(auth, "connection", None) or getattr(feed.source, "connection", None)
    return str(name) if name else None


def _base_url(feed: Feed) -> str | None:
    return getattr(feed.source, "base_url", None)
