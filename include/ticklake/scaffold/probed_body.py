"""What a POST sends, taken apart as a URL is: names with values, and where each is in the body."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from include.ticklake.errors import UsageError
from include.ticklake.feed.placeholders import is_template
from include.ticklake.model.param_values import Path, plain_text

_MAX_TEXT = 500
"""A longer text is a query, not a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedBody:
    """The body of a POST: JSON, or a form."""

    json: Any = None
    form: Mapping[str, str] | None = None
    places: Mapping[str, Path] = field(default_factory=dict)
    """Name -> where its value is. The name is the last one of the path, if only one has it."""

    @classmethod
    def of_json(cls, text: str, *, taken: Sequence[str] = ()) -> ProbedBody:
        """The JSON body *text*; ``UsageError`` where it is none. *taken* are names in the URL."""
        try:
            value = json.loads(text, parse_float=Decimal)
        except ValueError:
            value = None
        if not isinstance(value, dict | list):
            raise UsageError(
                '--data: not a JSON object or array; write one such as \'{"coin": "BTC"}\', or '
                "send a form with --form name=value"
            )
        return cls(json=value, places=_named([path for path, _ in _leaves(value)], taken=taken))

    @classmethod
    def of_form(cls, pairs: Sequence[str], *, taken: Sequence[str] = ()) -> ProbedBody:
        """The form of *pairs* such as ``coin=BTC``; ``UsageError`` for anything else."""
        form: dict[str, str] = {}
        for pair in pairs:
            name, sign, value = pair.partition("=")
            if not name or not sign or name in form:
                raise UsageError(f"--form {name}: write each field once, as name=value")
            form[name] = value
        return cls(form=form, places=_named([(name,) for name in form], taken=taken))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Names and values, as the parameters of a URL have them; null is an empty text."""
        sent = self.json if self.form is None else self.form
        return [(name, _text(value_at(sent, path))) for name, path in self.places.items()]

    def path_of(self, name: str) -> str:
        """Where paging puts the parameter *name*: in JSON, at a path."""
        path = self.places.get(name)
        return ".".join(map(str, path)) if path and self.form is None else name

    def is_number(self, name: str) -> bool:
        """Whether the value is a number in JSON."""
        if self.form is not None or name not in self.places:
            return False
        value = value_at(self.json, self.places[name])
        return isinstance(value, int | Decimal) and not isinstance(value, bool)


def value_at(value: Any, path: Path) -> Any:  # noqa: ANN401 - any JSON
    """The value at *path*."""
    for name in path:
        value = value[name]
    return value


def with_values(value: Any, new: Mapping[Path, object], *, without: set[Path]) -> Any:  # noqa: ANN401
    """*value* with the *new* values at their paths, and not the members at those of *without*."""
    return _replaced(value, new, without, ())


def _replaced(value: Any, new: Mapping[Path, object], without: set[Path], path: Path) -> Any:  # noqa: ANN401
    if path in new:
        return new[path]
    if isinstance(value, dict):
        members = {name: (*path, name) for name in value}
        return {
            name: _replaced(value[name], new, without, own)
            for name, own in members.items()
            if own not in without
        }
    if isinstance(value, list):
        return [_replaced(one, new, without, (*path, n)) for n, one in enumerate(value)]
    return float(value) if isinstance(value, Decimal) else value


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401 - any JSON
    """The values that may be one of a request's: not those of a list, and no text of a query."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            if isinstance(inner, dict):
                yield from _leaves(inner, (*path, number))
    elif not isinstance(value, bool) and not _is_query(value):
        yield path, value


def _is_query(value: object) -> bool:
    return isinstance(value, str) and (len(value) > _MAX_TEXT or not is_template(value))


def _named(paths: Sequence[Path], *, taken: Sequence[str]) -> dict[str, Path]:
    last = [str(path[-1]) for path in paths if path]
    places: dict[str, Path] = {}
    for path in filter(None, paths):
        name = str(path[-1])
        is_only = last.count(name) == 1 and name not in taken
        places[name if is_only else ".".join(map(str, path))] = path
    return places


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else plain_text(value)  # type: ignore[arg-type]
