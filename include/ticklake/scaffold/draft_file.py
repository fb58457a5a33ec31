"""Write the text of a drafted feed file; everything inferred is marked ``guess``."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import yaml

from include.ticklake.errors import FeedFileError, UsageError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.scaffold.infer_event_time import infer_order
from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_paging import InferredPaging
from include.ticklake.scaffold.infer_slices import InferredSlice
from include.ticklake.scaffold.infer_window import UNKNOWN, TimeParam
from include.ticklake.scaffold.logins import is_login
from include.ticklake.scaffold.merge_urls import ProbedAddress
from include.ticklake.scaffold.record_form import FIRST_ROW, RecordForm

_MAX_NOT_READ = 50


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
        return "\n".join([*self._head(), *self._source(), *self._table()]) + "\n"

    def feed(self) -> Feed:
        """The feed that the file describes; times that are to be chosen have a text in them.

        ``UsageError`` if it is not a valid one.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "draft.yaml"
            path.write_text(self.text().replace(UNKNOWN, "x"), encoding="utf-8")
            try:
                return loader.read_feed(path)
            except FeedFileError as error:
                problem = str(error).replace(f"{path}:", "line ")
                raise UsageError(f"no feed can be drafted from this page: {problem}") from None

    def _head(self) -> Iterator[str]:
        yield f"# A first draft, by: probe {' '.join(map(_shown, self.address.urls))}"
        yield "# Check every guess against the API's documentation, then run: feeds --check"
        yield "source:"

    def _source(self) -> Iterator[str]:
        yield "  kind: http"
        yield f"  base_url: {_text(self.address.origin)}"
        yield _commented(
            f"  path: {_text(self.path)}", "; ".join(param.note for param in self.path_times)
        )
        yield from self._params()
        yield from self._records()
        if self.paging.capture:
            yield f"  capture: {_text(self.paging.capture)}"
        yield f"  paging: {_text(self.paging.options)}  # {self._paging_note()}"
        if self.errors:
            yield f"  errors: {_text(dict(self.errors))}  # guess: as in this page, which succeeded"

    def _records(self) -> Iterator[str]:
        yield f"  records: {_text(self.form.records)}  # guess: {_line(self.form.reason)}"
        notes = {
            "columns": "only the number of values is known",
            "add": "beside the records, and copied into each",
        }
        is_named = self.form.columns == FIRST_ROW or self.form.shape == "columns"
        for option, value in self.form.options().items():
            has_note = option in notes and not (option == "columns" and is_named)
            yield _commented(f"  {option}: {_text(value)}", notes[option] if has_note else "")
        if self.not_read:
            more = len(self.not_read) - _MAX_NOT_READ
            shown = ", ".join(self.not_read[:_MAX_NOT_READ]) + f" and {more} more" * (more > 0)
            yield f"  # not read, and outside of the records: {_line(shown)}"

    def _paging_note(self) -> str:
        seen, reason = self.paging.seen, self.paging.reason
        return _line(f"seen working: {seen}" if seen else f"guess: {reason}")

    def _params(self) -> Iterator[str]:
        lines = [*self._param_lines()]
        sent = [line for line in lines if not line.lstrip().startswith("#")]
        yield "  params:" if sent else "  params: {}"
        yield from lines
        if self._asks_for_no_window:
            start, end = (f"{{{bound}_{self._unit}}}" for bound in ("start", "end"))
            yield "    # guess: this asks for no time, so each hour gets the same records. Add the"
            yield f"    # API's parameters for a window, such as  since: '{start}'  until: '{end}'"

    def _param_lines(self) -> Iterator[str]:
        by_slice = {inferred.param: f"{{{name}}}" for name, inferred in self.slices.items()}
        for name, value in self.address.params.items():
            if name in self.paging.paging_params:
                continue
            if is_login(name):
                yield f"    # guess: {_line(name)} is a secret; put it into a connection and set"
                yield f"    # source.auth: {{kind: query, name: {_text(name)}, connection: ...}}"
                continue
            if name in self.frozen:
                note = f"{value} is one position forever; set source.paging, or leave {name} out"
                yield _commented(f"    {_text(name)}: {_text(UNKNOWN)}", note)
                continue
            param = self.window.get(name)
            text = param.template if param else by_slice.get(name, value)
            yield _commented(f"    {_text(name)}: {_text(text)}", param.note if param else "")

    def _table(self) -> Iterator[str]:
        if self.slices:
            yield "slices:"
            for column, inferred in self.slices.items():
                yield f"  {column}: {_text(inferred.values)}  # guess: list all that you need"
        event_time = self.event_time
        if event_time is None:
            why = "a current state" if self._has_times else "no field is a time"
            yield f"snapshot: true  # guess: {why}; the time of a record is that of the request"
            yield "order: none"
        else:
            yield f"order: {infer_order(event_time)}  # guess: as in this page"
        if self.candle:
            yield f"candle: {self.candle}  # guess: the times of this page are so far apart"
        if not any(field.key for field in self.fields):
            yield "# guess: no single column is surely unique; mark those of the key: key: true"
        for name in self.unreachable:
            yield f"# left out: {_line(name)!r}, since no path reaches such a name; the JSON has it"
        yield "fields:"
        yield from map(_field_line, self.fields)
        if event_time is None:
            yield "  fetched_at: {from: $fetched_at, type: timestamp, event_time: true}"

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
        return next((field for field in self.fields if field.event_time), None)

    @property
    def _has_times(self) -> bool:
        return any(field.type == "timestamp" for field in self.fields)


def _shown(url: str) -> str:
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    shown = [(name, "***" if is_login(name) else value) for name, value in pairs]
    query = f"?{urlencode(shown, safe='*,:')}" if shown else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"


def _field_line(inferred: InferredField) -> str:
    options: dict[str, object] = {"from": inferred.source, "type": inferred.type}
    if inferred.unit:
        options["unit"] = inferred.unit
    if inferred.format:
        options["format"] = inferred.format
    if inferred.null_values:
        options["null_values"] = list(inferred.null_values)
    if inferred.precision:
        options["precision"] = inferred.precision
    options |= {name: True for name in ("key", "event_time") if getattr(inferred, name)}
    return _commented(f"  {inferred.name}: {_text(options)}", inferred.reason)


def _commented(line: str, reason: str) -> str:
    return f"{line}  # guess: {_line(reason)}" if reason else line


def _line(text: str) -> str:
    """*text* without what would end a comment: it holds names and values of the source."""
    return "".join(character if character.isprintable() else " " for character in text)


def _text(value: object) -> str:
    """*value* as one line of YAML."""
    dumped: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return dumped.removesuffix("...\n").rstrip("\n")
