"""The columns of a CSV text: those that the feed names, or those of its header."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from include.ticklake.errors import MalformedPageError, SourceRefusedError, did_you_mean
from include.ticklake.model.case_clashes import name_clashes
from include.ticklake.model.record import Record

_MAX_LISTED = 20
_MAX_NAME = 40


class CsvColumns:
    """Names values by their place in a row."""

    def __init__(
        self,
        names: Sequence[str] | None,
        *,
        has_header: bool,
        required: Collection[str] = (),
        may_be_empty: bool = False,
    ) -> None:
        self.needs_header = has_header
        self.template = b""
        """A row of plain values as an object."""
        self._expected = names
        self._required = required
        self._may_be_empty = may_be_empty
        self._prefixes: list[bytes] = []
        self._least_values = 0
        if names is not None:
            self._name([name.rstrip("?") for name in names])
            self._least_values = max(1, sum(not name.endswith("?") for name in names))

    def __str__(self) -> str:
        most = len(self._prefixes)
        least = f"{self._least_values} to " if self._least_values < most else ""
        return f"{least}{most} columns"

    def record(self, values: Sequence[bytes]) -> Record | None:
        """The object of *values*, which are JSON; None where they do not fit."""
        if not self._least_values <= len(values) <= len(self._prefixes):
            return None
        pairs = zip(self._prefixes, values, strict=False)  # optional values may be missing
        return Record(b"".join(part for pair in pairs for part in pair) + b"}")

    def read_header(self, values: Iterable[bytes], *, line: int) -> None:
        """Take the names of the row at *line*; ``SourceRefusedError`` where they are not right."""
        names = [msgspec.json.decode(value) or "" for value in values]
        if self._expected is not None:
            self._check_expected(names, [name.rstrip("?") for name in self._expected])
        for first, second in name_clashes(names):
            raise SourceRefusedError(
                f"line {line}: the header has {_shown([first])} and {_shown([second])}, which are "
                "equal or differ by case only, so that a feed cannot tell them apart; ask the "
                "source for other names"
            )
        for name in self._required:
            if name not in names:
                hint = did_you_mean(name, names) or f"; it has {_shown(names)}"
                raise SourceRefusedError(
                    f"line {line}: the header has no {name!r}, which a field reads{hint}; correct "
                    "the field's `from`, or write `required: false` for a column that may be absent"
                )
        self.needs_header = False
        if self._expected is None:
            self._name(names)
            self._least_values = len(names)

    def check_header(self, *, is_read: bool) -> None:
        """At the end of the text: refuse one that ended before it said that it has no rows."""
        if is_read and not self.needs_header:
            return
        if not is_read and self._may_be_empty:
            return
        if is_read:
            raise MalformedPageError("there are only blank lines, and no header")
        raise MalformedPageError(
            "the text is empty; if that means that there are no records, set "
            "`may_be_empty: true` in a source of files, `no_records: [empty_body]` of an API"
        )

    def _check_expected(self, names: list[str], expected: list[str]) -> None:
        least = sum(not name.endswith("?") for name in self._expected or ())
        if names != expected[: max(least, len(names))]:
            raise SourceRefusedError(
                f"the header has changed: it has {_shown(names)}, and source.columns has "
                f"{_shown(expected)}; correct source.columns and the fields that read them"
            )

    def _name(self, names: Sequence[str]) -> None:
        encoded = [msgspec.json.encode(name) for name in names]
        self._prefixes = [
            (b"," if number else b"{") + name + b":" for number, name in enumerate(encoded)
        ]
        escaped = (prefix.replace(b"%", b"%%") for prefix in self._prefixes)
        self.template = b"".join(prefix + b'"%b"' for prefix in escaped) + b"}"


def _shown(names: Sequence[str]) -> str:
    listed = [repr(name[:_MAX_NAME]) for name in names[:_MAX_LISTED]]
    more = len(names) - len(listed)
    return ", ".join(listed) + (f" and {more} more" if more > 0 else "")
