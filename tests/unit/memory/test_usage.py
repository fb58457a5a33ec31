"""A process's peak memory is its own, and what it frees goes back to the system."""

import os
import subprocess
import sys
from contextlib import closing

import pytest

from include.ticklake.memory.cgroups import open_group
from include.ticklake.model.sizes import MIB


def test_the_peak_does_not_contain_the_parents_memory():
    """A worker that holds much does not make the step that it starts look large."""
    ours = bytearray(300 * MIB)
    ours[::4096] = b"1" * len(ours[::4096])
    code = (
        "from include.ticklake.memory.usage import peak_bytes\n"
        "before = peak_bytes(); x = b'1' * (60 << 20); print(before, peak_bytes() - before)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    before, grown = map(int, said.split())
    assert before < 60 * MIB
    assert 55 * MIB < grown < 65 * MIB


PEAK = "from include.ticklake.memory.usage import peak_bytes\n"
PEAK += "x = b'1' * (60 << 20); print(peak_bytes())"


def test_in_a_limited_group_of_its_own_the_peak_is_what_the_limit_counts():
    """Library pages that other processes loaded before count in neither."""
    group = open_group(256 * MIB)
    if group is None:
        pytest.skip("this process may not create a memory cgroup")
    with closing(group):
        argv = [*group.launcher, sys.executable, "-c", PEAK]
        said = subprocess.run(argv, capture_output=True, check=True).stdout
        counted = group.peak_bytes()
    assert counted is not None
    assert 60 * MIB < int(said) <= counted


FREED = """
import pathlib, re, sys
from include.ticklake.memory.usage import LARGE_BYTES, return_buffers

def held_kib():
    return int(re.search(r"RssAnon:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

if "returned" in sys.argv:
    return_buffers(from_bytes=LARGE_BYTES)
before_kib = held_kib()
kept = []
for size in (24, 8, 8):
    some = [b"1" * (size << 20) for _ in range(3)]
    kept.append(b"1" * 100_000)
    del some
print(held_kib() - before_kib)
"""


HOLES = """
import pathlib, re, sys
from include.ticklake.memory.usage import LARGE_BYTES, keep_numpy_out, return_buffers
keep_numpy_out()  # their import takes half of the test's time
import pyarrow as pa
from include.ticklake.convert import parquet_writer

def held_kib():
    return int(re.search(r"RssAnon:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

return_buffers(from_bytes=LARGE_BYTES)
rows = pa.table({"at": pa.array([1], pa.timestamp("ms"))})
sink, how = pa.BufferOutputStream(), {"declare_sorted": True, "metadata": {}}
groups = [rows] * int(sys.argv[1])
parquet_writer.write(groups, sink, schema=rows.schema, event_time="at", **how)
return_buffers(from_bytes=LARGE_BYTES)  # as the next conversion of a batch does
filler = [bytearray(2000) for _ in range(5000)]  # no older hole takes what is kept below
before_kib = held_kib()
kept = []
for _ in range(160):
    some = bytearray(160 << 10)
    kept.append((some, bytearray(2000)))
kept = [pinned for _, pinned in kept]
del some
print(held_kib() - before_kib)
"""


def test_small_buffers_go_back_after_eight_row_groups_of_a_file():
    """What a writer keeps of each row group lies between them; a few make no difference.

    They still go back in the conversions that follow in the same process.
    """
    assert holes_kib(groups=8) > 16 * 1024
    assert holes_kib(groups=9) < 4 * 1024


def holes_kib(*, groups: int) -> int:
    """What stays of buffers that were freed, with something small kept between them."""
    argv = [sys.executable, "-c", HOLES, str(groups)]
    return int(subprocess.run(argv, capture_output=True, check=True).stdout)


def test_large_buffers_go_back_when_they_are_freed():
    """Small ones that are kept do not pin them."""
    argv = [sys.executable, "-c", FREED, "returned"]
    said = subprocess.run(argv, capture_output=True, check=True).stdout
    assert int(said) < 4 * 1024


AGAIN = """
import pathlib, re, resource
from include.ticklake.memory.usage import LARGE_BYTES, return_buffers

def held_kib():
    return int(re.search(r"RssAnon:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

def use(mebibytes):
    some = [bytearray(1 << 20) for _ in range(mebibytes)]

return_buffers(from_bytes=LARGE_BYTES)
use(8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    use(8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
before_kib = held_kib()
use(100)
print(held_kib() - before_kib)
"""


def test_memory_that_is_soon_needed_again_is_kept():
    """The pages of a row group or two; what is beyond that goes back."""
    ended = subprocess.run([sys.executable, "-c", AGAIN], capture_output=True, check=True)
    pages, kept_kib = map(int, ended.stdout.split())
    assert pages < 1_000, "returned each time, it would be ten times 2,000"
    assert kept_kib < 16 * 1024


FRUGAL = """
import os, sys
if "imported" in sys.argv:
    import pyarrow
from include.ticklake.memory.usage import use_frugal_allocators
use_frugal_allocators()
use_frugal_allocators()
assert ("pyarrow" in sys.modules) == ("imported" in sys.argv)
import pyarrow
print(pyarrow.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize("state", ["imported", "absent"])
def test_frugal_allocators_are_used_whether_pyarrow_is_imported_or_not(state):
    """Arrow allocates with the system's allocator, and it is not imported for that."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ARROW_")}
    argv = [sys.executable, "-c", FRUGAL, state]
    ended = subprocess.run(argv, capture_output=True, check=True, text=True, env=env)
    assert ended.stdout == "system\n"


def test_frugal_allocators_return_large_buffers():
    """As ``return_buffers`` does by itself."""
    code = FREED.replace("return_buffers(from_bytes=LARGE_BYTES)", "use_frugal_allocators()")
    code = code.replace("LARGE_BYTES, return_buffers", "use_frugal_allocators")
    argv = [sys.executable, "-c", code, "returned"]
    ended = subprocess.run(argv, capture_output=True, check=True)
    assert int(ended.stdout) < 4 * 1024
