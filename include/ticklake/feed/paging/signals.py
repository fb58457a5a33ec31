"""What a source says of its pages: a flag, a total, and how full a page is."""

from __future__ import annotations

from dataclasses import dataclass

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.paging.protocol import PageInfo, Paging

HAS_MORE = "Name of a captured flag that is true while there are more pages."


class ShortPages:
    """Whether a page with fewer than ``page_rows`` records is the last one.

    Only after a full page: a source may return 100 records at most, whatever it is asked for, and
    then each of its pages is short.
    """

    def __init__(self, page_rows: int | None, *, had_full_page: bool = False) -> None:
        self._page_rows = page_rows
        self.had_full_page = had_full_page
        """Whether a page had as many records as the feed says."""

    def is_last(self, info: PageInfo) -> bool:
        """Whether *info* is a short page after a full one."""
        if self._page_rows is None:
            return False
        if info.rows >= self._page_rows:
            self.had_full_page = True
            return False
        return self.had_full_page


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where another process resumes, with what the pager knows by then: ``7``, ``7/300``, ``7+``.

    A cursor without that, of an earlier version, knows nothing.
    """

    at: int
    known: int | None = None
    """A total, or the rows of the largest page, or the newest id: as the pager likes."""
    had_full_page: bool = False

    def __str__(self) -> str:
        known = "" if self.known is None else f"/{self.known}"
        return f"{self.at}{known}{'+' * self.had_full_page}"

    @classmethod
    def parse(cls, cursor: str | None, *, start: int) -> ResumePoint:
        """The point that *cursor* stands for; *start* without one."""
        if cursor is None:
            return cls(start)
        at, _, known = cursor.rstrip("+").partition("/")
        return cls(int(at), int(known) if known else None, cursor.endswith("+"))


class Total:
    """A captured count of all records, or pages, which the source sends with each page."""

    def __init__(self, name: str | None, *, last: int | None = None) -> None:
        self._name = name
        self.last = last
        """The count of the last page that had one."""

    def read(self, info: PageInfo) -> int | None:
        """The count by this page, or by an earlier one; None where there is none.

        A count that falls means that records were removed: later ones moved to earlier pages.
        """
        total, last = count(info, self._name), self.last
        if total is None:
            return last
        if last is not None and total < last:
            raise contradiction(
                f"{self._name} fell from {last} to {total} between two pages, so that records may "
                "have been skipped"
            )
        self.last = total
        return total


def starts_over(paging: Paging) -> str:
    """Why a page came before, and what to check."""
    options = (getattr(paging, option, None) for option in ("kind", "param", "start_param", "url"))
    named = ", ".join(str(option) for option in options if option)
    return f"the source ignores its parameter or starts over; check source.paging ({named})"


def has_more(info: PageInfo, name: str | None) -> bool | None:
    """What the captured flag *name* says of more pages; None where the page has no such flag."""
    value = info.captured.get(name) if name else None
    flags = {"true": True, "1": True, "false": False, "0": False, "none": None, "": None}
    try:
        return flags[str(value).lower()]
    except KeyError:
        raise MalformedPageError(
            f"{name!r} is neither true nor false; check source.capture.{name}"
        ) from None


def has_flag(info: PageInfo, name: str | None) -> bool:
    """Whether the page has the captured flag *name*."""
    return has_more(info, name) is not None


def count(info: PageInfo, name: str | None) -> int | None:
    """The captured count *name*, such as a total; None where the page has no such count."""
    value = info.captured.get(name) if name else None
    try:
        return None if value is None else int(str(value))
    except ValueError:
        raise MalformedPageError(
            f"{name!r} is not an integer; check source.capture.{name}"
        ) from None


def must_be_last(more: bool | None, problem: str) -> None:
    """Refuse a page that leads to no other, although its flag says that there are *more*."""
    if more:
        raise contradiction(problem)


def must_be_captured(info: PageInfo, name: str) -> None:
    """Refuse a full first page without the captured value *name*, which leads to the next page.

    A path that is misspelled looks the same as a source that leaves the value out at its end.
    """
    if info.is_full and name not in info.captured:
        raise MalformedPageError(
            f"is full, but has nothing at source.capture.{name}, so that records may be missing; "
            "correct that path, or, if the source leaves it out on its last page, set "
            "source.paging.may_lack_next: true"
        )


def contradiction(problem: str) -> MalformedPageError:
    """The error for a page that says at once that there are more pages and that there are none."""
    return MalformedPageError(
        f"the source contradicts itself: {problem}; check source.paging and source.capture"
    )


def no_records(says: str, where: str, option: str) -> MalformedPageError:
    """The error for pages that end without records, by a count that promised some.

    A source may count what it does not show. Or it shows no page behind a certain depth.
    """
    return MalformedPageError(
        f"the source contradicts itself: {says}, but it has no records from {where} on, so that "
        "records may be missing; choose a shorter window, or, if the source counts records that "
        f"it does not show, remove source.paging.{option}"
    )
