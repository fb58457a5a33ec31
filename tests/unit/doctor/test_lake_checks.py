"""The rights below a root are tried on real stores, and nothing is left there."""

from __future__ import annotations

import os
import shutil
import time
from collections import namedtuple
from pathlib import Path

import pytest

from include.ticklake.doctor import lake_checks
from include.ticklake.doctor.diagnosis import Diagnosis
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import GIB
from tests.support.memory_storage import memory_storage
from tools.servers.s3 import Bucket


def states(diagnoses) -> dict[str, str]:
    return {each.check: each.state for each in diagnoses}


def test_a_folder_has_every_right_and_stays_empty(tmp_path, monkeypatch):
    """The lake is not there yet: the check does not create it."""
    monkeypatch.setattr(lake_checks, "_place", lambda folder: Diagnosis.ok("root", str(folder)))
    root = f"file://{tmp_path}/data/lake"
    assert states(lake_checks.check_lake(root, {})) == {
        "root": "ok", "conditional writes": "ok", "clock": "ok", "rights": "ok",
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_lake_that_is_there_keeps_its_objects(tmp_path):
    """Only the probe goes."""
    storage = Storage.open(f"file://{tmp_path}", {})
    storage.put("json/rows/a.json", b"[]")
    assert "fail" not in states(lake_checks.check_lake(storage.root_uri, {})).values()
    assert list(storage.list("")) == ["json/rows/a.json"]
    assert not (tmp_path / lake_checks.FOLDER).exists()


def test_a_folder_for_temporary_files_is_a_warning():
    """The default root is one."""
    folder = Path("/tmp/no-such-lake-of-ticklake")  # noqa: S108 - which is the point
    [first, *_] = lake_checks.check_lake(f"file://{folder}", {})
    assert (first.check, first.state) == ("root", "warn")
    assert "TICKLAKE_ROOT" in first.fix
    assert not folder.exists()


@pytest.mark.s3
def test_a_store_that_ignores_conditions_is_a_warning(s3: Bucket):
    """With the setting that keeps such a lake safe."""
    checks = {each.check: each for each in lake_checks.check_lake(s3.root, s3.environment)}
    assert checks["rights"].state == "ok"
    assert checks["conditional writes"].state == "warn"
    assert "TICKLAKE_INGEST_RUNS" in checks["conditional writes"].fix
    assert checks["clock"].state == "ok"
    assert list(Storage.open(s3.root, s3.environment).list("")) == []


@pytest.mark.s3
def test_a_key_without_rights_fails_with_the_permission_to_give(s3: Bucket):
    """And the secret is in no text."""
    env = s3.environment | {"AWS_SECRET_ACCESS_KEY": "wr0ng-s3cret"}
    checks = {each.check: each for each in lake_checks.check_lake(s3.root, env)}
    assert checks["rights"].state == "fail"
    assert checks["rights"].text.startswith("cannot write: ")
    assert f"allow s3:PutObject below {s3.root}" in checks["rights"].fix
    assert "wr0ng" not in str(checks)


class RefusingStore:
    """A store that refuses one thing."""

    def __init__(self, store: object, refused: str) -> None:
        self._store, self._refused = store, refused

    def __getattr__(self, name: str) -> object:
        if name == self._refused:
            return self._refuse
        return getattr(self._store, name)

    def _refuse(self, *_: object) -> None:
        raise PermissionError(f"{self._refused} is denied")


@pytest.mark.parametrize(
    ("right", "request_name", "permission"),
    [
        ("read", "read", "s3:GetObject"),
        ("list", "infos", "s3:ListBucket"),
        ("delete", "delete", "s3:DeleteObject"),
    ],
)
def test_each_right_that_is_missing_is_named(right, request_name, permission):
    """By what a policy calls it; the other rights are tried all the same."""
    store = RefusingStore(memory_storage().store, request_name)
    checks = [
        each
        for each in lake_checks.check_storage(Storage("s3://bucket/lake", store))
        if each.check == "rights"
    ]
    assert [each.state for each in checks] == ["fail"]
    assert f"cannot {right}: {request_name} is denied" in checks[0].text
    assert permission in checks[0].fix


@pytest.mark.parametrize(
    ("skew_s", "state"),
    [(0, "ok"), (59, "ok"), (120, "warn"), (-120, "warn"), (3600, "fail"), (-3600, "fail")],
)
def test_a_clock_that_differs_from_the_stores(tmp_path, skew_s, state):
    """A minute cuts windows off, a quarter of an hour is refused by S3."""
    storage = Storage.open(f"file://{tmp_path}", {})
    checks = lake_checks.check_storage(storage, clock=lambda: time.time() + skew_s)
    assert states(checks)["clock"] == state


@pytest.mark.parametrize(
    ("free_bytes", "state"), [(GIB // 4, "fail"), (2 * GIB, "warn"), (100 * GIB, "ok")]
)
def test_a_disk_that_fills_up(tmp_path, monkeypatch, free_bytes, state):
    """Of the nearest folder that exists."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, free_bytes))
    found = lake_checks.check_disk(f"file://{tmp_path}/not/there/yet")
    assert found.state == state
    assert str(tmp_path) in found.text


def test_a_root_that_is_none_fails():
    """With the setting to change."""
    [only] = lake_checks.check_lake("ftp://host/lake", {})
    assert (only.state, only.check) == ("fail", "root")


def test_the_user_of_a_folder_is_named():
    """A folder has no policy."""
    fix = lake_checks._grant("write", "file:///data/lake")
    assert fix == f"give the user {os.getuid()} the right to write in /data/lake"
