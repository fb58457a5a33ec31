"""Recorded bodies of real APIs, served on loopback by a source that has only their records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import IdSearch
from tests.support.plain_records import at_path
from tests.support.servers.http import Answer, HttpServer, ReceivedRequest, Reply

_NOT_SENT = {"connection", "content-encoding", "content-length", "date", "transfer-encoding"}
"""Headers of the recorded transfer: bodies are kept as they were after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedBody:
    """One answer as its index describes it."""

    file: Path
    exchange: str
    endpoint: str
    url: str
    status: int
    headers: Mapping[str, str]
    records: int

    @property
    def content(self) -> bytes:
        """The body, to the byte."""
        return self.file.read_bytes()

    @property
    def path(self) -> str:
        """The path of its address; where none was kept, the endpoint's name."""
        return quote(urlsplit(self.url).path or f"/{self.endpoint}", safe="/%:(){},=")


def recorded_bodies(folder: Path) -> Iterator[RecordedBody]:
    """Every body that the index of *folder* names."""
    for line in (folder / "index.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        headers = {
            name: values[0]
            for name, values in entry["headers"].items()
            if name.lower() not in _NOT_SENT
        }
        yield RecordedBody(
            file=folder / entry["file"], exchange=entry["exchange"], endpoint=entry["endpoint"],
            url=entry["url"], status=entry["status"], records=entry["records"], headers=headers,
        )  # fmt: skip


def serve_page(server: HttpServer, body: RecordedBody) -> str:
    """Answer with *body*; return the address of that page."""
    reply = Reply(body=body.content, status=body.status, headers=_headers(body, server))
    server.answer_by(body.path, lambda _: reply)
    query = urlsplit(body.url).query
    return f"{server.url}{body.path}{query and '?'}{query}"


def serve_source(server: HttpServer, body: RecordedBody, source: HttpSource) -> None:
    """Answer as a source whose records are those of *body*: by id, or on one page."""
    if isinstance(source.paging, IdSearch):
        server.answer_by(body.path, _by_id(body, source.paging))
        return
    first = Reply(body=body.content, headers=_headers(body, server))
    if source.shape != "array":
        server.answer_by(body.path, lambda _: first)
        return
    content = json.loads(body.content)
    for found in at_path(content, source):
        found.value.clear()
    after_last = Reply(body=json.dumps(content).encode())
    pages = iter([first])
    server.answer_by(body.path, lambda _: next(pages, after_last))


def _by_id(body: RecordedBody, paging: IdSearch) -> Answer:
    records = msgspec.json.decode(body.content, type=list[msgspec.Raw])
    ids = [json.loads(bytes(record))[paging.field] for record in records]

    def answer(asked: ReceivedRequest) -> Reply:
        limit = int(asked.params["limit"])
        first_id = asked.params.get(paging.param)
        if first_id is None:
            found = records[-limit:]
        else:
            found = [
                record for id_, record in zip(ids, records, strict=True) if id_ >= int(first_id)
            ]
        return Reply(body=b"[" + b",".join(map(bytes, found[:limit])) + b"]")

    return answer


def _headers(body: RecordedBody, server: HttpServer) -> dict[str, str]:
    """The headers, whose links lead to *server* as they led to the source."""
    parts = urlsplit(body.url)
    origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else "://"
    return {name: value.replace(origin, server.url) for name, value in body.headers.items()}
