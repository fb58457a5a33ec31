"""Fails where something is wrong, so that somebody sees it."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access.settings import OperatorSettings
from include.operators.alerts import alert, notifier
from include.ticklake.errors import DataError

if TYPE_CHECKING:
    from airflow.sdk import Context


class FailOnFindingsOperator(BaseOperator):
    """Fail for findings that are not being fetched again, and for feeds that were not audited.

    The notifier is alerted of the same. One that cannot be used fails this task, too: nobody would
    notice that it stays silent.

    :param totals: what the report adds up to
    """

    template_fields = ("totals",)

    def __init__(self, *, totals: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.totals = totals

    def execute(self, context: Context) -> None:
        """``DataError`` with one line for each feed, and how to repair it."""
        lines = self._lines()
        if lines:
            text = [f"{feed}: {line}" for feed, line in sorted(lines.items())]
            notifier.send_or_log(alert.findings(sorted(lines), text), context)
            advice = "trigger this DAG with `repair` on to re-fetch windows, or repair feed by feed"
            raise DataError("\n".join([f"the audit found problems; {advice}:", *text]))
        notifier.load(OperatorSettings.from_env(os.environ))

    def _lines(self) -> dict[str, str]:
        """What is wrong, by feed."""
        from include.ticklake.maintain import audit

        lines = {feed: f"not audited, {why}" for feed, why in self.totals["failures"].items()}
        for feed, totals in self.totals["feeds"].items():
            repaired = Counter(totals["refetchable"] if totals["refetched"] else {})
            kinds = Counter(totals["kinds"]) - repaired
            kinds = Counter({k: n for k, n in kinds.items() if k not in audit.WARNINGS})
            if kinds:
                counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
                lines[feed] = (
                    f"{counts}; see {totals['report']}, and run: "
                    f"python -m include.ticklake audit {feed} --repair "
                    f"--start {totals['start']} --end {totals['end']}"
                )
        return lines
