"""The trigger forms of the DAGs, and what was filled in, read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from airflow.sdk import Param

from include.operators.runners.extract_step import REPLACE
from include.operators.task_info.page_links import coverage_url, quarantine_url
from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.model.slice import Slice
from include.ticklake.model.window_length import Months, WindowLength

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))

_NAMED_FEEDS = 3

_REPLACE_PARAM = Param(
    False,
    type="boolean",
    title="Replace",
    description_md="Replace what was fetched before also where the source no longer returns some "
    "of it. By default such a window is left as it is, and the run says what is missing.",
)

MAX_OPTIONS = 200
"""A longer list is quicker to type into than to scroll, and the browser draws every option."""


def ingest_params(feed: Feed) -> dict[str, Param]:
    """The form of ``ingest_<feed>``; a source without history has no range to fetch."""
    if feed.snapshot:
        return _slice_choice(feed)
    length = format_length(feed.window, as_adjective=True)
    start = (
        f"Start of the range (UTC). It is split into {length} windows. "
        "Defaults to the run's data interval."
    )
    return _range(start) | _slice_choice(feed) | {REPLACE: _REPLACE_PARAM}


def unit_options(params: Mapping[str, object]) -> dict[str, bool]:
    """What a unit says of how it is fetched, beside its slice and window: nothing by default."""
    return {REPLACE: True} if params.get(REPLACE) else {}


def maintenance_params(feeds: Iterable[str], *, default_range: str) -> dict[str, Param]:
    """The form of a maintenance DAG: some of *feeds*, a range and slices."""
    options = list(feeds)
    return {
        "feeds": Param(
            None,
            type=["null", "array"],
            examples=options,
            title="Feeds",
            description_md="The feeds to work on. Defaults to every feed that has data.",
        ),
        **_range(f"Start of the range (UTC). Defaults to {default_range}."),
        "slices": Param(
            None,
            type=["null", "array"],
            items={"type": "string"},
            title="Slices",
            description_md="One per line, such as `symbol=BTCUSDT`: every slice with these values, "
            "in each feed that has one. Defaults to all slices.",
        ),
    }


def selected_slices(feed: Feed, texts: Iterable[str] | None) -> list[Slice] | None:
    """The slices of *feed* that *texts* select; None if the form was left empty.

    A text is a slice (``symbol=BTCUSDT,interval=1h``) or some of its values
    (``symbol=BTCUSDT``: every slice that has them). ``UsageError`` for a text that
    is neither.
    """
    selected = select_slices([feed], texts)
    return None if selected is None else selected[feed.name]


def select_slices(
    feeds: Iterable[Feed], texts: Iterable[str] | None
) -> dict[str, list[Slice]] | None:
    """The slices that *texts* select, by the names of the *feeds* that have some.

    None if the form was left empty; ``UsageError`` for a text that selects nothing in any feed.
    """
    lines = [text.strip() for text in texts or () if text.strip()]
    if not lines:
        return None
    slices = {feed.name: {str(slice_): slice_ for slice_ in feed.all_slices} for feed in feeds}
    selected: dict[str, dict[Slice, None]] = {}
    for line in lines:
        matches = {name: _matching(line, by_text) for name, by_text in slices.items()}
        if not any(matches.values()):
            raise UsageError(_unknown_slice(line, slices))
        for name, match in matches.items():
            if match:
                selected.setdefault(name, {}).update(dict.fromkeys(match))
    return {name: list(of_feed) for name, of_feed in selected.items()}


def dag_doc(feed: Feed, text: str | None) -> str:
    """What the UI shows on the DAG's page: the feed's facts, then *text*, the DAG file's own."""
    slices = _slices_text(feed)
    table_name = feed.target.name
    pages = f"[coverage]({coverage_url(table_name)}), [quarantine]({quarantine_url(table_name)})"
    rows = {
        "feed": f"`{feed.name}`",
        "source": f"`{feed.host}` (the pool of that name limits how many tasks call it at once)",
        **({"into": f"the table of `{table_name}`"} if feed.into else {}),
        "window": f"{format_length(feed.window)}; each run fetches the one that has just ended",
        "slices": slices,
        "late": _lateness(feed),
        "pages": pages,
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"""### {feed.description or feed.name}

| | |
| --- | --- |
{table}

{text or ""}"""


def _slices_text(feed: Feed) -> str:
    if not feed.slices:
        return "none"
    if lists := feed.slice_lists:
        listed = ", ".join(f"{name} as `{of.origin}` lists it" for name, of in lists.items())
        return f"by {', '.join(feed.slices)}; {listed}, read by each run"
    return f"{feed.slice_count:,} by {', '.join(feed.slices)}"


def _lateness(feed: Feed) -> str:
    if feed.fresh_within is None:
        return "no alert; set `fresh_within` in the feed file for one"
    return f"alerts {format_length(feed.fresh_within)} after the end of a window (`fresh_within`)"


def format_length(window: WindowLength, *, as_adjective: bool = False) -> str:
    """``15 minutes``; with *as_adjective*, ``15-minute``."""
    if isinstance(window, Months):
        count, unit = window.count, "month"
    else:
        seconds = int(window.total_seconds())
        count, unit = next((seconds // n, unit) for n, unit in _UNITS if seconds % n == 0)
    if as_adjective:
        return f"{count}-{unit}"
    return f"{count} {unit}{'s' if count > 1 else ''}"


def _range(start: str) -> dict[str, Param]:
    end = (
        "End of the range (UTC), the first moment that is no longer part of it. "
        "Defaults to the end of the last complete window."
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


def _slice_choice(feed: Feed) -> dict[str, Param]:
    if not feed.slices:
        return {}
    if lists := feed.slice_lists:
        example = ",".join(f"{name}=VALUE" for name in feed.slices)
        sources = ", ".join(dict.fromkeys(f"`{of.origin}`" for of in lists.values()))
        param = _slice_lines(example, default=f"all that {sources} lists")
    elif feed.slice_count > MAX_OPTIONS:
        param = _slice_lines(str(feed.first_slice), default=f"all {feed.slice_count:,}")
    else:
        slices = feed.all_slices
        param = Param(
            None,
            type=["null", "array"],
            examples=[str(slice_) for slice_ in slices],
            values_display={
                str(slice_): " ".join(dict(slice_.values).values()) for slice_ in slices
            },
            title="Slices",
            description_md=f"The slices to fetch. Defaults to all {len(slices)}.",
        )
    return {"slices": param}


def _slice_lines(example: str, *, default: str) -> Param:
    """A field to type slices into: of too many to choose from, or of those not known here."""
    return Param(
        None,
        type=["null", "array"],
        items={"type": "string"},
        title="Slices",
        description_md=f"One per line, such as `{example}`; part of a slice's values selects "
        f"every slice that has them. Defaults to {default}.",
    )


def _matching(text: str, by_text: Mapping[str, Slice]) -> list[Slice]:
    if text in by_text:
        return [by_text[text]]
    pairs = {tuple(pair.split("=", 1)) for pair in text.split(",")}
    return [slice_ for slice_ in by_text.values() if pairs <= set(slice_.values)]


def _unknown_slice(text: str, slices: Mapping[str, Mapping[str, Slice]]) -> str:
    options = dict.fromkeys(
        f"{name}={value}"
        for by_text in slices.values()
        for slice_ in by_text.values()
        for name, value in slice_.values
    ) | dict.fromkeys(line for by_text in slices.values() for line in by_text)
    by_fold = {option.casefold(): option for option in options}
    near = get_close_matches(text.casefold(), by_fold, n=1)
    hint = f"did you mean {by_fold[near[0]]!r}?" if near else f"use {', '.join(list(options)[:6])}"
    feeds = ", ".join(slices) if len(slices) <= _NAMED_FEEDS else f"any of {len(slices)} feeds"
    return f"`slices`: {text!r} is not a slice of {feeds}; {hint}"
