"""What the API can do, by name: what is legal, and what contradicts the feed or itself.

Each server takes note of what it did in a ``Behaviours``. From that the judge knows whether
the run must succeed, and the test whether everything was tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

LEGAL = {
    "records": (
        "no records",
        "records that share an instant",
        "records before the window",
        "records after the window",
    ),
    "answers": (
        "429 once",
        "500 once",
        "a cut body once",
        "changed bytes on the retry",
        "an error envelope once",
        "a redirect on the same host",
        "a chunked body",
        "a gzip body",
        "records as arrays",
        "records in an object",
        "HTTP 201",
        "HTTP 206",
        "no records: an empty array",
        "no records: null",
        "no records: missing",
        "no records: empty_object",
        "no records: empty_text",
        "no records: false",
    ),
    "bare answers": ("no records: empty_body", "no records: HTTP 204"),
    "runs": ("an extraction that died was resumed", "a second run"),
    "jitter": ("a late record", "a late record over the window's edge"),
    "lists": (
        "no order",
        "edge repeat",
        "short page",
        "hidden record",
        "empty page before the end",
    ),
}

LIES = {
    "records": (
        "a record without its event time",
        "a key with two values",
        "only records outside the window",
    ),
    "answers": (
        "an error envelope for good",
        "an error that the feed does not know",
        "a cut body for good",
        "a refusal for good",
        "HTML instead of JSON",
    ),
    "lists": ("ignored parameter", "ignored parameter, moving prices"),
}
"""Exact, or an error that commits nothing."""

_EVERY = ("records", "answers", "runs")
_LISTS = (*_EVERY, "jitter", "lists")
_BARE = "bare answers"  # of kinds that need nothing beside the records
_CURSORS = ("the cursor leads round", "a page comes again in place of the next")

BY_KIND: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "single": ((*_EVERY, _BARE), ("no order", "a page that is not full"), ("a full page",)),
    "newest_only": ((*_EVERY, _BARE), ("the page reaches back far enough",), ("a full page",)),
    "page": (
        (*_LISTS, _BARE),
        ("ends: empty", "ends: repeated", "ends: refused", "ends: has_more", "ends: total_pages",
         "ends: short page"),
        ("signals disagree", "wraps round", "a page comes again in place of the next",
         "nothing where the total says that there is more"),
    ),
    "offset": (
        (*_LISTS, _BARE),
        ("ends: empty", "ends: has_more", "ends: total", "ends: short page"),
        ("signals disagree", "wraps round", "a total that is too small",
         "a total that is too large", "an empty page of unknown length",
         "nothing where the total says that there is more", "what is hidden makes a page repeat"),
    ),
    "cursor": (
        _LISTS,
        ("ends: missing", "ends: null", "ends: false", "ends: empty text", "ends: end cursor",
         "ends: has_more", "ends: same cursor", "cursor: text", "cursor: number",
         "cursor: large number", "cursor: true", "cursor: template", "cursor: array",
         "cursor: object", "first page by time"),
        (*_CURSORS, "more, but no cursor", "an end cursor that is not declared",
         "empty pages forever"),
    ),
    "header_cursor": (
        (*_LISTS, _BARE),
        ("ends: missing", "ends: empty text", "ends: end cursor", "ends: same cursor"),
        (*_CURSORS, "an end cursor that is not declared"),
    ),
    "link_header": (
        (*_LISTS, _BARE),
        ("ends: missing", "ends: other links", "link: quoted", "link: token", "link: two relations",
         "link: after others", "link: quoted semicolon", "link: semicolon in the address",
         "link: relative"),
        _CURSORS,
    ),
    "next_url": (
        _LISTS,
        ("ends: missing", "ends: null", "ends: empty text", "ends: false", "url: absolute",
         "url: path", "url: query"),
        _CURSORS,
    ),
    "time_forward": (
        (*_EVERY, _BARE),
        ("ends: empty", "ends: short page", "ends: has_more", "short page",
         "the edge is asked for again", "newest first", "the range's end is ignored"),
        ("a page of one instant", "ignored parameter", "ignored parameter, moving prices"),
    ),
    "time_backward": (
        (*_EVERY, _BARE),
        ("ends: empty", "ends: short page", "ends: has_more", "short page",
         "the edge is asked for again", "newest first", "the range's start is ignored"),
        ("a page of one instant", "ignored parameter", "ignored parameter, moving prices"),
    ),
    "time_steps": (
        (*_EVERY, _BARE),
        ("no order", "empty page before the end", "edge repeat", "newest first",
         "a page that is not full"),
        ("a full page", "ignored parameter"),
    ),
    "id_forward": (
        (*_EVERY, _BARE, "jitter"),
        ("ends: empty", "ends: short page", "ends: has_more", "short page", "gaps between ids"),
        ("ignored parameter", "ignored parameter, moving prices", "the id is included again"),
    ),
    "id_backward": (
        (*_EVERY, _BARE, "jitter"),
        ("ends: empty", "ends: short page", "ends: has_more", "short page", "gaps between ids"),
        ("ignored parameter", "ignored parameter, moving prices", "the id is included again"),
    ),
    "id_search": (
        (*_EVERY, _BARE, "jitter"),
        ("forward", "backward", "short page", "gaps between ids"),
        ("ignored parameter", "ignored parameter, moving prices"),
    ),
}  # fmt: skip
"""Paging kind -> groups of behaviours, its own legal ones, its own lies."""


def legal(kind: str) -> frozenset[str]:
    """What a source of this kind may do; each record of the window must come all the same."""
    groups, own, _ = BY_KIND[kind]
    return frozenset(own).union(*(LEGAL.get(group, ()) for group in groups))


def lies(kind: str) -> frozenset[str]:
    """What contradicts the feed or itself: each record of the window comes, or an error."""
    groups, _, own = BY_KIND[kind]
    return frozenset(own).union(*(LIES.get(group, ()) for group in groups))


class Behaviours:
    """What one API did in one case, and the one behaviour that the case is about, if any."""

    def __init__(self, kind: str, *, focus: str | None = None) -> None:
        self.focus = focus
        self.counts: Counter[str] = Counter()
        self._lies = lies(kind)
        self._known = legal(kind) | self._lies

    def note(self, name: str) -> None:
        """The API does this now."""
        assert name in self._known, f"{name!r} is not in the table of behaviours"
        self.counts[name] += 1

    def choose(self, draw: DrawFn, options: Sequence[str], *, prefix: str = "") -> str:
        """One of *options*: the one in focus, or any; of lies then ``none``, which is the first."""
        names = [prefix + option for option in options]
        if self.focus in names:
            return options[names.index(self.focus)]
        if self.focus and options[0] == "none":
            return "none"
        return draw(st.sampled_from(options))

    def happens(self, draw: DrawFn, name: str) -> bool:
        """Whether the behaviour *name* is tried: where it is in focus, and sometimes else."""
        return self.focus == name or draw(st.integers(0, 3)) == 0

    @property
    def told_lies(self) -> list[str]:
        """Those that make an error right."""
        return sorted(self._lies & self.counts.keys())
