"""A lake in memory, with versions: a fake of the server only, for many quick runs."""

from __future__ import annotations

from obstore.store import MemoryStore

from include.ticklake.lake.object_store import BucketStore
from include.ticklake.lake.storage import Storage


def memory_storage(*, has_conditions: bool = True) -> Storage:
    """An empty lake through the code of buckets, which honours conditions or ignores them."""
    store = BucketStore(MemoryStore(), name="memory://lake", identity="memory")
    if has_conditions:
        store.has_conditions = True
        return Storage("memory://lake", store)
    return Storage("memory://lake", IgnoringStore(store))


class IgnoringStore:
    """The operations of *store*, which writes whatever the condition says: as rclone's server."""

    def __init__(self, store: BucketStore) -> None:
        self._store = store
        self.has_conditions: bool | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def put_if(self, key: str, body: bytes, *, expect: str | None, metadata: dict[str, str]) -> str:
        """``put``, and the new version."""
        del expect
        self._store.put(key, body, metadata=metadata)
        return self._store.version(key) or ""
