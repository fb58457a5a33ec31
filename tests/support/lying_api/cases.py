"""All cases of one paging kind, and the count of what their sources did."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from tests.support.lying_api.behaviours import legal, lies
from tests.support.lying_api.scenario import Scenario, scenarios
from tests.support.lying_api.trial import try_out
from tests.support.servers.http import HttpServer

CASES = "cases"
MUST_SUCCEED = "cases that must succeed"
_FOCUSED_CASES, _OTHER_CASES = 4, 30
"""Of each behaviour, and of any; the hypothesis profiles multiply them by a hundredth of theirs."""


def try_all(kind: str, server: HttpServer) -> Counter[str]:
    """Try the cases of *kind*; return in how many of them its sources did what they can.

    Each behaviour is in focus a few times, so that none is left to chance.
    """
    share = settings.default.max_examples / 100
    counts: Counter[str] = Counter()
    behaviours = sorted(legal(kind) | lies(kind))
    is_whole = share >= 1
    for focus in behaviours if is_whole else behaviours[::8]:
        counts += _tried(kind, focus, server, cases=max(1, round(_FOCUSED_CASES * share)))
    counts += _tried(kind, None, server, cases=round(_OTHER_CASES * share))
    never = sorted(set(behaviours) - counts.keys())
    assert not (is_whole and never), f"no source of {kind} did this: {never}"
    return counts


def table(kind: str, counts: Counter[str]) -> Iterator[str]:
    """*counts* as lines of a report."""
    yield f"{kind}: {counts[CASES]} cases, of which {counts[MUST_SUCCEED]} must succeed"
    for title, names in (("legal", legal(kind)), ("lies", lies(kind))):
        did = ", ".join(f"{name} {counts[name]}" for name in sorted(names))
        yield f"    {title}: {did}"


def _tried(kind: str, focus: str | None, server: HttpServer, *, cases: int) -> Counter[str]:
    counts: Counter[str] = Counter()

    @settings(max_examples=cases, suppress_health_check=[HealthCheck.too_slow])
    @given(scenario=scenarios(kind, focus=focus))
    def each(scenario: Scenario) -> None:
        with tempfile.TemporaryDirectory() as folder:
            try_out(scenario, server, Path(folder))
        server.asked.clear()
        counts.update(scenario.behaviours.counts.keys())
        counts.update([CASES] if scenario.behaviours.told_lies else [CASES, MUST_SUCCEED])

    each()
    return counts
