"""A feed in, the form that its DAGs are triggered with out; and what was filled in, read back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from difflib import get_close_matches

from airflow.sdk import Param

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.model.slice import Slice

_UNITS = ((1440, "day"), (60, "hour"), (1, "minute"))

MAX_OPTIONS = 200
"""A longer list is quicker to type into than to scroll, and the browser draws every option."""


def ingest_params(feed: Feed) -> dict[str, Param]:
    """What to ask the source for; one that only knows the present has no range to ask for."""
    if feed.snapshot:
        return _choice(feed)
    return _range(feed, empty="the run's own interval") | _choice(feed)


def rebuild_params(feed: Feed, *, empty: str = "the last window that is over") -> dict[str, Param]:
    """What to read again of all that was fetched, whenever that was; *empty*: without a start."""
    return _range(feed, empty=empty) | _choice(feed)


def selected_slices(feed: Feed, asked: Iterable[str] | None) -> list[Slice] | None:
    """The slices of *feed* that the texts *asked* for name, None if nothing was asked for.

    A text is a slice (``symbol=BTCUSDT,interval=1h``) or some of its values
    (``symbol=BTCUSDT``: every slice that has them). ``UsageError`` for a text that
    is neither.
    """
    texts = [text.strip() for text in asked or () if text.strip()]
    if not texts:
        return None
    known = {str(piece): piece for piece in feed.all_slices}
    found: dict[Slice, None] = {}
    for text in texts:
        having = [known[text]] if text in known else _having(text, known.values())
        if not having:
            raise UsageError(_unknown(feed, text))
        found.update(dict.fromkeys(having))
    return list(found)


def dag_doc(feed: Feed, text: str | None) -> str:
    """What the UI shows on the DAG's page: the feed's facts, then *text*, the DAG file's own."""
    slices = f"{len(feed.all_slices):,} by {', '.join(feed.slices)}" if feed.slices else "none"
    return f"""### {feed.description or feed.name}

| | |
| --- | --- |
| feed | `{feed.name}` |
| source | `{feed.host}` (the pool of the same name limits how many tasks ask it at once) |
| window | {_length(feed.window)} |
| slices | {slices} |

{text or ""}"""


def _length(window: timedelta) -> str:
    minutes = int(window.total_seconds()) // 60
    count, unit = next((minutes // n, unit) for n, unit in _UNITS if minutes % n == 0)
    return f"{count} {unit}{'s' if count > 1 else ''}"


def _range(feed: Feed, *, empty: str) -> dict[str, Param]:
    start = (
        "The first moment wanted. Any range will do: it is cut into windows of "
        f"{_length(feed.window)}. Empty: {empty}."
    )
    end = (
        "The first moment no longer wanted. Empty, with a start: up to the last window that "
        "is over."
    )
    return {
        name: Param(
            None,
            type=["null", "string"],
            format="date-time",
            title=name.capitalize(),
            description_md=text,
        )
        for name, text in (("start", start), ("end", end))
    }


def _choice(feed: Feed) -> dict[str, Param]:
    return {"slices": _slices(feed.all_slices)} if feed.slices else {}


def _having(text: str, slices: Iterable[Slice]) -> list[Slice]:
    pairs = {tuple(pair.split("=", 1)) for pair in text.split(",")}
    return [piece for piece in slices if pairs <= set(piece.values)]


def _slices(known: list[Slice]) -> Param:
    count = len(known)
    if count > MAX_OPTIONS:
        return Param(
            None,
            type=["null", "array"],
            items={"type": "string"},
            title="Slices",
            description_md=f"One per line, such as `{known[0]}`; some of its values select every "
            f"slice that has them. Empty: all {count:,}.",
        )
    options = [str(piece) for piece in known]
    return Param(
        None,
        type=["null", "array"],
        examples=options,
        values_display={str(piece): " ".join(dict(piece.values).values()) for piece in known},
        title="Slices",
        description_md=f"Empty: all {count}.",
    )


def _unknown(feed: Feed, text: str) -> str:
    pairs = [f"{name}={value}" for piece in feed.all_slices for name, value in piece.values]
    known = list(dict.fromkeys(pairs)) + [str(piece) for piece in feed.all_slices]
    by_fold = {each.casefold(): each for each in known}
    near = get_close_matches(text.casefold(), by_fold, n=1)
    hint = f"did you mean {by_fold[near[0]]!r}?" if near else f"there is {', '.join(known[:6])}"
    return f"`slices`: {text!r} is no slice of {feed.name}; {hint}"
