"""The places in which workers share what they know: one changes it at a time, none stops them."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.sources.host_rate import HostRate, QuotaReport
from include.ticklake.sources.rate_store import (
    FallbackStore,
    FileStore,
    MemoryStore,
    decode,
    encode,
    from_env,
)

HOST = "api.example.com"


def paced(rate: HostRate, now_s: float) -> HostRate:
    return rate.send("/trades", now_s=now_s, requests_per_s=1e-3)


def known(store) -> HostRate:
    """What *store* knows."""
    found = []

    def look(rate: HostRate, _now_s: float) -> HostRate:
        found.append(rate)
        return rate

    store.change(HOST, look)
    return found[0]


def test_one_changes_it_at_a_time(tmp_path):
    """Threads with a store each, as processes have: no change is lost."""

    def count(_number: int) -> None:
        FileStore(tmp_path / "rates").change(
            HOST, lambda rate, _now_s: HostRate(next_s=rate.next_s + 1)
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(200)))
    assert known(FileStore(tmp_path / "rates")).next_s == 200


def test_hosts_are_apart(tmp_path):
    """Whatever their names hold."""
    store = FileStore(tmp_path)
    store.change("../a.example:80 via [::1]:8900", paced)
    assert known(store) == HostRate()
    assert {path.stat().st_size > 0 for path in tmp_path.iterdir()} == {True, False}


@pytest.mark.parametrize("data", [b"", b"[1.5,", b"\xff\x00", b'{"next_s": 1}', b'["a"]', b"[]"])
def test_what_cannot_be_read_is_not_known(data):
    """A file that was cut, or one of another version."""
    assert decode(data) == HostRate()


def test_everything_is_stored():
    """And read back as it was."""
    rate = HostRate(refused_until_s=7.5).send("/trades", now_s=5, requests_per_s=0.3)
    reading = QuotaReport(left=3.5, renewed_s=99, margin=1)
    rate = rate.answer("/trades", sent_s=5, reading=reading, now_s=6)
    assert decode(encode(rate)) == rate


def test_a_place_that_fails_is_said_and_another_one_taken(tmp_path, caplog):
    """Once, and after half a minute it is tried again."""
    now_s = 0.0
    place, nearer = tmp_path / "rates", MemoryStore()
    place.write_text("not a folder")
    store = FallbackStore(FileStore(place), nearer, clock=lambda: now_s)
    for _ in range(3):
        store.change(HOST, paced)
    assert known(nearer).next_s > time.time()
    place.unlink()
    now_s = 29.0
    store.change(HOST, paced)
    assert not place.exists()
    now_s = 31.0
    store.change(HOST, paced)
    assert known(FileStore(place)).next_s > time.time()
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.message.partition(":")[0] for record in warnings] == ["rate_limit.not_shared"]


def test_a_lock_that_is_held_ends_the_wait(tmp_path, monkeypatch):
    """The holder may have been stopped."""
    monkeypatch.setattr("include.ticklake.sources.rate_store._LOCK_LIMIT_S", 0.05)
    held, let_go = threading.Event(), threading.Event()

    def hold(rate: HostRate, _now_s: float) -> HostRate:
        held.set()
        let_go.wait(10)
        return rate

    holder = threading.Thread(target=FileStore(tmp_path).change, args=(HOST, hold))
    holder.start()
    held.wait(10)
    try:
        with pytest.raises(TimeoutError, match="locked"):
            FileStore(tmp_path).change(HOST, paced)
    finally:
        let_go.set()
        holder.join()


@pytest.mark.parametrize(("name", "user"), [("link", os.geteuid()), ("folder", os.geteuid() + 1)])
def test_another_users_folder_is_not_used(tmp_path, monkeypatch, name, user):
    """Among temporary files anybody may have made it: also as a link to one of ours."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    monkeypatch.setattr("os.geteuid", lambda: user)
    with pytest.raises(PermissionError, match=f"{name} belongs to another user, or is a link"):
        FileStore(tmp_path / name, is_own=True).change(HOST, paced)


def test_processes_of_this_machine_share_without_a_setting(tmp_path, monkeypatch):
    """In a folder of the temporary ones that only this user may open."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    from_env({}).change(HOST, paced)
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert known(FileStore(folder)).next_s > time.time()


@pytest.mark.parametrize(
    "url", ["localhost:6379", "http://:s3cret-word@host", "redis://", "file://s3cret-word/folder"]
)
def test_another_address_is_refused_unseen(url):
    """It may have a password."""
    with pytest.raises(UsageError, match=r"^TICKLAKE_RATE_LIMIT_URL: .*; write ") as error:
        from_env({"TICKLAKE_RATE_LIMIT_URL": url})
    assert "s3cret" not in str(error.value)
