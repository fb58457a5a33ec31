"""Draft a feed of bulk files from the addresses of one or more of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from include.ticklake.feed.files_source import FilesSource
from include.ticklake.feed.limits import Limits
from include.ticklake.redaction.addresses import redact_url
from include.ticklake.scaffold import infer_event_time, infer_fields, infer_key
from include.ticklake.scaffold.draft_records import record_lines
from include.ticklake.scaffold.draft_table import DraftTable
from include.ticklake.scaffold.draft_text import commented, read_draft, yaml_text
from include.ticklake.scaffold.file_template import FileTemplate, file_template
from include.ticklake.scaffold.sample_files import (
    CHECKSUMS,
    SampledFiles,
    as_address,
    has_file,
    sample_files,
)

_FILE_ENDINGS = {"zip", "gz", "gzip", "zst", "zstd", "bz2", "csv", "tsv", "ndjson", "jsonl"}


def is_file(text: str) -> bool:
    """Whether *text* is the address of a file rather than of an API: by its scheme or its end."""
    if "://" not in text:
        return Path(text).is_file()
    parts = urlsplit(text)
    if parts.scheme in ("s3", "file"):
        return True
    ending = parts.path.rpartition("/")[2].lower().rpartition(".")[2]
    return parts.scheme in ("http", "https") and not parts.query and ending in _FILE_ENDINGS


def draft_files(
    texts: Sequence[str], *, records: str | None, limits: Limits, asks_for_checksum: bool = True
) -> str:
    """The text of a feed for the files at *texts*, addresses or local paths."""
    addresses = [as_address(text) for text in texts]
    template = file_template(addresses)
    files = sample_files(addresses, records=records, limits=limits)
    checksum = None
    if asks_for_checksum:
        endings = (end for end in CHECKSUMS if has_file(addresses[0] + end, limits=limits))
        checksum = next(endings, None)
    drafted = FileDraft(
        addresses=addresses, template=template, files=files, checksum=checksum,
        table=_table(template, files),
    )  # fmt: skip
    read_draft(drafted.text())
    return drafted.text()


def _table(template: FileTemplate, files: SampledFiles) -> DraftTable:
    sample = files.sample
    inferred = infer_fields.infer_fields(sample.rows, taken=template.slices)
    rows = len(sample.pages[0])
    first = [replace(field, values=field.values[:rows]) for field in inferred.fields]
    fields = infer_event_time.with_event_time(first)
    step_ns = infer_event_time.step_between(fields)
    is_snapshot = not any(field.event_time for field in fields)
    fields = infer_key.with_key(fields, is_snapshot=is_snapshot, step_ns=step_ns)
    path = urlsplit(template.address).path
    return DraftTable(
        slices=template.slices, fields=fields, unreachable=inferred.unreachable,
        candle=infer_event_time.candle_length(fields, url_path=path, step_ns=step_ns),
        window=template.window if template.window != "1h" else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDraft:
    """All that a feed of files is written from."""

    addresses: Sequence[str]
    template: FileTemplate
    files: SampledFiles
    checksum: str | None
    table: DraftTable

    def text(self) -> str:
        """The whole feed file."""
        return "\n".join([*self._head(), *self._source(), *self.table.lines()]) + "\n"

    def _head(self) -> Iterator[str]:
        yield f"# A first draft, by: probe {' '.join(map(redact_url, self.addresses))}"
        yield "# Check every guess against the publisher's documentation, then run: feeds --check"
        yield "source:"

    def _source(self) -> Iterator[str]:
        address = self.template.address
        yield "  kind: files"
        time = [f"a time, for windows of {self.template.window}"] if self.template.window else []
        found = [*self.template.slices, *time]
        what = f"found in it: {', '.join(found)}" if found else "no time and no slice is in it"
        yield commented(f"  address: {yaml_text(address)}", what)
        if urlsplit(address).scheme == "file":
            yield "  # its folder, or one above it, must be in TICKLAKE_FILES"
        form = self.files.sample.form
        known = FilesSource(kind="files", address=address, format="csv")
        if known.packing != self.files.compression:
            yield f"  compression: {self.files.compression}  # as the file begins"
        lines = record_lines(form)
        if form.format == "json":
            yield from ([] if known.packed_format == "json" else ["  format: json"])
        elif known.packed_format == form.format:
            lines = (line for line in lines if not line.startswith("  format:"))
        yield from lines
        if self.checksum:
            yield f"  checksum: '{{address}}{self.checksum}'  # it is there"
