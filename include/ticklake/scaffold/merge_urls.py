"""Several URLs of one endpoint as one address: what differs between them is what a feed fills in.

A time that differs is the window, a position in the pages is the paging, and anything else is a
slice: ``/products/BTC-USD/trades`` beside ``/products/ETH-USD/trades`` has the slice ``product``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from include.ticklake.errors import UsageError
from include.ticklake.redaction.addresses import redact_url
from include.ticklake.scaffold.infer_paging import is_position
from include.ticklake.scaffold.infer_slices import InferredSlice, slice_of_path
from include.ticklake.scaffold.infer_window import is_time
from include.ticklake.scaffold.logins import is_login
from include.ticklake.scaffold.probed_body import ProbedBody
from include.ticklake.scaffold.probed_page import is_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedAddress:
    """What the URLs of one endpoint have in common, and what differs."""

    urls: Sequence[str]
    path: str
    """With the placeholders of *path_slices*."""
    query: Sequence[tuple[str, str]]
    """The parameters; a name that has several values stands there with each of them."""
    body: ProbedBody | None = None
    body_pairs: Sequence[tuple[str, str]] = ()
    """The values in the body of a POST, likewise."""
    path_slices: Mapping[str, InferredSlice] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All that the requests send."""
        return [*self.query, *self.body_pairs]

    @property
    def params(self) -> dict[str, str]:
        """The parameters, each name once."""
        return dict(self.query)

    @property
    def origin(self) -> str:
        """Scheme and host."""
        parts = urlsplit(self.urls[0])
        return f"{parts.scheme}://{parts.netloc}"


def merge_urls(urls: Sequence[str], bodies: Sequence[ProbedBody] = ()) -> ProbedAddress:
    """One address for *urls* and the *bodies* that were sent to them.

    ``UsageError`` where they are not of one endpoint.
    """
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise UsageError(
                f"{redact_url(url)}: not an HTTP URL; write it as https://host/path?limit=9"
            )
    first, *others = map(urlsplit, urls)
    paths = [(parts.path or "/").split("/") for parts in (first, *others)]
    for url, parts, segments in zip(urls[1:], others, paths[1:], strict=True):
        if (parts.scheme, parts.netloc) != (first.scheme, first.netloc):
            raise _two_endpoints(urls[0], url, "another host")
        if len(segments) != len(paths[0]):
            raise _two_endpoints(urls[0], url, "another path")
    path, path_slices = _merge_paths(paths)
    if len(path_slices) > 1:
        raise _two_endpoints(urls[0], urls[1], "a path that differs in more than one place")
    queries = [parse_qsl(parts.query, keep_blank_values=True) for parts in (first, *others)]
    return ProbedAddress(
        urls=urls, path=path, query=[*_merge_queries(queries)], path_slices=path_slices,
        body=bodies[0] if bodies else None,
        body_pairs=[*_merge_queries([body.pairs for body in bodies])] if bodies else [],
    )  # fmt: skip


def _two_endpoints(first: str, second: str, problem: str) -> UsageError:
    return UsageError(
        f"{redact_url(second)} has {problem} than {redact_url(first)}; give URLs of one endpoint"
    )


def _merge_paths(paths: Sequence[Sequence[str]]) -> tuple[str, dict[str, InferredSlice]]:
    """The path with a placeholder where it differs; a time stays as the first URL has it."""
    slices: dict[str, InferredSlice] = {}
    segments = []
    for number, values in enumerate(zip(*paths, strict=True)):
        distinct = list(dict.fromkeys(values))
        before = paths[0][number - 1] if number else ""
        if len(distinct) == 1 or all(is_time(before, value) for value in distinct):
            segments.append(values[0])
            continue
        name, inferred = slice_of_path(before, distinct)
        slices[name] = inferred
        segments.append(f"{{{name}}}")
    return "/".join(segments), slices


def _merge_queries(queries: Sequence[Sequence[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    """The parameters of all URLs, in the order of the first."""
    first = dict(queries[0])
    for name in dict.fromkeys(name for query in queries for name, _ in query):
        values = list(dict.fromkeys(value for query in queries for n, value in query if n == name))
        if name not in first and not is_position(name):
            continue  # one URL's own, which the feed need not send
        yield from ((name, value) for value in (values if _is_slice(name, values) else values[:1]))


def _is_slice(name: str, values: Sequence[str]) -> bool:
    """Whether a parameter that has *values* says what is asked for, not which part of it."""
    if is_position(name) or is_limit(name) or is_login(name):
        return False
    return not all(is_time(name, value) for value in values)
