"""The lines of a drafted feed file that say where the records are, and in what form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from include.ticklake.scaffold.draft_text import commented, one_line, yaml_text
from include.ticklake.scaffold.record_form import FIRST_ROW, RecordForm

_MAX_NOT_READ = 50


def record_lines(form: RecordForm, *, not_read: Sequence[str] = ()) -> Iterator[str]:
    """The options of *form*, and the paths of what is *not_read*."""
    if form.format == "json":
        yield commented(f"  records: {yaml_text(form.records)}", form.reason)
    notes = {
        "format": form.reason,
        "columns": "only the number of values is known",
        "add": "beside the records, and copied into each",
    }
    is_named = form.columns == FIRST_ROW or form.shape == "columns"
    for option, value in form.options().items():
        has_note = option in notes and not (option == "columns" and is_named)
        yield commented(f"  {option}: {yaml_text(value)}", notes[option] if has_note else "")
    if not_read:
        more = len(not_read) - _MAX_NOT_READ
        shown = ", ".join(not_read[:_MAX_NOT_READ]) + f" and {more} more" * (more > 0)
        yield f"  # not read, and outside of the records: {one_line(shown)}"
