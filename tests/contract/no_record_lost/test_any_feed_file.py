"""Any feed file loads, or is refused with file, line and path, in the words of feed files."""

from __future__ import annotations

import copy
import random
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ticklake.feed import loader, yaml_nodes
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.model_options import all_models, kinds_of, options
from tests.support.feed_checks import check, refused

SHIPPED = {path.stem: yaml_nodes.read(path)[1] for path in loader.SHIPPED.glob("*.yaml")}

ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 5, 10**30, 1.5, -0.5, "", " ", "x", "$.data", "a[0]", "{symbol}",
    "{start:%Y}", "{", "a\nb",
    "no", "1e3", "2026-01-01", "1h", "7h", "0s", "$", "*", "ä", "x" * 500,
    [], {}, [None], ["a", "a"], [["a"]], {"a": None}, {"a": {"b": "c"}}, {"kind": "cursor"},
    {"kind": None}, {"kind": ["a"]}, [1, "1"], {"from": 5}, {"": ""}, {"A b": {"type": "int64"}},
]  # fmt: skip
ODD_NAMES: list[Any] = [
    "x", "kind", "knid", "end", "page_row", "Type", "type", "from", "key", "date", "name", "",
    "a.b", "$ref", "a\nb", "window", "symbol", "start_ms", 5, "ключ",
]  # fmt: skip


def nodes(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything inside *data*."""
    if not isinstance(data, dict | list):
        return []
    inner = data.items() if isinstance(data, dict) else enumerate(data)
    return [at for key, value in inner for at in ((*path, key), *nodes(value, (*path, key)))]


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def mutate(
    data: Any, change: str, path: tuple[Any, ...], other: tuple[Any, ...], odd: Any, name: Any
):
    """Change *data* in place at *path*."""
    *above, key = path
    parent, value = at(data, tuple(above)), at(data, path)
    if change == "drop":
        del parent[key]
    elif change == "rename" and isinstance(parent, dict):
        items = [(name if old == key else old, inner) for old, inner in parent.items()]
        parent.clear()
        parent.update(items)
    elif change == "misspell" and isinstance(key, str) and len(key) > 2:
        parent[key[:-2] + key[-1]] = parent.pop(key)
    elif change == "retype":
        parent[key] = odd
    elif change == "nest":
        parent[key] = [value] if isinstance(name, int) else {name: value}
    elif change == "flatten" and isinstance(value, dict) and isinstance(parent, dict):
        parent.update(parent.pop(key))
    elif change == "copy":
        parent[key] = copy.deepcopy(at(data, other))
    elif change == "add":
        target = value if isinstance(value, dict) else data
        target[name] = odd


CHANGES = ["drop", "rename", "misspell", "retype", "nest", "flatten", "copy", "add"]


@settings(deadline=None)
@given(st.sampled_from(sorted(SHIPPED)), st.randoms(use_true_random=False), st.integers(1, 3))
def test_any_changed_feed_loads_or_says_where_and_what(tmp_path_factory, name, rng, count):
    """Drop, rename, retype, nest, copy or add anything: no other words, no traceback, exit 2."""
    data: Any = copy.deepcopy(SHIPPED[name])
    for _ in range(count):
        paths = nodes(data)
        if not paths:
            break
        mutate(data, rng.choice(CHANGES), rng.choice(paths), rng.choice(paths),
               rng.choice(ODD_VALUES), rng.choice(ODD_NAMES))  # fmt: skip
    assert_loads_or_is_refused(
        tmp_path_factory, yaml.dump(data, sort_keys=False, allow_unicode=True)
    )


def feed_with(path: tuple[str, ...], kinds: tuple[str, ...]) -> dict[str, Any]:
    """A feed with a model at *path*, of its kind; the names of mappings are any."""
    feed = copy.deepcopy(SHIPPED["binance_klines"])
    if path == ("source",) and kinds == ("sql",):
        feed["source"] = {"connection": "x", "query": "SELECT 1"}
    inner = feed
    for name in path:
        inner = inner.setdefault("open_time" if name == "NAME" else name, {})
    if path == ("source", "paging"):
        inner.clear()
    if kinds:
        inner["kind"] = kinds[0]
    return feed


EVERY_OPTION = [
    (path, kinds_of(model), name)
    for path, model in all_models(Feed)
    for name, _ in options(model)
    if (path, name) != ((), "name")
]


@settings(deadline=None)
@given(st.sampled_from(EVERY_OPTION), st.sampled_from(ODD_VALUES))
def test_any_value_of_any_option_loads_or_is_refused(tmp_path_factory, option, value):
    """Also of options that no shipped feed has."""
    path, kinds, name = option
    data = feed_with(path, kinds)
    at(data, tuple("open_time" if step == "NAME" else step for step in path))[name] = value
    text = yaml.dump(data, sort_keys=False, allow_unicode=True)
    assert_loads_or_is_refused(tmp_path_factory, text)


@settings(deadline=None)
@given(st.sampled_from(sorted(SHIPPED)), st.randoms(use_true_random=False), st.integers(1, 3))
def test_any_changed_text_loads_or_says_where_and_what(tmp_path_factory, name, rng, count):
    """A line twice, a line less, another indentation, a character more or less."""
    text = (loader.SHIPPED / f"{name}.yaml").read_text()
    for _ in range(count):
        text = scramble(text, rng)
    assert_loads_or_is_refused(tmp_path_factory, text)


def scramble(text: str, rng: random.Random) -> str:
    lines = text.splitlines(keepends=True) or ["\n"]
    n, at_ = rng.randrange(len(lines)), rng.randrange(len(text) + 1)
    match rng.randrange(5):
        case 0:
            lines[n:n] = [lines[n]]
        case 1:
            del lines[n]
        case 2:
            lines[n] = rng.choice(["  ", "\t", " "]) + lines[n]
        case 3:
            return text[:at_] + rng.choice("{}[]:#'\"$&*!|>%@`,\t -\n\x00\ufeff5é") + text[at_:]
        case 4:
            return text[:at_] + text[at_ + 1 :]
    return "".join(lines)


def assert_loads_or_is_refused(tmp_path_factory: Any, text: str) -> None:
    folder = tmp_path_factory.mktemp("feeds")
    exit_code, _ = check(folder, text)
    if exit_code != 0:
        refused(folder, text)
