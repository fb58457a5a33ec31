"""Two commands at once on a real server: both finish, stop in the middle, or die; nothing is lost.

Each command meets each other one, and itself, on a server that honours conditional writes. On one
that ignores them one run of a feed may be active, and one of its maintenance: those meet.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator
from itertools import combinations_with_replacement, product

import pytest

from include.ticklake.errors import TicklakeError
from tests.crash.lake_on_server import ServedLake, numbers
from tests.support.forked_cli import Interruption

pytestmark = pytest.mark.slow

RUNS = ("extract", "convert", "rebuild", "repair")
MAINTENANCE = ("compact", "retention")
PAIRS_OF_EACH = 22
HOW = ("both", "stopped", "killed")


def pairs_on(server: str) -> Iterator[tuple[str, str]]:
    """The pairs of commands that may meet, again and again."""
    if server == "moto":
        allowed = [*combinations_with_replacement((*RUNS, *MAINTENANCE), 2)]
    else:
        allowed = [*product(RUNS, MAINTENANCE)]
    met: Counter[str] = Counter()
    while min(met[name] for name in (*RUNS, *MAINTENANCE)) < PAIRS_OF_EACH:
        for pair in allowed:
            met.update(set(pair))
            yield pair


@pytest.mark.parametrize("server", ["moto", "s3_server"])
def test_22_concurrent_pairs_of_each_command_lose_nothing(
    server, request, http_server, tmp_path, report_line
):
    """Stopped at a random call of the store and woken when the other is done, or killed there."""
    servers = request.getfixturevalue(server)
    chance = random.Random(12)
    met: Counter[tuple[str, str]] = Counter()
    losses: list[str] = []
    filled: dict[str, bytes] | None = None
    for number, pair in enumerate(pairs_on(server)):
        folder = tmp_path / str(number)
        folder.mkdir()
        lake = ServedLake(servers.bucket(), http_server, folder)
        how = chance.choice(HOW)
        at_call = chance.randrange(30)
        first, second = pair if chance.random() < 0.5 else pair[::-1]
        filled = lake.fill(filled)
        label = f"{first} {how} at call {at_call}, {second}"
        losses += [f"{label}: {loss}" for loss in meet(lake, first, second, how, at_call)]
        for name in {first, second}:
            met[name, how] += 1
    for (name, how), count in sorted(met.items()):
        report_line(f"{server}: {name} met another, {how}: {count}")
    assert not losses, "\n".join([f"{len(losses)} losses", *losses])


def meet(lake: ServedLake, first: str, second: str, how: str, at_call: int) -> Iterator[str]:
    """Let *first* be at its *at_call* while *second* runs; yield what is wrong then."""
    lake.source_has(amount=2, every=1)
    interruption = None
    if how != "both":
        of = signal.SIGSTOP if how == "stopped" else signal.SIGKILL
        interruption = Interruption(signal=of, at_call=at_call)
    one = lake.forks.start(*lake.argv(first), interruption=interruption)
    if how != "both":
        one.wait_until_stopped()
    code, text = lake.forks.run(*lake.argv(second))
    one.wake()
    first_code = one.wait()
    if not _is_fine(code, text):
        yield f"{second} ended with {code}: {text[-2000:]}"
    is_killed = how == "killed" and first_code == -signal.SIGKILL
    if not is_killed and not _is_fine(first_code, one.text()):
        yield f"{first} ended with {first_code}: {one.text()[-2000:]}"
    has_fetched = (first, first_code) == ("extract", 0) or (second, code) == ("extract", 0)
    yield from lost(lake, has_fetched=has_fetched)


def _is_fine(code: int, text: str) -> bool:
    """Done, to be tried again, refused because of the data, or told what retention did."""
    return code in (0, 3, 4) or (code == 2 and "retention removed" in text)


def lost(lake: ServedLake, *, has_fetched: bool) -> Iterator[str]:
    """What readers lack now, and after all was converted and compacted."""
    old, new = lake.expected(amount=1, every=2), lake.expected(amount=2, every=1)
    wanted = set(numbers(new if has_fetched else old))
    try:
        scanned = numbers(lake.scanned())
        if len(set(scanned)) != len(scanned) or not set(numbers(old)) <= set(scanned):
            yield f"readers see {scanned}"
        staged = lake.staged()
        if not wanted <= set(numbers(staged)) or not set(staged) <= {*old, *new}:
            yield f"staged is {staged}"
        lake.convert_and_compact()
        if not lake.scanned() == lake.in_folder() == staged:
            yield f"staged is {staged}, seen {lake.scanned()}, in the folder {lake.in_folder()}"
    except (OSError, AssertionError, ValueError, TicklakeError) as error:
        yield f"{type(error).__name__}: {error}"
