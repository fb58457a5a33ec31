"""A child's output comes line by line, bounded, and nothing of a child outlives its run."""

import os
import signal
import sys
import tracemalloc
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.memory import child_process
from include.ticklake.memory.child_process import MAX_LINE_BYTES, ChildProcess, lines
from include.ticklake.model.sizes import MIB
from tests.support.process_exit import has_exited


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(min_value=1, max_value=30))
def test_lines_do_not_depend_on_how_the_stream_was_cut(parts, chunk_bytes):
    """Every line comes whole, in order, with the last one even without its end."""
    stream = b"\n".join(parts)
    chunks = [stream[at : at + chunk_bytes] for at in range(0, len(stream), chunk_bytes)]
    expected = [line.decode(errors="replace").rstrip("\r") for line in stream.split(b"\n")]
    if expected[-1] == "" and not stream.split(b"\n")[-1]:
        expected.pop()  # what follows the last newline is a line only if there is something
    assert list(lines(chunks)) == expected


@pytest.mark.parametrize("chunk_bytes", [1000, 65_536, 1_000_000])
def test_an_endless_line_is_cut_off(chunk_bytes):
    """A child that never ends its line costs a bounded amount of memory."""
    stream = b"a" * 5 * MAX_LINE_BYTES + b"\nnext\n"
    chunks = (stream[at : at + chunk_bytes] for at in range(0, len(stream), chunk_bytes))
    assert list(lines(chunks)) == ["a" * MAX_LINE_BYTES + " [cut]", "next"]


def test_an_endless_line_is_not_held():
    """Eight times the text takes no more memory."""

    def peak_bytes(chunks: int) -> int:
        tracemalloc.start()
        deque(lines(b"a" * 65_536 for _ in range(chunks)), maxlen=0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    assert peak_bytes(64) < 1.25 * peak_bytes(8)


def test_lines_come_while_the_child_runs():
    """The output of a child that never ends by itself arrives too."""
    with ChildProcess(["/bin/sh", "-c", "echo out; echo err >&2; exec sleep 600"], env={}) as child:
        output = lines(child.chunks())
        assert [next(output), next(output)] == ["out", "err"]


def test_a_grandchild_that_keeps_the_output_open_is_not_waited_for():
    """The run is over when the child is; what it left behind is killed."""
    with ChildProcess(["/bin/sh", "-c", "sleep 600 & echo $!"], env={}) as child:
        (grandchild,) = lines(child.chunks())
        assert child.wait() == 0
    assert has_exited(int(grandchild))


def test_a_grandchild_that_never_stops_writing_does_not_delay_the_end():
    """The run is over when the child is, also for one that left the child's process group."""
    script = "trap 'exit 4' TERM; setsid yes & wait"
    with ChildProcess(["/bin/sh", "-c", script], env={}) as child:
        for number, _ in enumerate(lines(child.chunks())):
            if number == 0:
                os.kill(child.pid, signal.SIGTERM)
        assert child.wait() == 4


def test_leaving_early_kills_the_child():
    """An exception on our side ends the child as well."""
    with pytest.raises(KeyError), ChildProcess(["/bin/sleep", "600"], env={}) as child:
        raise KeyError
    assert has_exited(child.pid)


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        pytest.param(["/bin/sh", "-c", "exit 3"], 3, id="exit"),
        pytest.param(["/bin/sh", "-c", "kill -9 $$"], -signal.SIGKILL, id="signal"),
    ],
)
def test_the_exit_status_is_returned(argv, status):
    """An exit status is positive, a signal negative."""
    with ChildProcess(argv, env={}) as child:
        assert child.wait() == status


def test_the_peak_is_the_childs_and_not_ours():
    """A parent with much memory does not make its child look large."""
    ours = bytearray(300 * MIB)
    ours[::4096] = b"1" * len(ours[::4096])
    code = "x = b'1' * (60 << 20); print('held', flush=True); import signal; signal.pause()"
    with ChildProcess([sys.executable, "-c", code], env={}) as child:
        for _ in lines(child.chunks()):
            child.kill()
        child.wait()
    assert 60 * MIB <= child.peak_bytes < 100 * MIB


CLOSES = "trap 'echo closed > closed; exit 0' TERM; echo ready; sleep 600 & wait"
REFUSES = "trap '' TERM; echo ready; while :; do sleep 600; done"


def test_a_child_is_asked_to_end_before_it_is_killed(tmp_path):
    """It has the time to abort its uploads and to remove its temporary files."""
    script = f"cd {tmp_path}; {CLOSES}"
    with ChildProcess(["/bin/sh", "-c", script], env={}) as child:
        assert next(lines(child.chunks())) == "ready"
    assert (tmp_path / "closed").exists()


def test_a_child_that_refuses_is_killed(monkeypatch):
    """After a moment, which is shorter than Airflow's own patience."""
    monkeypatch.setattr(child_process, "GRACE_S", 0.01)
    with ChildProcess(["/bin/sh", "-c", REFUSES], env={}) as child:
        assert next(lines(child.chunks())) == "ready"
    assert has_exited(child.pid)
