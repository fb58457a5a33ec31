"""A list of records that is cut into pages beforehand: short ones, empty ones, with a repeat."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.records import Row, broken, listed

ORDERS = ("ascending", "descending", "no order")


@dataclass(frozen=True, kw_only=True)
class CutList:
    """The pages of a list."""

    rows: list[Row]
    pages: list[list[Row]]
    """At least one."""
    order: str
    page_rows: int
    """Records of a full page."""
    full: bool
    """Whether each page but the last is full: a shorter one is the last then."""

    def page(self, number: int) -> list[Row]:
        """The page with that number from 0 on; none behind the last."""
        return self.pages[number] if number < len(self.pages) else []

    def instead(self, number: int, behaviours: Behaviours) -> list[Row]:
        """The page before the one with that *number*, where it can be seen that it is wrong."""
        times = {row["t"] for row in self.page(number - 1)} if number % 2 else set()
        if len(times) < 2:  # a page of one record may be a repeated edge
            return self.page(number)
        behaviours.note("a page comes again in place of the next")
        return self.page(number - 1)

    def stuck(self, number: int, *, requests: int, moving: bool) -> list[Row]:
        """The page for *number* of a source that knows only its first one with records.

        Where prices are *moving*, they differ with each of the *requests*.
        """
        at = next((n for n, page in enumerate(self.pages) if page), 0)
        if number <= at:
            return self.page(number)
        moved = 1000 * requests if moving else 0
        return [row | {"price": row["price"] + moved} for row in self.pages[at]]


def cut_list(draw: DrawFn, behaviours: Behaviours, *, may_skip: bool, full: bool) -> CutList:
    """A list cut into pages.

    *may_skip*: something beside the records says that there are more pages, so that a page may
    be empty, or hold less than what it hides. *full*: each page but the last is full.
    """
    page_rows = draw(st.integers(1 if behaviours.focus is None else 3, 9))
    order = drawn_order(draw, behaviours)
    sizes = drawn_sizes(draw, behaviours, page_rows=page_rows, full=full)
    rows = listed(draw, behaviours, order=order, late_rows=min(sizes) - 1)
    if order != "none":
        rows = broken(draw, rows, behaviours)
    pages: list[list[Row]] = []
    at = 0
    while at < len(rows):
        size = sizes[len(pages) % len(sizes)]
        pages.append(rows[at : at + size])
        at += size
    if may_skip:
        pages, rows = _hide_some(draw, pages, behaviours)
    if len(pages) > 1 and any(len(page) < page_rows for page in pages[:-1]):
        behaviours.note("short page")
    if not full and behaviours.happens(draw, "edge repeat"):
        pages = _repeat_edges(pages, behaviours)
    return CutList(rows=rows, pages=pages or [[]], order=order, page_rows=page_rows, full=full)


def drawn_order(draw: DrawFn, behaviours: Behaviours) -> str:
    """How the source's records follow each other by time."""
    order = behaviours.choose(draw, ORDERS)
    return "none" if order == "no order" else order


def drawn_sizes(draw: DrawFn, behaviours: Behaviours, *, page_rows: int, full: bool) -> list[int]:
    """How many records there are in a page, in turn."""
    if full or not behaviours.happens(draw, "short page"):
        return [page_rows]
    return draw(st.lists(st.integers(1, page_rows), min_size=1))


def _hide_some(
    draw: DrawFn, pages: list[list[Row]], behaviours: Behaviours
) -> tuple[list[list[Row]], list[Row]]:
    """The pages without the records that the source counts but does not show; and what is left."""
    hidden = (
        draw(st.sets(st.integers(0, 12), min_size=1, max_size=4))
        if behaviours.happens(draw, "hidden record")
        else set()
    )
    empty = (
        draw(st.sets(st.integers(0, 5), min_size=1, max_size=2))
        if behaviours.happens(draw, "empty page before the end")
        else set()
    )
    shown, number = [], 0
    for page_number, page in enumerate(pages):
        kept = []
        for row in page:
            if number in hidden:
                behaviours.note("hidden record")
            else:
                kept.append(row)
            number += 1
        if page_number in empty:
            shown.append([])
        shown.append(kept)
    if any(not page for page in shown[:-1]):
        behaviours.note("empty page before the end")
    return shown, [row for page in shown for row in page]


def _repeat_edges(pages: list[list[Row]], behaviours: Behaviours) -> list[list[Row]]:
    """Each page starts with the last record of the one before, where that had several."""
    repeated = [page[-1:] if len(page) > 1 else [] for page in [[], *pages]]
    if any(repeated[1 : len(pages)]):
        behaviours.note("edge repeat")
    return [edge + page for edge, page in zip(repeated, pages, strict=False)]
