"""The address of a bulk file with placeholders: what in it is the time, and what the slice.

A time is found by its form and put back wherever the address has it: ``2024/01/01`` beside
``2024-01-01``. Of several addresses, what else differs is a slice; of one, a symbol or an interval.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from include.ticklake.errors import UsageError
from include.ticklake.scaffold.infer_slices import InferredSlice, listed_values
from include.ticklake.scaffold.name_words import snake_case

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_HOUR = r"(?:[01]\d|2[0-3])"
_DATE = re.compile(
    rf"(?<!\d)(?P<year>{_YEAR})(?P<sign>[-/_]?)(?P<month>{_MONTH})(?P=sign)(?P<day>{_DAY})"
    rf"(?:(?P<between>[-_T/ ]?)(?P<hour>{_HOUR})(?=[-_./Z]|\.|$)(?!\d))?(?!\d)"
)
_HIVE = re.compile(
    rf"year=(?P<year>{_YEAR})/month=(?P<month>{_MONTH})"
    rf"(?:/day=(?P<day>{_DAY})(?:/hour=(?P<hour>{_HOUR}))?)?"
)
_MONTHLY = re.compile(rf"(?<!\d)(?P<year>{_YEAR})(?P<sign>[-/_]?)(?P<month>{_MONTH})(?![\d]|-\d)")
_YEARLY = re.compile(rf"(?<![\dA-Za-z])(?P<year>{_YEAR})(?![\dA-Za-z])")
_INTERVAL = re.compile(r"\d{1,3}(?:s|m|min|h|d|w|mo|M)")
_QUOTES = "USDT|USDC|FDUSD|BUSD|TUSD|USD|EUR|GBP|TRY|BRL|JPY|KRW|BTC|ETH|BNB|PERP|SWAP"
_SYMBOL = re.compile(
    rf"[A-Z0-9]{{2,20}}(?:[-_](?:{_QUOTES}))+|[A-Z0-9]{{2,20}}(?:{_QUOTES})|"
    rf"(?:{_QUOTES})[-_](?:{_QUOTES})|[a-z0-9]{{2,12}}[-_]?(?:usdt|usdc|busd|fdusd)"
)
_PART = re.compile(r"(\{\w+\}|[/_.=]|-)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTemplate:
    """An address with placeholders, and what they stand for."""

    address: str
    slices: Mapping[str, InferredSlice]
    window: str | None
    """The length of the windows; None where nothing in the address says one."""


def file_template(addresses: Sequence[str]) -> FileTemplate:
    """The template of *addresses*; ``UsageError`` where they are not of one kind of file."""
    timed = [_with_times(address) for address in addresses]
    heads = {urlsplit(address)[:2] for address in addresses}
    if len(heads) > 1:
        raise _two_kinds(addresses, "another host")
    template, values = _one_symbol(timed[0]) if len(set(timed)) == 1 else _merged(timed)
    return FileTemplate(
        address=template,
        slices={
            name: InferredSlice(param="", values=listed_values([*dict.fromkeys(found)]))
            for name, found in values.items()
        },
        window=_window(template),
    )


def _with_times(address: str) -> str:
    """*address* with placeholders for its time, wherever it stands behind the host."""
    scheme, sign, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    found = next(
        (match for form in (_HIVE, _DATE, _MONTHLY, _YEARLY) if (match := _last(form, path))), None
    )
    if found is None:
        return address
    time = {name: text for name, text in found.groupdict().items() if text}
    names = [name for name in ("year", "month", "day", "hour") if name in time]
    for form in (_HIVE, _DATE, _MONTHLY, _YEARLY):
        path = form.sub(lambda match: _placeholders(match, time), path)
    if "day" in names:  # a folder of its own for the hour, or a word before it
        path = re.sub(r"(?<=hour=)\d\d(?=/|$)", "{hour}", path)
    return f"{scheme}{sign}{host}{slash}{path}"


def _last(form: re.Pattern[str], path: str) -> re.Match[str] | None:
    """The last match: the name of the file says more than a folder."""
    return next(iter([*form.finditer(path)][::-1]), None)


def _placeholders(match: re.Match[str], time: Mapping[str, str]) -> str:
    """What stands for *match*, if it is a part of the same *time*."""
    own = {name: text for name, text in match.groupdict().items() if text and name in _NAMES}
    if any(time.get(name) != text for name, text in own.items()):
        return match[0]
    text = match[0]
    spans = sorted(((match.span(name), name) for name in own), reverse=True)
    for (start, end), name in spans:
        text = f"{text[: start - match.start()]}{{{name}}}{text[end - match.start() :]}"
    return text.replace("{year}-{month}-{day}", "{date}")


_NAMES = ("year", "month", "day", "hour")


def _window(template: str) -> str | None:
    if "{hour}" in template:
        return "1h"
    if "{date}" in template or "{day}" in template:
        return "1d"
    if "{month}" in template:
        return "1mo"
    return "12mo" if "{year}" in template else None


def _one_symbol(address: str) -> tuple[str, dict[str, list[str]]]:
    """A symbol and an interval in one address, by their form, wherever they are repeated."""
    scheme, sign, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    values: dict[str, list[str]] = {}
    for name, form in (("symbol", _SYMBOL), ("interval", _INTERVAL)):
        found = next((part for part in _candidates(path) if form.fullmatch(part)), None)
        if found is None:
            continue
        edges = rf"(?<![A-Za-z0-9]){re.escape(found)}(?=[^A-Za-z0-9]|$)"
        path = re.sub(edges, f"{{{name}}}", path)
        values[name] = [found]
    return f"{scheme}{sign}{host}{slash}{path}", values


def _candidates(path: str) -> Iterator[str]:
    """The parts of *path* that may be a value: folders, then the words of the name."""
    *folders, name = path.split("/")
    yield from (folder for folder in reversed(folders) if "{" not in folder)
    yield from (folder.partition("=")[2] for folder in folders)
    stem = name.split(".")[0]
    plain = [part.strip("-_") for part in re.split(r"\{\w+\}", stem)]
    yield from plain
    for part in plain:
        words = re.split(r"[-_]", part)
        yield from ("-".join(words[:2]), "_".join(words[:2]))
        yield from words


def _merged(timed: Sequence[str]) -> tuple[str, dict[str, list[str]]]:
    """One address for several, with a slice for what differs between them."""
    split = [address.split("/") for address in timed]
    if len({len(parts) for parts in split}) > 1:
        raise _two_kinds(timed, "another number of folders")
    values: dict[str, list[str]] = {}
    for column in range(len(split[0]) - 1):
        found = [parts[column] for parts in split]
        if len(set(found)) == 1:
            continue
        before = split[0][column - 1] if column else ""
        name = _name(found, before, values)
        for parts, value in zip(split, found, strict=True):
            own = re.compile(rf"(?<![A-Za-z0-9{{]){re.escape(value)}(?![A-Za-z0-9}}])")
            parts[column:] = [own.sub(f"{{{name}}}", part) for part in parts[column:]]
        values[name] = found
    names = [parts[-1] for parts in split]
    if len(set(names)) > 1:
        names = [_merged_name(timed, names, values)]
    return "/".join([*split[0][:-1], names[0]]), values


def _merged_name(timed: Sequence[str], names: Sequence[str], values: dict[str, list[str]]) -> str:
    """One name of a file for several; what differs is added to *values*."""
    tokens = [_PART.split(name) for name in names]
    if len({len(parts) for parts in tokens}) > 1:
        raise _two_kinds(timed, "another name")
    merged = []
    known = {tuple(found): name for name, found in values.items()}
    for found in zip(*tokens, strict=True):
        if len(set(found)) == 1:
            merged.append(found[0])
            continue
        if found not in known:
            known[found] = _name(found, "", values)
            values[known[found]] = list(found)
        merged.append(f"{{{known[found]}}}")
    return "".join(merged)


def _name(found: Sequence[str], before: str, values: Mapping[str, list[str]]) -> str:
    """The name of a slice with the values *found*."""
    first = "interval" if all(map(_INTERVAL.fullmatch, found)) else "symbol"
    if first == "symbol" and not any(map(_SYMBOL.fullmatch, found)) and before.isalpha():
        first = snake_case(before).removesuffix("s")
    taken = {*values, "date", "year", "month", "day", "hour", "fetched_at"}
    names = (first, *(f"{first}_{number}" for number in range(2, 20)))
    return next(name for name in names if name not in taken)


def _two_kinds(addresses: Sequence[str], problem: str) -> UsageError:
    return UsageError(
        f"{addresses[-1]} has {problem} than {addresses[0]}; give addresses of one kind of file"
    )
