"""What is known of a host's rate limit, in Redis: for the workers of several machines.

Its clock counts, not that of each machine. A change is computed here and stored if nothing else
was stored meanwhile, so that there is one description of it for every place.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from include.ticklake.errors import LONGEST_WAIT_S, UsageError
from include.ticklake.redaction.addresses import is_secret
from include.ticklake.redaction.masking import remember
from include.ticklake.sources.rate_store import Change, decode, encode

try:
    import redis
except ImportError:
    raise UsageError(
        "TICKLAKE_RATE_LIMIT_URL: the Python package redis is missing; install it, or unset the "
        "variable"
    ) from None

_KEY = "ticklake:rate:"
_TIMEOUT_S = 1.0
_MOST_TRIES = 1_000
_REPLACE = """
if (redis.call('get', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'ex', ARGV[3])
return 1
"""


class RedisStore:
    """All workers that reach the Redis at *url*: ``redis://[[user]:password@]host[:port][/db]``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        remember(parts.password, unquote(parts.password or ""))
        remember(*(value for name, value in parse_qsl(parts.query) if is_secret(name)))
        self._where = parts.netloc.rpartition("@")[2] or parts.path
        try:
            self._client = redis.Redis.from_url(
                url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
            )
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"TICKLAKE_RATE_LIMIT_URL: {type(error).__name__}; write "
                "redis://user:password@host:6379/0"
            ) from None
        self._replace = self._client.register_script(_REPLACE)

    def change(self, host: str, change: Change) -> None:
        """Apply *change*; ``ConnectionError`` where Redis does not answer."""
        key = _KEY + host
        try:
            for _ in range(_MOST_TRIES):
                with self._client.pipeline(transaction=False) as pipeline:
                    pipeline.time()
                    pipeline.get(key)
                    (seconds, microseconds), data = pipeline.execute()
                before = decode(data)
                after = change(before, seconds + microseconds / 1e6)
                if after == before:
                    return
                if self._replace([key], [data or b"", encode(after), LONGEST_WAIT_S]):
                    return
        except (redis.RedisError, OSError) as error:
            # Its message may have what the address has.
            raise ConnectionError(f"Redis at {self._where}: {type(error).__name__}") from None
        raise ConnectionError(f"Redis at {self._where}: no turn in {_MOST_TRIES} tries")
