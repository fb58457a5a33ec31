"""Objects of the lake are decoded by many threads at once, from the first one on."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

PROCESSES = 6
"""About every second one ended where the type was named by the call."""

READ_IN_THREADS = """
import sys, threading
from types import SimpleNamespace
from include.ticklake.lake import manifest

sys.setswitchinterval(1e-6)
key = "manifests/f/date=2026-01-01/20260101T000000Z-20260101T010000Z.json"
body = b'''{"feed": "f", "slice": {}, "window": "20260101T000000Z-20260101T010000Z", "json": {
    "received_rows": 0, "outside_rows": 0, "duplicate_rows": 0, "pages": 1, "page_bytes": 1,
    "host": "h", "fetched_at_ms": null, "parts": []}}'''
stored = SimpleNamespace(body=body, version="1")  # a disk would answer one thread after the other
storage = SimpleNamespace(read_versioned=lambda key: stored, uri=str)
barrier = threading.Barrier(8)

def read():
    barrier.wait()
    assert manifest.read(key, storage=storage).feed == "f"

threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_the_first_manifests_are_read_by_several_threads():
    """msgspec ends the process (SIGSEGV) where two threads use a type for the first time."""
    argv = [sys.executable, "-c", READ_IN_THREADS]
    for _ in range(PROCESSES):
        done = subprocess.run(
            argv, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr


def test_no_type_is_learnt_by_a_call():
    """A decoder that a module makes when it is imported knows its type before any thread."""
    calls = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in sorted(Path(REPOSITORY, "include").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "msgspec.json.decode"
        and any(key.arg == "type" and ast.unparse(key.value) != "str" for key in node.keywords)
    ]
    assert calls == []
