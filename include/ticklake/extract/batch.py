"""What the units of one batch share while they are fetched: what is read once, kept connections."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from include.ticklake.extract import checkpoint
from include.ticklake.extract.checkpoint import Checkpoint, SavedCheckpoints
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.batch_record import RecordToExtract
from include.ticklake.lake.storage import Storage
from include.ticklake.model.stop_signal import StopSignal
from include.ticklake.model.unit import Unit
from include.ticklake.sources import auth, rate_store
from include.ticklake.sources.auth import GetCredentials
from include.ticklake.sources.batch_resources import BatchResources
from include.ticklake.sources.body_room import BodyRoom, UnitRoom
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.source import Connect, SourceContext
from include.ticklake.sources.sql import engines


class ExtractBatch:
    """For the units of one feed, also in several threads; leaving its ``with`` closes it.

    The feed's record and the list of checkpoints are read once, and so is how the feed is
    described. *patience* sleeps until *stop* is set. At most *places* units receive much at once.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        storage: Storage,
        base_url: str | None = None,
        patience: SourceRetryPolicy | None = None,
        stop: StopSignal | None = None,
        places: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feed, self._storage, self.base_url = feed, storage, base_url
        self.stop = stop or StopSignal()
        self.patience = patience or SourceRetryPolicy(sleep=self.stop.sleep)
        self.resources = BatchResources()
        self.room = BodyRoom(places, stop=self.stop)
        self.record = RecordToExtract(feed, storage=storage, clock=clock)
        self._checkpoints = SavedCheckpoints(feed, storage=storage)
        self._digest = checkpoint.digest_of(feed, base_url=base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.resources.close()

    def load_or_start(self, unit: Unit, *, now_ms: int) -> tuple[Checkpoint, bool]:
        """The checkpoint of the last attempt at *unit*, or a new one; and whether one is saved."""
        return checkpoint.load_or_start(
            self._feed,
            unit,
            digest=self._digest,
            now_ms=now_ms,
            storage=self._storage,
            saved_checkpoints=None if self.record.was_new else self._checkpoints,
        )


def source_context(
    *,
    base_url: str | None,
    patience: SourceRetryPolicy | None,
    lookup: GetCredentials | None,
    connect: Connect | None,
    clock: Callable[[], float],
    resources: BatchResources | None = None,
    room: UnitRoom | None = None,
) -> SourceContext:
    """How the source is reached; what is not given is taken from the environment."""
    return SourceContext(
        get_credentials=lookup or partial(auth.credentials_from_env, env=os.environ),
        connect=connect or partial(engines.engine_from_env, env=os.environ),
        base_url=base_url,
        retry_policy=patience or SourceRetryPolicy(),
        rate_store=rate_store.from_env(os.environ),
        now_s=clock,
        resources=resources,
        room=room,
    )
