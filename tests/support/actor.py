"""A command that runs only while it is given steps: stopped, woken, or killed at any request.

It runs in a thread of its own, and stops before each request to the store. One thread at a time
runs, so that the same schedule gives the same run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from include.ticklake.lake.storage import Storage
from tests.support.crashing_storage import Crash

ALL_STEPS = 1_000_000
_TIMEOUT_S = 60


class Actor:
    """*act*, with a storage that *connect* makes with the function it calls before each request."""

    def __init__(
        self,
        act: Callable[[Storage], object],
        connect: Callable[[Callable[[str, str], None]], Storage],
        *,
        on_run: Callable[[Actor], None] = lambda _actor: None,
    ) -> None:
        self.error: BaseException | None = None
        self.is_done = self.is_killed = False
        self.steps = 0
        self.last_request = ""
        self._on_run = on_run
        self._act, self._storage = act, connect(self._step)
        self._left = 0
        self._woken, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def advance(self, steps: int = ALL_STEPS) -> bool:
        """Let it send *steps* requests, and what it does until the next; whether it is done."""
        if not self.is_done:
            self._left = steps
            self._on_run(self)
            self._woken.release()
            if not self._stopped.acquire(timeout=_TIMEOUT_S):
                raise TimeoutError(f"a command hangs after {self.last_request}")
        return self.is_done

    def kill(self) -> None:
        """Let it end at this request: nothing that it does from now on reaches the store."""
        self.is_killed = not self.is_done
        self.advance()
        self._thread.join(_TIMEOUT_S)

    def _run(self) -> None:
        self._woken.acquire()
        try:
            if not self.is_killed:
                self._act(self._storage)
        except Crash:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self.is_done = True
            self._stopped.release()

    def _step(self, request: str, key: str) -> None:
        if not self.is_killed and self._left <= 0:
            self.last_request = f"{request} {key}"
            self._stopped.release()
            self._woken.acquire()
        if self.is_killed:
            raise Crash
        self._left -= 1
        self.steps += 1
