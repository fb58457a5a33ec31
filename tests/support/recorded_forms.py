"""The form of a recorded body: how a feed describes its records, and what they are, read whole.

Both come from one look at the body, by rules that share nothing with ``probe``. The records are
made with ``json`` and ``Decimal``: a second opinion on the reader of all pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_AROUND = {
    "code", "msg", "status", "result", "ret", "ext", "retcode", "retmsg", "time", "ts", "ch",
    "jsonrpc", "usin", "usout", "usdiff", "testnet", "error", "elapsed", "name", "pair", "label",
    "message", "servertime", "timezone", "time_now", "ret_code", "ret_msg", "ext_code", "ext_info",
    "category", "symbol", "nextpagecursor", "updatedtime", "last",
}  # fmt: skip
"""Names of values that stand around records, in lower case."""
_ENTITY_VALUES = 5
_SIDES = {"bids", "asks", "b", "a"}
_RATES = 50
_MANY_COLUMNS = 5

Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """One way to describe a body, and the records that a feed must read then."""

    name: str
    records: list[Any]
    options: Options = field(default_factory=dict)


def form_of(content: Any) -> Form:
    """The form of a body, decoded exactly."""
    forms = (_list, _book, _rates, _columns, _batches, _several, _one_list, _map, _inside, _object)
    return next(form for make in forms if (form := make(content, [])) is not None)


def _list(content: Any, path: list[str]) -> Form | None:
    if not isinstance(content, list):
        return None
    options: Options = {"records": ".".join(path) or "$"}
    if content and not any(isinstance(record, dict | list) for record in content):
        records: list[Any] = [{"value": value} for value in content]
        return Form("array of plain values", records, {**options, "columns": ["value"]})
    if content and all(isinstance(record, list) for record in content):
        names = _names(content)
        return Form("array of arrays", _named(content), {**options, "columns": names})
    return Form("array of objects", content, options)


def _book(content: Any, path: list[str]) -> Form | None:
    """Both sides of an order book, also one book below a name of its own."""
    if not isinstance(content, dict):
        return None
    sides = _SIDES & set(content)
    if len(sides) > 1 and all(_has_levels(content[side]) for side in sides):
        return _arrays_by_name("two sides of a book", content, path, only=sides)
    if len(content) == 1 and (form := _book(next(iter(content.values())), [*path, "*"])):
        return form
    return None


def _has_levels(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(level, dict | list) for level in value)


def _several(content: Any, path: list[str]) -> Form | None:
    """Nothing but arrays, each of another kind."""
    if not isinstance(content, dict) or len(content) < 2:
        return None
    if not all(isinstance(value, list) for value in content.values()):
        return None
    return _arrays_by_name("several arrays", content, path, only=set(content))


def _arrays_by_name(name: str, content: Any, path: list[str], *, only: set[str]) -> Form:
    options: Options = {"records": ".".join([*path, "*"]), "key_as": "array_name"}
    arrays = {key: value for key, value in content.items() if isinstance(value, list)}
    assert set(arrays) == only, arrays.keys()
    everything = [row for rows in arrays.values() for row in rows]
    if any(isinstance(row, list) for row in everything):
        options["columns"] = _names(everything)
    records = [
        {"array_name": key} | record
        for key, rows in arrays.items()
        for record in (_named(rows, of=everything) if "columns" in options else rows)
    ]
    return Form(name, records, options)


def _rates(content: Any, path: list[str]) -> Form | None:
    if not isinstance(content, dict) or len(content) < _RATES:
        return None
    if any(isinstance(value, dict | list) for value in content.values()):
        return None
    records = [{"key": name, "value": value} for name, value in content.items()]
    options = {"records": ".".join([*path, "*"]), "shape": "object", "key_as": "key"}
    return Form("map of plain values", records, {**options, "columns": ["value"]})


def _columns(content: Any, path: list[str]) -> Form | None:
    """Arrays of plain values, with the plain values beside them."""
    if not isinstance(content, dict):
        return None
    arrays = {n: v for n, v in content.items() if isinstance(v, list) and _is_plain(v)}
    if len(arrays) < 2:
        return None
    (length, count), *others = Counter(map(len, arrays.values())).most_common()
    if count < _MANY_COLUMNS and (others or _is_entity(content)):
        return None
    columns = {name: values for name, values in arrays.items() if len(values) == length}
    beside = {n: v for n, v in content.items() if not isinstance(v, dict | list)}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    options = {
        "records": ".".join(path) or "$", "shape": "columns", "columns": list(columns),
        "add": {name: ".".join([*path, name]) for name in beside},
    }  # fmt: skip
    return Form("parallel arrays", [beside | row for row in rows], options)


def _is_plain(values: list[Any]) -> bool:
    return bool(values) and not any(isinstance(value, dict | list) for value in values)


def _batches(content: Any, path: list[str]) -> Form | None:
    """Arrays inside the objects of an array, each with values of its own."""
    batches = content.get("data") if isinstance(content, dict) else None
    if not isinstance(batches, list) or not all(
        isinstance(batch, dict) and isinstance(batch.get("data"), list) for batch in batches
    ):
        return None
    if not batches:
        return None
    add = {"page_time": "ts", "batch_id": "data.item.id", "batch_time": "data.item.ts"}
    records = [
        {"page_time": content["ts"], "batch_id": batch["id"], "batch_time": batch["ts"]} | record
        for batch in batches
        for record in batch["data"]
    ]
    options = {"records": ".".join([*path, "data", "item", "data"]), "add": add}
    return Form("batches within batches", records, options)


def _one_list(content: Any, path: list[str]) -> Form | None:
    """The largest array in an object that has little else."""
    if not isinstance(content, dict) or _is_entity(content):
        return None
    arrays = {n: v for n, v in content.items() if isinstance(v, list) and n != "error"}
    if not arrays:
        return None
    name = max(arrays, key=lambda each: len(arrays[each]))
    is_any = path == ["result"] and name not in ("list", "data")
    return _list(arrays[name], [*path, "*" if is_any else name])


def _map(content: Any, path: list[str]) -> Form | None:
    if not isinstance(content, dict) or (not path and len(content) < _RATES):
        return None
    if not content or not all(isinstance(value, dict) for value in content.values()):
        return None
    records = [{"key": name} | value for name, value in content.items()]
    options = {"records": ".".join([*path, "*"]), "shape": "object", "key_as": "key"}
    return Form("map of objects", records, options)


def _inside(content: Any, path: list[str]) -> Form | None:
    """What an envelope holds."""
    if not isinstance(content, dict) or _is_entity(content):
        return None
    for name in ("result", "data", "tick"):
        if isinstance(inner := content.get(name), dict) and inner:
            forms: tuple[Callable[[Any, list[str]], Form | None], ...] = (
                _book, _columns, _one_list, _map, _inside, _object,
            )  # fmt: skip
            return next(form for make in forms if (form := make(inner, [*path, name])))
    return None


def _object(content: Any, path: list[str]) -> Form:
    assert isinstance(content, dict), type(content)
    return Form("one object", [content], {"records": ".".join(path) or "$", "shape": "object"})


def _is_entity(content: dict[str, Any]) -> bool:
    """Whether an object is one thing with many values of its own."""
    plain = [n for n, value in content.items() if not isinstance(value, dict | list)]
    return sum(name.lower() not in _AROUND for name in plain) >= _ENTITY_VALUES


def _names(rows: list[list[Any]]) -> list[str]:
    """Names for the values of *rows*; those that a shorter row lacks are optional."""
    lengths = [len(row) for row in rows]
    return [f"v{n}" + "?" * (n > min(lengths)) for n in range(1, max(lengths) + 1)]


def _named(rows: list[list[Any]], *, of: list[list[Any]] | None = None) -> list[Any]:
    names = [name.rstrip("?") for name in _names(of or rows)]
    return [dict(zip(names, row, strict=False)) for row in rows]


def names_of(records: list[Any]) -> Iterator[str]:
    """The names in *records*, each once, in their order."""
    yield from dict.fromkeys(name for record in records for name in record)
