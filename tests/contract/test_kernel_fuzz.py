"""Damaged lines take the kernel nowhere beyond its memory: sanitizers look at every step.

``make fuzz SECONDS=3600`` goes on with other lines: those that clang's libFuzzer finds by what
they make the kernel do, or, without clang, others by chance.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from include.ticklake.kernel.build import SOURCE, compiler_commands
from include.ticklake.kernel.library import Plan
from include.ticklake.kernel.reading_plan import ReadingPlan
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.model.nesting import MAX_LEVELS
from tests.conftest import REPOSITORY
from tests.support.json_blocks import FIELDS, NULL_VALUES, PLAIN_FIELDS, START_MS, feed
from tests.support.kernel_plans import plans_in_c, widths

FUZZ = REPOSITORY / "tests" / "support" / "kernel_fuzz.c"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")

MEMBERS = [
    ('"i":1', '"i":"-9223372036854775808"', '"d":"12.50"', '"d":1e3', '"D":""', '"D":"1e-40"'),
    (
        '"o":{"f":"0.25","p":{"w":-123456789012345678901234567890.125},"j":[1, {"a":[]}]}',
        '"o":null',
    ),
    ('"s":"a\\u00e9\\ud83d\\ude00\\n"', '"s":"€😀"', '"s":"\\ud83d"', '"b":true', '"b":null'),
    ('"ts":1795323600', '"tu":"1795323600000000"', '"tn":1795323600000000001', '"te":0'),
    ('"tf":"1795323600.25"', '"tx":1795323600000.5', '"f":1.7976931348623157e308', '"f":"5e-9"'),
    ('"ti":"2026-11-22T05:00:00.123456789+02:00"', '"tm":"20261122 0500"', '"td":"2026-11-22"'),
    ('"tl":"2026-11-22T05:30"', '"tg":2026112205', '"th":"22/11/2026 05:30:00.5"', '"te8":"-"'),
    ('"j":{"a" : [1.50]}', '"unknown":{"x":["\\"",-0.5E+10,false]}', '"\\u0069":1', '"":[[[]]]'),
    ('"a":[[1,"x"],{"b":"2.5"}, null]', '"a":{"0":["y"]}', '"a":[ ]', '"a":"[]"', '"a":[[[]],[]]'),
    (f'"unknown":{"[" * MAX_LEVELS}{"]" * MAX_LEVELS}', '"unknown":1', '"o":3', '"unknown":"é"'),
]

IN_ARRAYS: dict[str, dict[str, object]] = {
    "element": {"from": "a.0.0", "type": "int64"},
    "second": {"from": "a.0.1", "type": "string"},
    "inside": {"from": "a.1.b", "type": "decimal(9,2)"},
    "third": {"from": "a.2", "type": "json"},
}


def lines(number: int) -> bytes:
    """Records with a few members each."""
    records = []
    for row in range(3):
        members = [
            some[(number + row * 5 + place) % len(some)] for place, some in enumerate(MEMBERS)
        ]
        records.append("{" + ", ".join([*members[row % 3 :: 2], f'"t":{START_MS + row}']) + "},\n")
    return "".join(records).encode()


def plans() -> list[ReadingPlan]:
    """Columns of every type, with and without those of JSON."""
    described = (feed(FIELDS | IN_ARRAYS), feed(PLAIN_FIELDS, null_values=NULL_VALUES))
    return [
        ReadingPlan([column for column in LakeSchema.of(one).columns if column.path])
        for one in described
    ]


def fuzz(library: str, *, seconds: float) -> int:
    """Change lines again and again, for so long or a few times; how many records were read."""
    kernel = ctypes.CDLL(library)
    kernel.fuzz.restype = ctypes.c_int64
    kernel.fuzz.argtypes = [
        ctypes.POINTER(Plan), ctypes.c_char_p, ctypes.c_int64, ctypes.POINTER(ctypes.c_int32),
        ctypes.c_int64, ctypes.c_uint64,
    ]  # fmt: skip
    read = number = 0
    began_s = time.monotonic()
    every = [(plan, widths(plan)) for plan in plans()]
    while number < 100 or time.monotonic() - began_s < seconds:
        plan, by_column = every[number % 2]
        sizes = (ctypes.c_int32 * len(by_column))(*by_column)
        text = lines(number)
        read += kernel.fuzz(plan.plan, text, len(text), sizes, 200, number)
        number += 1
    return read


def sanitized(folder: Path) -> tuple[Path, dict[str, str]]:
    """The kernel with sanitizers, and the environment that Python needs to load it."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no gcc, whose sanitizers look at the kernel")
    library = folder / "fuzz.so"
    argv = [gcc, "-std=c11", "-O1", "-g", *SANITIZERS, "-fPIC", "-shared", f"-I{SOURCE.parent}"]
    subprocess.run([*argv, "-o", str(library), str(FUZZ)], check=True)
    names = (f"-print-file-name={name}" for name in ("libasan.so", "libubsan.so"))
    preload = [
        subprocess.run([gcc, name], capture_output=True, text=True, check=True).stdout.strip()
        for name in names
    ]
    options = {"ASAN_OPTIONS": "detect_leaks=0", "LD_PRELOAD": " ".join(preload)}
    return library, {**os.environ, **options, "PYTHONPATH": str(REPOSITORY)}


@pytest.mark.slow
def test_damaged_lines_are_read_within_their_memory(tmp_path):
    """Twenty thousand of them; some records are still whole."""
    library, env = sanitized(tmp_path)
    argv = [sys.executable, "-m", __spec__.name, "0", str(library)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) > 1_000


def test_the_fuzzer_has_the_plans_that_python_has(tmp_path):
    """As C source, which the compiler takes."""
    (tmp_path / "plans.h").write_text(plans_in_c(plans()))
    flags = ["-std=c11", "-fsyntax-only", "-Wall", "-Werror", f"-I{SOURCE.parent}"]
    defined = f'-DFUZZ_PLANS="{tmp_path / "plans.h"}"'
    compiler = next(compiler_commands({"PATH": "/usr/bin:/usr/local/bin"}))
    argv = [*compiler, *flags, defined, str(FUZZ)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def search(folder: Path, clang: str, *, seconds: int) -> int:
    """Let libFuzzer search for so long; its exit code, 0 where nothing was found."""
    (folder / "plans.h").write_text(plans_in_c(plans()))
    program, corpus = folder / "fuzz", folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number in range(200):
        (corpus / f"lines-{number}").write_bytes(bytes([number % 2]) + lines(number))
    flags = [f"{SANITIZERS[0]},fuzzer", *SANITIZERS[1:], "-std=c11", "-O1", "-g"]
    defined = [f'-DFUZZ_PLANS="{folder / "plans.h"}"', f"-I{SOURCE.parent}"]
    subprocess.run([clang, *flags, *defined, "-o", str(program), str(FUZZ)], check=True)
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-print_final_stats=1"]
    argv = [str(program), *options, f"-artifact_prefix={folder}/", str(corpus)]
    return subprocess.run(argv, check=False, cwd=folder).returncode


def main(seconds: float, library: str | None = None) -> None:
    """Go on for *seconds*; the sanitizers end the process at what they find."""
    if library is not None:
        print(fuzz(library, seconds=seconds))
        return
    folder = REPOSITORY / "build" / "fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    if clang := shutil.which("clang"):
        raise SystemExit(search(folder, clang, seconds=int(seconds)))
    path, env = sanitized(folder)
    argv = [sys.executable, "-m", "tests.contract.test_kernel_fuzz", str(seconds), str(path)]
    raise SystemExit(subprocess.run(argv, env=env, check=False).returncode)


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:])
