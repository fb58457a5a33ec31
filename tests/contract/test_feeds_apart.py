"""Feeds cannot stop each other: a hostile file is refused with its name, and the others load."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from include.operators.dag_support import feeds
from include.ticklake.errors import FeedFileError
from include.ticklake.feed import loader
from include.ticklake.feed.slice_values import MAX_SLICES
from tests.conftest import REPOSITORY
from tests.support.feed_files import VALID

SLICED = VALID.replace("/rows", "/rows/{a}/{b}/{c}") + "candle: '{a}'\nslices:\n"
MINUTES = f"[{', '.join(f'{n}m' for n in range(1, 401))}]"
TEN_TIMES = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
MERGED = "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 30))

TEXTS = {
    "aliases": (f"l0: &l0 [x]\n{TEN_TIMES}", "1: its aliases stand for too much"),
    "alias_as_a_name": (f"l0: &l0 [x]\n{TEN_TIMES}? *l8\n: x\n", "9: not YAML: a list or a"),
    "alias_chain": (
        "l0: &l0 [x]\n" + "".join(f"l{n}: &l{n} [*l{n - 1}]\n" for n in range(1, 300)),
        "1: nested more than 50 levels",
    ),
    "alias_to_itself": (f"{VALID}ignore: &x [*x]\n", "8: not YAML: it contains itself"),
    "merge_keys": (f"m0: &m0 {{a: 1}}\n{MERGED}", "1: its aliases stand for too much"),
    "million_keys": (
        VALID + "".join(f"k{n:x}:\n" for n in range(500_000)),
        "49993: more than 100,000 names and values",
    ),
    "wrong_names": (VALID + "".join(f"slice{n}: 1\n" for n in range(20_000)), "8: slice0: unknown"),
    "wrong_fields": (
        VALID + "".join(f"  f{n}: {{type: int46}}\n" for n in range(5_000)),
        "8: fields.f0.type: 'int46' is not a type",
    ),
    "million_values": (
        f"{VALID}ignore: [{'x, ' * 1_000_000}]\n", "8: more than 100,000 names and values",
    ),
    "slices_with_candles": (
        f"{SLICED}  a: {MINUTES}\n  b: {MINUTES}\n  c: {MINUTES}\n",
        "9: slices: 400 a x 400 b x 400 c are 64,000,000 slices, more than 200,000",
    ),
    "candle_of_all_slices": (
        SLICED.replace("'{a}'", "'{a}{b}'") + f"  a: {MINUTES}\n  b: {MINUTES}\n  c: [1]\n",
        "8: candle: stands for 160,000 lengths",
    ),
    "brackets": (f"description: {'[' * 200_000}\n", "1: nested more than 50 levels deep"),
    "braces": (f"description: {'{' * 200_000}\n", "1: nested more than 50 levels deep"),
    "dashes": ("- " * 200_000, "1: nested more than 50 levels deep"),
    "indented": ("\n".join(" " * n + "a:" for n in range(500)), "51: nested more than 50 levels"),
    "long_text": (f"{VALID}description: {'a' * 1_000_000}\n", "8: a text of 1,000,000 characters"),
    "long_name": (f"? {'a' * 1_000_000}\n: 1\n", "1: a text of 1,000,000 characters"),
    "long_path": (VALID.replace("from: t", f"from: '{'[' * 60_000}'"), "7: fields.at.from: a path"),
    "long_quoted_path": (
        VALID.replace("from: t", "from: \"" + "['" * 30_000 + '"'), "7: fields.at.from: a path",
    ),
    "nested_json": (
        VALID.replace("path: /rows", "path: '/" + '{"a":' * 5_000 + "1" + "}" * 5_000 + "'"),
        "4: source.path:",
    ),
    "long_host": (VALID.replace("api.example", "a" * 300), "3: source.base_url: a host of 304"),
    "huge": ("#" * (5 << 20), "1: larger than 4 MiB"),
    "nothing": ("", "1: not a mapping"),
}  # fmt: skip


def folder_of_texts(folder: Path) -> dict[str, str]:
    """Each of the texts as a file; what is said of it."""
    for name, (text, _) in TEXTS.items():
        (folder / f"{name}.yaml").write_text(text)
    return {name: f"{name}.yaml:{message}" for name, (_, message) in TEXTS.items()}


def _unreadable(path: Path) -> None:
    path.write_text(VALID)
    path.chmod(0)


THINGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "cannot be read: a pipe, a device or a socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "cannot be read: a pipe, a device"),
    "folder": (Path.mkdir, "cannot be read: Is a directory"),
    "loop": (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic"),
    "dangling": (lambda path: path.symlink_to("missing"), "cannot be read: No such file"),
    "binary": (lambda path: path.write_bytes(bytes(range(255, 0, -1)) * 99), "not UTF-8"),
    "zeros": (lambda path: path.write_bytes(bytes(99)), "not YAML: control characters"),
    **({"secret": (_unreadable, "cannot be read: Permission denied")} if os.geteuid() else {}),
}
"""What can have the name of a feed file: what makes it, and what is said of it."""


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_file_is_refused_with_its_name_and_line(tmp_path, name):
    """In a short message, whatever the file repeats."""
    message = folder_of_texts(tmp_path)[name]
    with pytest.raises(FeedFileError) as refused:
        loader.read_feed(tmp_path / f"{name}.yaml")
    assert str(refused.value).startswith(f"{tmp_path}/{message}")
    assert len(str(refused.value)) < 10_000


@pytest.mark.parametrize("name", THINGS)
def test_what_is_no_feed_file_is_refused_with_its_name(tmp_path, name):
    """Nothing waits for a pipe, and nothing reads a device to its end."""
    make, message = THINGS[name]
    make(tmp_path / f"{name}.yaml")
    with pytest.raises(FeedFileError, match=rf"{name}\.yaml:1: {message}"):
        loader.read_feed(tmp_path / f"{name}.yaml")


@pytest.fixture
def hostile_folder(tmp_path, monkeypatch):
    """A folder with every hostile file and one that is valid; what is said of the others."""
    said = folder_of_texts(tmp_path)
    for name, (make, message) in THINGS.items():
        make(tmp_path / f"{name}.yaml")
        said[name] = f"{name}.yaml:1: {message}"
    for file in ("mine.yaml", "twice.yaml", "twice.yml", "In_Capitals.yaml"):
        (tmp_path / file).write_text(VALID)
    (tmp_path / os.fsdecode(b"no_text_\xff.yaml")).write_text(VALID)
    said |= {
        "twice": "twice.yml:1: twice.yaml is a feed of the same name",
        "capitals": "'In_Capitals' is not a valid name",
        "no_text": "no_text_",
    }
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))
    return said


@pytest.mark.dag
@pytest.mark.filterwarnings("default")
def test_every_other_feed_has_its_dag(hostile_folder):
    """One error for each file that is refused, which Airflow can store; all others are there."""
    shipped = {path.stem for path in loader.SHIPPED.glob("*.yaml")}
    assert {feed.name for feed in feeds.valid_feeds()} == {*shipped, "mine"}
    errors = feeds.feed_errors()
    assert len(errors) == len(hostile_folder)
    for message in hostile_folder.values():
        assert [error for error in errors if message in error], message
    "\n".join(errors).encode()


@pytest.mark.dag
@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("hostile_folder")
def test_the_dags_that_look_for_runners_only_load():
    """What cannot be read names no runner."""
    assert feeds.runners() == ["process"]


def test_the_command_lists_the_others(hostile_folder):
    """Exit code 2, and each refused file on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "include.ticklake", "feeds", "--check"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    names = {line.split()[0] for line in done.stdout.splitlines()}
    assert names == {*(path.stem for path in loader.SHIPPED.glob("*.yaml")), "mine"}
    assert [said for said in hostile_folder.values() if said not in done.stderr] == []


def test_a_feed_of_thousands_of_symbols_is_read(tmp_path):
    """5,000 symbols by 20 intervals: 100,000 slices with candles."""
    symbols = ", ".join(f"S{n}: '/{n}'" for n in range(5_000))
    intervals = ", ".join(f"{n}m" for n in range(1, 21))
    (tmp_path / "large.yaml").write_text(
        VALID.replace("/rows", "/rows/{symbol}/{interval}")
        + f"candle: '{{interval}}'\nslices:\n  symbol: {{{symbols}}}\n  interval: [{intervals}]\n"
    )
    large = loader.read_feed(tmp_path / "large.yaml")
    assert large.slice_count == len(large.all_slices) == 100_000 <= MAX_SLICES
    assert large.candles(large.all_slices[-1]).length_s == 20 * 60
