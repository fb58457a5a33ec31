"""What may happen to an answer on its way: once, or for good."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.servers import LyingServer
from tests.support.lying_api.writing import Writing
from tests.support.servers.http import ReceivedRequest, Reply

MOST_REQUESTS = 2_000
"""More than any run needs: paging that does not end is seen by this."""

_CUT_ONCE, _CUT = "a cut body once", "a cut body for good"
_CHANGED = "changed bytes on the retry"
_ENVELOPE_ONCE, _ENVELOPE = "an error envelope once", "an error envelope for good"
_UNKNOWN_ERROR = "an error that the feed does not know"
_ONCE = ["429 once", "500 once", _CUT_ONCE, _CHANGED, _ENVELOPE_ONCE,
         "a redirect on the same host"]  # fmt: skip
_FOR_GOOD = [_ENVELOPE, _UNKNOWN_ERROR, _CUT, "a refusal for good", "HTML instead of JSON"]

_FAILED_CODES = st.sampled_from(["E1", 7, True, ["E1", 10020, "bad"], {"id": "E1"}])
_UNKNOWN_ERRORS = st.sampled_from(
    [{"success": False}, {"ok": False}, {"error": "busy"}, {"errors": ["busy"]},
     {"status": "error"}]
)  # fmt: skip
_INSTEAD = st.sampled_from([{"data": []}, {"data": None}, {}])


class LyingApi:
    """Answers as its server says, but for what happens on the way."""

    def __init__(
        self, draw: DrawFn, server: LyingServer, writing: Writing, behaviours: Behaviours
    ) -> None:
        self._server, self._writing, self._behaviours = server, writing, behaviours
        self._mishap = behaviours.choose(draw, _mishaps(writing))
        self._mishap_at = draw(_requests(server, behaviours))
        busy, instead = draw(st.sampled_from(["E503", 503])), draw(_INSTEAD)
        self._bodies = {
            _ENVELOPE_ONCE: {"code": busy, "msg": "busy"} | instead,
            _ENVELOPE: {"code": draw(_FAILED_CODES), "msg": "bad"} | instead,
            _UNKNOWN_ERROR: draw(_UNKNOWN_ERRORS) | instead,
        }
        self._refusal = draw(st.sampled_from([401, 403, 500, 502, 503]))
        dies = behaviours.happens(draw, "an extraction that died was resumed")
        self._dies_at = draw(st.sampled_from([1, 2, 3, 5, 8])) if dies else None
        self.rewrites = self._mishap == _CHANGED
        """Whether it writes one record in two ways, so that only a key tells that it is one."""
        self.died = False
        self.requests = 0
        self.served_ids: set[int] = set()

    def __repr__(self) -> str:
        return f"{self._mishap} at request {self._mishap_at}; {self._writing}"

    def restart(self) -> None:
        """Forget earlier requests, but do not die again."""
        self._server.restart()
        self.requests, self._dies_at = 0, None

    def answer(self, asked: ReceivedRequest) -> Reply:
        """The reply to one request."""
        self.requests += 1
        if self.requests > MOST_REQUESTS:
            return Reply(status=403, body=b"{}")
        if self.requests == self._dies_at:
            self.died = True
            return Reply(status=403, body=b"{}")
        if (reply := self._reply_instead(asked)) is not None:
            return reply
        page = self._server.serve(asked)
        body = self._writing.body(page, changed=self._is_changed())
        if self._is_cut():
            return Reply(body=body, headers=page.headers, cut_after_bytes=len(body) * 7 // 10)
        if "limit" not in asked.params:  # no probe
            self.served_ids.update(row["id"] for row in page.rows)
        return self._writing.reply(page, body)

    def _reply_instead(self, asked: ReceivedRequest) -> Reply | None:
        """The reply that comes in place of the page, where one does."""
        name, after = self._mishap, self.requests - self._mishap_at
        if after < 0 or (name in _ONCE and after > 0):
            return None
        moved = {"Location": f"{asked.path}?{urlencode(asked.params)}&moved=1"}
        html = b"<html>We will be back soon.</html>"
        instead = {
            "429 once": Reply(status=429, headers={"Retry-After": "0"}, body=b"{}"),
            "500 once": Reply(status=500, body=b"oops"),
            "a redirect on the same host": Reply(status=302, body=b"", headers=moved),
            "a refusal for good": Reply(status=self._refusal, body=b"{}"),
            "HTML instead of JSON": Reply(body=html, headers={"Content-Type": "text/html"}),
        } | {
            error: Reply(body=json.dumps(body).encode()) for error, body in self._bodies.items()
        }  # fmt: skip
        if name in instead:
            self._behaviours.note(name)
        return instead.get(name)

    def _is_cut(self) -> bool:
        """Whether the body of this reply is cut."""
        after = self.requests - self._mishap_at
        if (self._mishap == _CUT and after >= 0) or (self._mishap == _CUT_ONCE and after == 0):
            self._behaviours.note(self._mishap)
            return True
        return self._mishap == _CHANGED and after == 0

    def _is_changed(self) -> bool:
        """Whether the same page is written otherwise than the time before."""
        changed = self._mishap == _CHANGED and self.requests == self._mishap_at + 1
        if changed:
            self._behaviours.note(_CHANGED)
        return changed


def _requests(server: LyingServer, behaviours: Behaviours) -> st.SearchStrategy[int]:
    """At which request something happens; a case that is about it should have so many."""
    if server.paging["kind"] in ("single", "newest_only"):
        return st.just(1)
    return st.sampled_from([1, 1, 2, 3, 5] if behaviours.focus is None else [1, 2])


def _mishaps(writing: Writing) -> list[str]:
    """Those that the feed can see: a failure in the body has its own form, or a usual one."""
    unseen = {_ENVELOPE_ONCE, _ENVELOPE, _UNKNOWN_ERROR}
    if writing.is_object:
        unseen -= {_ENVELOPE_ONCE, _ENVELOPE} if writing.has_code else {_UNKNOWN_ERROR}
    return [name for name in ["none"] * 5 + _ONCE + _FOR_GOOD if name not in unseen]
