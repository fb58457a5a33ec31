"""Write the text of a drafted feed file; everything inferred is marked ``guess``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from include.ticklake.feed.feed import Feed
from include.ticklake.scaffold.draft_records import record_lines
from include.ticklake.scaffold.draft_request import DraftRequest
from include.ticklake.scaffold.draft_table import DraftTable
from include.ticklake.scaffold.draft_text import commented, one_line, read_draft, yaml_text
from include.ticklake.scaffold.infer_event_time import infer_order
from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_paging import InferredPaging
from include.ticklake.scaffold.infer_slices import InferredSlice
from include.ticklake.scaffold.infer_window import TimeParam
from include.ticklake.scaffold.logins import is_login
from include.ticklake.scaffold.merge_urls import ProbedAddress
from include.ticklake.scaffold.record_form import RecordForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All that a feed file is written from."""

    address: ProbedAddress
    path: str
    """Of the address, with placeholders for the times in it, too."""
    slices: Mapping[str, InferredSlice]
    window: Mapping[str, TimeParam]
    path_times: Sequence[TimeParam]
    form: RecordForm
    paging: InferredPaging
    errors: Mapping[str, object] = field(default_factory=dict)
    fields: list[InferredField]
    unreachable: Sequence[str] = ()
    candle: str | None = None
    frozen: Collection[str] = ()
    """Parameters that name a position, which no paging moves on."""
    not_read: Sequence[str] = ()
    """Paths in the body, outside of the records, that no column has."""

    def text(self) -> str:
        """The whole file."""
        return "\n".join([*self._head(), *self._source(), *self._table.lines()]) + "\n"

    def feed(self) -> Feed:
        """The feed that the file describes; times that are to be chosen have a text in them.

        ``UsageError`` if it is not a valid one.
        """
        return read_draft(self.text())

    def _head(self) -> Iterator[str]:
        urls = dict.fromkeys(map(_shown, self.address.urls))
        sent = self.address.body
        option = "" if sent is None else " --form ..." if sent.json is None else " --data ..."
        yield f"# A first draft, by: probe {' '.join(urls)}{option}"
        yield "# Check every guess against the API's documentation, then run: feeds --check"
        yield "source:"

    def _source(self) -> Iterator[str]:
        yield "  kind: http"
        yield f"  base_url: {yaml_text(self.address.origin)}"
        yield commented(
            f"  path: {yaml_text(self.path)}", "; ".join(param.note for param in self.path_times)
        )
        yield from self._params()
        yield from self._request.body_lines()
        yield from record_lines(self.form, not_read=self.not_read)
        if self.paging.capture:
            yield f"  capture: {yaml_text(self.paging.capture)}"
        yield f"  paging: {yaml_text(self._request.paging_options())}  # {self._paging_note()}"
        if self.errors:
            yield commented(
                f"  errors: {yaml_text(dict(self.errors))}", "as in this page, which succeeded"
            )

    def _paging_note(self) -> str:
        seen, reason = self.paging.seen, self.paging.reason
        return one_line(f"seen working: {seen}" if seen else f"guess: {reason}")

    def _params(self) -> Iterator[str]:
        lines = [*self._request.param_lines()]
        sent = [line for line in lines if not line.lstrip().startswith("#")]
        if sent:
            yield "  params:"
        elif self.address.body is None or self._asks_for_no_window:
            yield "  params: {}"
        yield from lines
        if self._asks_for_no_window:
            start, end = (f"{{{bound}_{self._unit}}}" for bound in ("start", "end"))
            yield "    # guess: this asks for no time, so each hour gets the same records. Add the"
            yield f"    # API's parameters for a window, such as  since: '{start}'  until: '{end}'"

    @property
    def _asks_for_no_window(self) -> bool:
        """Whether no run would get beyond where the source starts, or the one page it has.

        Pages from the newest record backward do reach a window, and so do those by id.
        """
        event_time = self.event_time
        if event_time is None or self.window or self.path_times or self.frozen:
            return False
        kind = self.paging.options["kind"]
        has_pages = kind not in ("single", "newest_only")
        is_by_window = {"first_params", "field"} & self.paging.options.keys()
        is_backward = has_pages and infer_order(event_time) != "ascending"
        return kind != "newest_only" and not is_by_window and not is_backward

    @property
    def _unit(self) -> str:
        """How the source writes times, if as a number."""
        unit = self.event_time.unit if self.event_time else None
        return unit if unit in ("s", "ms", "us", "ns") else "iso"

    @property
    def event_time(self) -> InferredField | None:
        """The field that says when a record happened; None of a snapshot."""
        return self._table.event_time

    @property
    def _table(self) -> DraftTable:
        return DraftTable(
            slices=self.slices, fields=self.fields, unreachable=self.unreachable,
            candle=self.candle,
        )  # fmt: skip

    @property
    def _request(self) -> DraftRequest:
        return DraftRequest(
            address=self.address, slices=self.slices, window=self.window, paging=self.paging,
            frozen=self.frozen,
        )  # fmt: skip


def _shown(url: str) -> str:
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    shown = [(name, "***" if is_login(name) else value) for name, value in pairs]
    query = f"?{urlencode(shown, safe='*,:')}" if shown else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"
