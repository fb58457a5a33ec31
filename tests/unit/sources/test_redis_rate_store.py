"""Rate limits in a real Redis: nothing is lost in it, and nothing stops where it is away."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.redaction.masking import mask
from include.ticklake.sources.host_rate import HostRate
from include.ticklake.sources.rate_store import from_env
from include.ticklake.sources.redis_rate_store import RedisStore
from tools.servers.redis_server import redis, redis_program

HOST = "api.example.com"


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    program = redis_program()
    if program is None:
        pytest.skip("no Redis: apt-get install redis-server")
    with redis(tmp_path_factory.mktemp("redis"), program=program) as url:
        yield url


def known(store, host: str = HOST) -> tuple[HostRate, float]:
    """What *store* knows, and its time."""
    found = []

    def look(rate: HostRate, now_s: float) -> HostRate:
        found.append((rate, now_s))
        return rate

    store.change(host, look)
    return found[-1]


def test_one_changes_it_at_a_time(redis_url):
    """Stores with connections of their own, as processes have: no change is lost."""
    stores = [RedisStore(redis_url) for _ in range(8)]

    def count(number: int) -> None:
        stores[number % 8].change("counted", lambda rate, _now_s: HostRate(next_s=rate.next_s + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(200)))
    assert known(stores[0], "counted")[0].next_s == 200


def test_its_clock_counts(redis_url):
    """That of the server, which all machines ask."""
    rate, now_s = known(RedisStore(redis_url))
    assert rate == HostRate()
    assert abs(now_s - time.time()) < 60  # it runs on this machine


def test_what_nobody_asks_for_is_forgotten(redis_url):
    """After the longest wait that there is."""
    store = RedisStore(redis_url)
    store.change("forgotten", lambda _rate, _now_s: HostRate(next_s=1.0))
    assert 0 < store._client.ttl("ticklake:rate:forgotten") <= 7 * 86_400


@pytest.mark.parametrize("wrong", ["password", "port"])
def test_without_redis_a_machine_shares(redis_url, wrong, caplog, tmp_path, monkeypatch):
    """The log says so, without the password, and each change is made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    secret = redis_url.partition("//:")[2].partition("@")[0]
    url = (
        redis_url.replace(secret, f"wrong-{secret}")
        if wrong == "password"
        else f"redis://user:wrong-{secret}@127.0.0.1:1/0"
    )
    store = from_env({"TICKLAKE_RATE_LIMIT_URL": url})
    for _ in range(2):
        store.change(HOST, lambda rate, _now_s: HostRate(next_s=rate.next_s + 1))
    assert known(from_env({}))[0].next_s == 2
    (record,) = caplog.records
    assert record.message.startswith("rate_limit.not_shared: Redis at 127.0.0.1:")
    assert secret not in caplog.text
    assert mask(f"a library says wrong-{secret}") == "a library says ***"


@pytest.mark.parametrize("url", ["redis://host:99999/0", "redis://host/0?socket_timeout=s3cret"])
def test_an_address_that_redis_does_not_take_is_an_error(url):
    """Of the setting, and it is not shown."""
    with pytest.raises(UsageError, match="TICKLAKE_RATE_LIMIT_URL") as error:
        from_env({"TICKLAKE_RATE_LIMIT_URL": url})
    assert "s3cret" not in str(error.value)
