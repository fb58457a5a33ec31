"""The lake's root: may we write, read, list and delete there; does it compare; what time is it.

A small object below ``_incomplete/`` is written and deleted again, where nothing reads it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from include.ticklake.doctor.diagnosis import Diagnosis
from include.ticklake.errors import TicklakeError
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import JSON_METADATA, Storage
from include.ticklake.model.sizes import GIB, format_bytes
from include.ticklake.redaction.masking import mask

FOLDER = f"{Area.INCOMPLETE}/doctor"
BODY = b'{"written_by": "ticklake doctor"}\n'
FREE_LEAST_BYTES = GIB // 2
FREE_GOOD_BYTES = 5 * GIB
SKEW_GOOD_S = 60
"""Windows are over by this machine's clock: a clock ahead of others cuts them off."""
SKEW_MOST_S = 15 * 60
"""S3 refuses requests that are signed with more."""

_RIGHTS = {
    "write": ("s3:PutObject", "storage.objects.create", "Storage Blob Data Contributor"),
    "read": ("s3:GetObject", "storage.objects.get", "Storage Blob Data Contributor"),
    "list": ("s3:ListBucket", "storage.objects.list", "Storage Blob Data Contributor"),
    "delete": ("s3:DeleteObject", "storage.objects.delete", "Storage Blob Data Contributor"),
}
_SCHEMES = ("s3", "gs", "az")


def check_lake(
    root_uri: str, env: Mapping[str, str], credentials: Callable[[], Any] | None = None
) -> Iterator[Diagnosis]:
    """Yield how the lake at *root_uri* is; *env*, or *credentials* of S3, open it."""
    try:
        storage = Storage.open(root_uri, env, credentials=credentials)
    except (TicklakeError, OSError) as error:
        yield Diagnosis.fail("root", mask(str(error)), "set TICKLAKE_ROOT, or --root")
        return
    if folder := _folder(root_uri):
        yield _place(folder)
        before = _existing(folder)
        yield from check_storage(storage)
        _remove_new_folders(folder, before)
    else:
        yield Diagnosis.ok("root", root_uri)
        yield from check_storage(storage)


def check_storage(
    storage: Storage, *, clock: Callable[[], float] = time.time
) -> Iterator[Diagnosis]:
    """Yield whether *storage* lets us write, read, list, compare and delete, and its clock."""
    key = f"{FOLDER}/{uuid.uuid4().hex}.json"
    written_s = clock()
    if problem := _try("write", lambda: storage.put(key, BODY, metadata=JSON_METADATA), storage):
        yield problem
        return
    found: dict[str, float] = {}
    steps: dict[str, Callable[[], object]] = {
        "read": lambda: _expect(storage.read(key) == BODY, "what was written is not what is read"),
        "list": lambda: found.update(_times(storage, key)),
    }
    problems = [problem for name, do in steps.items() if (problem := _try(name, do, storage))]
    yield from problems
    yield from _conditions(storage, key)
    if key in found:
        yield _clock(found[key] - (written_s + clock()) / 2)
    if problem := _try("delete", lambda: _delete(storage, key), storage):
        yield problem
    elif not problems:
        yield Diagnosis.ok("rights", "write, read, list and delete")


def check_disk(root_uri: str) -> Diagnosis:
    """How much is free where the lake is, or for a bucket, where temporary files are."""
    folder = _existing(_folder(root_uri) or Path(tempfile.gettempdir()))
    free_bytes = shutil.disk_usage(folder).free
    text = f"{format_bytes(free_bytes)} free in {folder}"
    fix = "make room there, move the lake (TICKLAKE_ROOT), or set `retention` in the feed files"
    if free_bytes < FREE_LEAST_BYTES:
        return Diagnosis.fail("disk", text, fix)
    if free_bytes < FREE_GOOD_BYTES:
        return Diagnosis.warn("disk", text, fix)
    return Diagnosis.ok("disk", text)


def _conditions(storage: Storage, key: str) -> Iterator[Diagnosis]:
    name = "conditional writes"
    try:
        has_conditions = storage.learn_conditions(key, BODY)
    except OSError as error:
        text = f"a conditional write fails: {mask(str(error))}"
        yield Diagnosis.fail(name, text, "use a store that has them, or ignores them")
        return
    if has_conditions:
        yield Diagnosis.ok(name, "the store compares before it replaces")
    else:
        yield Diagnosis.warn(
            name, "the store ignores conditions, so one run of a feed at a time is safe, not two",
            "leave TICKLAKE_INGEST_RUNS at 1, or use a store that has them (AWS, MinIO, R2, GCS)",
        )  # fmt: skip


def _clock(skew_s: float) -> Diagnosis:
    ahead = "behind" if skew_s > 0 else "ahead of"
    text = f"this machine is {abs(skew_s):.0f} s {ahead} the store"
    fix = "set the clock: `timedatectl set-ntp true`, or ask the administrator"
    if abs(skew_s) > SKEW_MOST_S:
        return Diagnosis.fail("clock", text, fix)
    if abs(skew_s) > SKEW_GOOD_S:
        return Diagnosis.warn("clock", text, fix)
    return Diagnosis.ok("clock", "as the store's, to the second or two that can be seen")


def _times(storage: Storage, key: str) -> dict[str, float]:
    infos = storage.infos(FOLDER)
    _expect(key in infos, "what was written is not in the list")
    return {key: infos[key].modified_at.timestamp()}


def _delete(storage: Storage, key: str) -> None:
    storage.delete(key)
    _expect(not storage.exists(key), f"{storage.uri(key)} is still there")


def _expect(is_right: bool, otherwise: str) -> None:
    if not is_right:
        raise OSError(otherwise)


def _try(right: str, do: Callable[[], object], storage: Storage) -> Diagnosis | None:
    """What is wrong with *right*; None where *do* works."""
    try:
        do()
    except (OSError, TicklakeError) as error:
        return Diagnosis.fail(
            "rights", f"cannot {right}: {mask(str(error))}", _grant(right, storage.root_uri)
        )
    return None


def _grant(right: str, root_uri: str) -> str:
    scheme = urlsplit(root_uri).scheme
    if scheme not in _SCHEMES:
        return f"give the user {os.getuid()} the right to {right} in {_folder(root_uri)}"
    permission = _RIGHTS[right][_SCHEMES.index(scheme)]
    return (
        f"check the address and the keys (AWS_*, or the connection), and allow {permission} below "
        f"{root_uri}"
    )


def _folder(root_uri: str) -> Path | None:
    """The folder of a lake on a disk."""
    parts = urlsplit(root_uri)
    return Path(parts.path) if parts.scheme == "file" else None


def _place(folder: Path) -> Diagnosis:
    if folder.is_relative_to("/tmp"):  # noqa: S108 - that is what the warning is about
        return Diagnosis.warn(
            "root", f"{folder} is a folder for temporary files, which a restart may empty",
            "set TICKLAKE_ROOT to a folder that stays, or to a bucket",
        )  # fmt: skip
    return Diagnosis.ok("root", str(folder))


def _existing(folder: Path) -> Path:
    """*folder*, or the nearest one above it that exists."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _remove_new_folders(folder: Path, before: Path) -> None:
    """Leave no folder that the check created: a lake that is not there yet stays so."""
    paths = [folder / FOLDER]
    if before != folder:
        (folder / Area.INCOMPLETE / "lock").unlink(missing_ok=True)
        above = [folder, *folder.parents]
        paths += [folder / Area.INCOMPLETE, *above[: above.index(before)]]
    for path in paths:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
