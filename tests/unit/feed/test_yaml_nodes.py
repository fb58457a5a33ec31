"""A feed file is read as editors read it; what is not YAML is reported with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from include.ticklake.errors import FeedFileError
from include.ticklake.feed import yaml_nodes


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "small.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("a: 1\nb: 2\nx: [1\n", "4: not YAML:", id="an open bracket"),
        pytest.param("a: b: c\n", "1: not YAML: a colon and a blank inside", id="two colons"),
        pytest.param("source:\n\tkind: http\n", "2: not YAML: a tab; indent with", id="a tab"),
        pytest.param("a: @b\n", "1: not YAML: a value cannot begin with '@'; quote it", id="an at"),
        pytest.param("a: 1\nb: \x00\n", "2: not YAML: control characters", id="a zero byte"),
        pytest.param("a: 1\nb: \x07\n", "2: not YAML: control characters", id="a bell"),
        pytest.param(b"a: 1\nb: \xe9\n", "2: not UTF-8; save the file as UTF-8", id="latin-1"),
        pytest.param("a: 1".encode("utf-16"), "1: not UTF-8; save the file as UTF-8", id="UTF-16"),
        pytest.param("a: !!python/object:os.system x\n", "1: the tag !!python/object:os.system is "
                     "not supported; write the value without it", id="a Python object"),
        pytest.param("a: !mine x\n", "1: the tag !mine is not supported", id="a tag of one's own"),
        pytest.param("a: 1\nb: !!int x\n", "2: the tag !!int is not", id="an integer that is none"),
        pytest.param("a: !!bool maybe\n", "1: the tag !!bool is not", id="a boolean that is none"),
        pytest.param("a: !!timestamp x\n", "1: the tag !!timestamp is", id="a date that is none"),
        pytest.param("a: !!set {b}\n", "1: the tag !!set is not supported", id="a set"),
        pytest.param("a: !!float .inf\n", "1: the tag !!float is not supported", id="no number"),
        pytest.param("a: " + "9" * 5_000 + "\n", "1: a number of 5000 characters; quote it",
                     id="more digits than Python reads"),
        pytest.param("a: 1\n---\na: 1\n", "2: not YAML: more than one document; keep one",
                     id="two documents"),
        pytest.param("? [a]\n: x\n", "1: not YAML: a list or a mapping cannot be a name",
                     id="a list as a key"),
        pytest.param("a: &x [*x]\n", "1: not YAML: it contains itself", id="a loop"),
        pytest.param("a: *x\n", "1: not YAML: an anchor of that name does not exist; quote",
                     id="an unknown alias"),
        pytest.param("l0: &l0 [x]\n" + "".join(
                         f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9)
                     ), "1: its aliases stand for too much", id="a billion laughs"),
        pytest.param("a: 1\nb: {c: 1,\n    c: 2}\n", "3: duplicate key 'c', first used in line 2",
                     id="a duplicate key"),
        pytest.param("a:\n- {b: 1, b: 2}\n", "2: duplicate key 'b', first used in line 2",
                     id="a duplicate key in a list"),
    ],
)  # fmt: skip
def test_what_is_not_yaml_is_reported_with_its_line(tmp_path, content, message):
    """One message, and never another error."""
    path = write(tmp_path, content)
    with pytest.raises(FeedFileError) as error:
        yaml_nodes.read(path)
    assert str(error.value).startswith(f"{path}:{message}")
    assert "\n" not in str(error.value)


def test_plain_values_follow_yaml_1_2(tmp_path):
    """NO is a symbol and not false, 010 is not 8, a date and 1:30 stay text."""
    path = write(
        tmp_path,
        "values: [NO, ON, 010, 1_0, 0x10, 2026-01-01, 1:30, 1e3, null_]\n"
        "plain: [60, -7, 1.5, true, false, null, ~]\n",
    )
    _, data = yaml_nodes.read(path)
    assert data == {
        "values": ["NO", "ON", "010", "1_0", "0x10", "2026-01-01", "1:30", "1e3", "null_"],
        "plain": [60, -7, 1.5, True, False, None, None],
    }


def test_nodes_know_their_lines(tmp_path):
    """The nodes are those of the values: an error can point at its line."""
    root, data = yaml_nodes.read(write(tmp_path, "# a comment\na: 1\n\nb: 2\n"))
    assert data == {"a": 1, "b": 2}
    assert isinstance(root, yaml.MappingNode)
    assert [key.start_mark.line + 1 for key, _ in root.value] == [2, 4]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    """As editors on Windows write it."""
    assert yaml_nodes.read(write(tmp_path, b"\xef\xbb\xbfa: 1\n"))[1] == {"a": 1}


def test_an_anchor_is_as_good_as_what_it_stands_for(tmp_path):
    """Also merged into another mapping."""
    _, data = yaml_nodes.read(write(tmp_path, "a: &x {b: 1}\nc: {<<: *x, d: 2}\n"))
    assert data["c"] == {"b": 1, "d": 2}


def test_an_empty_file_has_no_nodes(tmp_path):
    """It is valid YAML; that it is not a feed is for others to say."""
    assert yaml_nodes.read(write(tmp_path, "")) == (None, None)


def test_a_file_that_cannot_be_read_is_reported(tmp_path):
    """A folder with the name of a feed file, or a file without permission."""
    (tmp_path / "small.yaml").mkdir()
    with pytest.raises(FeedFileError, match=r"small\.yaml:1: cannot be read: Is a directory"):
        yaml_nodes.read(tmp_path / "small.yaml")
