"""How the bodies of one API look."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.records import Row
from tests.support.lying_api.servers import LyingServer, ServedPage
from tests.support.servers.http import Reply

ERROR_RULES = {"code": "code", "message": "msg", "ok": ["0"], "retry": ["*503"]}

_NOTHING = "no records: "
_IN_OBJECT = {"null": None, "empty_object": {}, "empty_text": "", "false": False}
_NOTHING_IN_OBJECT = ("an empty array", *_IN_OBJECT, "missing")
_NOTHING_AS_BODY = {"null": b"null", "empty_body": b"", "HTTP 204": b""}


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How the bodies of one API look."""

    is_object: bool
    """The records are in an object, under ``data``; otherwise they are the whole body."""
    values_first: bool
    as_arrays: bool
    encoding: str
    """a plain body, a chunked body, or a gzip body."""
    status: int
    nothing: str
    """What stands for no records."""
    has_code: bool
    """Whether the feed knows by ``ERROR_RULES`` how failures look."""
    behaviours: Behaviours

    def source(self) -> dict[str, Any]:
        """What the feed says of the bodies."""
        source: dict[str, Any] = {"records": "data"} if self.is_object else {}
        if self.is_object and self.has_code:
            source["errors"] = ERROR_RULES
        if self.as_arrays:
            source["columns"] = ["id", "t", "price"]
        if self.nothing not in ("an empty array", "null", "HTTP 204"):
            source["no_records"] = [self.nothing]
        return source

    def body(self, page: ServedPage, *, changed: bool = False) -> bytes:
        """*page* as JSON; *changed* names the same values in another order."""
        if not page.rows:
            self.behaviours.note(_NOTHING + self.nothing)
        records: Any = [self._record(row, changed=changed) for row in page.rows]
        if not self.is_object:
            empty = _NOTHING_AS_BODY.get(self.nothing, b"[]")
            return json.dumps(records).encode() if records else empty
        beside = dict(page.beside) | ({"code": 0} if self.has_code else {})
        held = {"data": records or _IN_OBJECT.get(self.nothing, [])}
        if not records and self.nothing == "missing":
            held = {}
        return json.dumps(beside | held if self.values_first else held | beside).encode()

    def reply(self, page: ServedPage, body: bytes) -> Reply:
        """The answer with *body* for *page*."""
        headers = dict(page.headers)
        if not self.is_object and not page.rows and self.nothing == "HTTP 204":
            return Reply(status=204, body=b"", headers=headers)
        sent: bytes | Iterable[bytes] = body
        if self.encoding != "a plain body":
            self.behaviours.note(self.encoding)
        if self.encoding == "a gzip body":
            headers["Content-Encoding"] = "gzip"
            sent = gzip.compress(body, 1)
        elif self.encoding == "a chunked body":
            sent = iter([body[:50], body[50:]])
        status = page.status
        if status == 200 and self.status != 200:
            status = self.status
            self.behaviours.note(f"HTTP {status}")
        return Reply(body=sent, headers=headers, status=status)

    def _record(self, row: Row, *, changed: bool) -> Any:
        if self.as_arrays:
            return [row["id"], row["t"], str(row["price"]) if changed else row["price"]]
        return dict(reversed(row.items())) if changed else row


def drawn_writing(draw: DrawFn, server: LyingServer, behaviours: Behaviours) -> Writing:
    """Any way to write the bodies that *server* allows."""
    focus = str(behaviours.focus)
    in_object = "an error" in focus or focus in ("records in an object", *_named(_IN_OBJECT))
    as_body = focus in (_NOTHING + "empty_body", _NOTHING + "HTTP 204")
    is_object = bool(server.capture) or in_object or (not as_body and draw(st.booleans()))
    writing = Writing(
        is_object=is_object,
        values_first=draw(st.booleans()),
        as_arrays=behaviours.happens(draw, "records as arrays"),
        encoding=behaviours.choose(draw, ["a plain body", "a chunked body", "a gzip body"]),
        status=int(behaviours.choose(draw, ["200", "201", "206"], prefix="HTTP ")),
        nothing=behaviours.choose(
            draw,
            _NOTHING_IN_OBJECT if is_object else ("an empty array", *_NOTHING_AS_BODY),
            prefix=_NOTHING,
        ),
        has_code=focus != "an error that the feed does not know"
        and ("an error envelope" in focus or draw(st.integers(0, 3)) > 0),
        behaviours=behaviours,
    )
    if writing.is_object:
        behaviours.note("records in an object")
    if writing.as_arrays:
        behaviours.note("records as arrays")
    return writing


def _named(words: Iterable[str]) -> list[str]:
    return [_NOTHING + word for word in (*words, "missing")]
