"""What goes to the notifier that a setting names, and what is never in a log."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from datetime import timedelta

import pytest

from include.operators.access.settings import OperatorSettings
from include.ticklake.errors import DataError, UsageError
from tests.support.notifiers import sent

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

TOKEN = "xoxb-000000000000-Zr4kQw9LmT2v"
NOTIFIERS = "tests.support.notifiers"
SCHEDULED = {
    "dag_id": "ingest_bars",
    "dag_run_id": "scheduled__2026-01-02T02:00:00+00:00",
    "run_type": "scheduled",
    "state": "failed",
    "data_interval_start": "2026-01-02T02:00:00Z",
    "data_interval_end": "2026-01-02T03:00:00Z",
}
EXTRA = {
    "feed": "bars",
    "rows": 1_990,
    "quarantined_rows": 10,
    "start": "2026-01-02T02:00:00+00:00",
    "end": "2026-01-02T03:00:00+00:00",
}


@pytest.fixture
def notifier_file(tmp_path, monkeypatch):
    """Sets a notifier by its class and text; returns the file that it writes to."""

    def use(name="FileNotifier", text="{{ alert.kind }} {{ alert.feed }}: {{ alert.message }}"):
        arguments = {"path": str(tmp_path / "sent"), "text": text, "token": TOKEN}
        monkeypatch.setenv("TICKLAKE_NOTIFIER", f"{NOTIFIERS}.{name}")
        monkeypatch.setenv("TICKLAKE_NOTIFIER_ARGS", json.dumps(arguments))
        return tmp_path / "sent"

    return use


def quarantine_alert():
    from include.operators.alerts import alert

    return alert.quarantine(EXTRA)


@pytest.mark.parametrize("name", ["FileNotifier", "AsyncFileNotifier"])
def test_any_notifier_gets_the_alert_in_its_own_texts(name, notifier_file):
    """One that Airflow calls, and one that only runs in an event loop."""
    from include.operators.alerts import notifier

    file = notifier_file(name)
    assert notifier.send(quarantine_alert(), {"dag": object()})
    (text,) = sent(file)
    assert text == (
        "quarantine bars: bars: 10 of 2,000 records of 2026-01-02 02:00 to 2026-01-02 03:00 UTC "
        "do not fit the feed's fields and are in quarantine"
    )


def test_a_title_and_an_address_are_there_too(notifier_file):
    """For notifiers that have a subject, or a button."""
    from include.operators.alerts import notifier

    file = notifier_file(text="{{ alert.subject }} {{ alert.url }}")
    notifier.send(quarantine_alert(), {})
    (text,) = sent(file)
    assert text.startswith("ticklake: bars has records in quarantine ")
    assert text.endswith("/plugin/lake/ticklake/quarantine?feed=bars")


def test_a_run_without_quarantine_sends_nothing(notifier_file):
    """An alert that comes each hour is one that nobody reads."""
    from include.operators.alerts import alert, notifier

    file = notifier_file()
    notifier.send_or_log(alert.quarantine(EXTRA | {"quarantined_rows": 0}), {})
    assert sent(file) == []


def test_no_notifier_is_no_error(monkeypatch):
    """Alerts are optional."""
    from include.operators.alerts import notifier

    monkeypatch.delenv("TICKLAKE_NOTIFIER", raising=False)
    assert not notifier.send(quarantine_alert(), {})


def test_a_failed_alert_fails_no_task_and_shows_no_secret(notifier_file, caplog):
    """The error of the notifier has the token in it; the log has neither."""
    from include.operators.alerts import notifier

    notifier_file("BrokenNotifier")
    caplog.set_level(logging.DEBUG)
    notifier.send_or_log(quarantine_alert(), {})
    assert "alert.not_sent kind=quarantine feed=bars" in caplog.text
    assert f"{NOTIFIERS}.BrokenNotifier" in caplog.text
    ours = [record for record in caplog.records if record.name.startswith("include.")]
    assert [record for record in ours if TOKEN in record.getMessage()] == []


def test_airflow_masks_the_arguments_that_may_be_secret(notifier_file):
    """A notifier logs its own errors: in Airflow's log the token is stars."""
    from airflow.sdk._shared.secrets_masker import redact

    from include.operators.alerts import notifier

    notifier_file()
    notifier.load(OperatorSettings.from_env(os.environ))
    assert TOKEN not in str(redact(f"cannot reach https://hooks.example.com/{TOKEN}"))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"NOTIFIER": "Slack"}, "'Slack' is not the path of a class"),
        ({"NOTIFIER": "no.such.Notifier"}, "no.such.Notifier cannot be imported; install"),
        ({"NOTIFIER": "json.loads"}, "json.loads is not a notifier"),
        ({"NOTIFIER": f"{NOTIFIERS}.FileNotifier"}, "does not take its arguments (TypeError)"),
        ({"NOTIFIER_ARGS": f"token={TOKEN}"}, "NOTIFIER_ARGS: must be a JSON object"),
        ({"NOTIFIER_ARGS": f'["{TOKEN}"]'}, "NOTIFIER_ARGS: must be a JSON object"),
        (
            {"NOTIFIER": f"{NOTIFIERS}.FileNotifier", "NOTIFIER_ARGS": f'{{"to": "{TOKEN}"}}'},
            "check TICKLAKE_NOTIFIER_ARGS: to",
        ),
    ],
)
def test_a_notifier_that_cannot_work_is_refused(variables, message):
    """With the setting's name, and without what its arguments hold."""
    from include.operators.alerts import notifier

    with pytest.raises(UsageError) as error:
        notifier.load(
            OperatorSettings.from_env(
                {f"TICKLAKE_{name}": text for name, text in variables.items()}
            )
        )
    assert message in str(error.value)
    assert TOKEN not in str(error.value)


def test_settings_do_not_show_the_arguments():
    """Wherever they are printed."""
    settings = OperatorSettings.from_env({"TICKLAKE_NOTIFIER_ARGS": f'{{"token": "{TOKEN}"}}'})
    assert TOKEN not in f"{settings} {settings!r}"


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        pytest.param(SCHEDULED, "sent", id="a scheduled run"),
        pytest.param(SCHEDULED | {"run_type": "backfill"}, "no alert: the run is backfill", id="b"),
        pytest.param(SCHEDULED | {"run_type": "manual"}, "no alert: the run is manual", id="m"),
    ],
)
def test_only_a_scheduled_run_can_be_late(run, expected, notifier_file):
    """A backfill's deadline has passed before it begins."""
    from include.operators.alerts.freshness import notify_stale

    file = notifier_file()
    done = notify_stale(feed="bars", fresh_within_s=7_200, context={"dag_run": run})
    assert asyncio.run(done) == expected
    late = (
        "stale bars: bars: nothing was published for 2026-01-02 02:00 to 2026-01-02 03:00 UTC by "
        "2026-01-02 05:00 UTC (fresh_within: 2h); the run scheduled__2026-01-02T02:00:00+00:00 "
        "is failed"
    )
    assert sent(file) == ([late] if expected == "sent" else [])


def test_a_deadline_is_the_end_of_the_window_and_what_the_feed_allows():
    """A scheduled run's logical date is its window's start."""
    from include.operators.alerts import freshness
    from tests.airflow.test_form import feed

    assert freshness.deadline(feed()) is None
    assert freshness.deadline(feed(fresh_within="2h")).interval == timedelta(hours=3)


def totals(**feeds: dict) -> dict:
    found = {"kinds": {"gap": 2}, "refetchable": {}, "refetched": 0, "report": "r", "start": "s"}
    return {
        "failures": {},
        "feeds": {name: found | {"end": "e"} | own for name, own in feeds.items()},
    }


def test_an_audits_findings_are_sent_once_for_all_feeds(notifier_file):
    """With the lines that the failed task has."""
    from include.operators.audit.fail_on_findings import FailOnFindingsOperator

    file = notifier_file(text="{{ alert.feed }}|{{ alert.message }}")
    task = FailOnFindingsOperator(
        task_id="fail", totals=totals(bars={}, ticks={"kinds": {"missing": 1}}, clean={"kinds": {}})
    )
    with pytest.raises(DataError):
        task.execute({})
    (text,) = sent(file)
    feeds, _, message = text.partition("|")
    assert feeds == "bars, ticks"
    assert [line.split(";")[0] for line in message.splitlines()[1:]] == [
        "bars: 2 gap",
        "ticks: 1 missing",
    ]


def test_an_audit_without_findings_fails_for_a_notifier_that_cannot_work(monkeypatch):
    """Nobody would notice that it stays silent."""
    from include.operators.audit.fail_on_findings import FailOnFindingsOperator

    task = FailOnFindingsOperator(task_id="fail", totals=totals())
    task.execute({})
    monkeypatch.setenv("TICKLAKE_NOTIFIER", "no.such.Notifier")
    with pytest.raises(UsageError, match="cannot be imported"):
        task.execute({})
