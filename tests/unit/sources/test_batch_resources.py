"""Units of a batch share what can be shared, and nobody uses what another one does."""

from __future__ import annotations

from include.ticklake.sources.batch_resources import BatchResources


class Thing:
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def test_what_is_given_back_is_taken_again():
    """What somebody uses is not; all that is free is closed at the end."""
    resources = BatchResources()
    first, second = resources.take("a", Thing), resources.take("a", Thing)
    assert first is not second
    resources.give_back("a", first)
    assert resources.take("b", Thing) is not first
    assert resources.take("a", Thing) is first
    resources.give_back("a", second)
    resources.close()
    assert (first.is_closed, second.is_closed) == (False, True)
