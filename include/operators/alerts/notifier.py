"""Sends alerts by the notifier that ``TICKLAKE_NOTIFIER`` names: any of Airflow's.

Its arguments may hold secrets (the address of a webhook is one): they are in no log and no error.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from include.operators.access.masking import hide
from include.operators.access.settings import OperatorSettings
from include.ticklake.errors import RetryableError, TicklakeError, UsageError
from include.ticklake.redaction.addresses import is_secret

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier

    from include.operators.alerts.alert import Alert

log = logging.getLogger(__name__)

_PASSED_ON = ("dag_run", "deadline", "params", "run_id", "task_instance", "ti", "ts")
"""What of a context a notifier gets: without the DAG, so its texts are rendered in a sandbox."""

_TOKEN_CHARACTERS = 20
"""A text of this length without a space is more likely a token than a word."""


class NotifierError(RetryableError):
    """An alert could not be sent."""


def send(alert: Alert, context: Mapping[str, Any]) -> bool:
    """Send *alert*; False where no notifier is set. ``NotifierError`` if it fails.

    Blocks until the notifier has returned: a coroutine calls this in a thread.
    """
    settings = OperatorSettings.from_env(os.environ)
    notifier = load(settings)
    if notifier is None:
        log.info("alert.no_notifier kind=%s feed=%s", alert.kind, alert.feed)
        return False
    try:
        _notify(
            notifier,
            {name: context[name] for name in _PASSED_ON if name in context} | {"alert": alert},
        )
    except Exception as error:
        # The text of the error may have the address or the token that it failed with.
        raise NotifierError(
            f"{settings.notifier}: the alert was not sent ({type(error).__name__}); check "
            "TICKLAKE_NOTIFIER_ARGS and the notifier's connection"
        ) from None
    log.info("alert.sent kind=%s feed=%s", alert.kind, alert.feed)
    return True


def send_or_log(alert: Alert | None, context: Mapping[str, Any]) -> None:
    """Send *alert* if there is one: what the task has done stays done if that fails."""
    if alert is None:
        return
    try:
        send(alert, context)
    except TicklakeError as error:
        log.error("alert.not_sent kind=%s feed=%s %s", alert.kind, alert.feed, error)


def load(settings: OperatorSettings) -> BaseNotifier | None:
    """The notifier of *settings*; ``UsageError`` where it is not one or does not take its args."""
    if settings.notifier is None:
        return None
    from airflow.sdk import BaseNotifier

    hide(*_secrets(settings.notifier_args))
    where = f"TICKLAKE_NOTIFIER: {settings.notifier}"
    module, _, name = settings.notifier.rpartition(".")
    try:
        notifier_class = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        raise UsageError(
            f"{where} cannot be imported; install its provider or check the spelling"
        ) from None
    if not (isinstance(notifier_class, type) and issubclass(notifier_class, BaseNotifier)):
        raise UsageError(f"{where} is not a notifier; name a subclass of airflow.sdk.BaseNotifier")
    try:
        return notifier_class(**settings.notifier_args)
    except Exception as error:
        raise UsageError(
            f"{where} does not take its arguments ({type(error).__name__}); "
            f"check TICKLAKE_NOTIFIER_ARGS: {', '.join(settings.notifier_args) or 'none'}"
        ) from None


def _notify(notifier: BaseNotifier, context: dict[str, Any]) -> None:
    from airflow.sdk import BaseNotifier

    given: Any = context
    if type(notifier).notify is not BaseNotifier.notify:
        notifier(given)
        return

    async def wait() -> None:
        notifier.context = given
        await notifier

    asyncio.run(wait())


def _secrets(value: object, name: str = "") -> Iterator[str]:
    """The texts in a notifier's arguments that may be secret."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, name)
    elif isinstance(value, str) and "{{" not in value:
        is_token = len(value) >= _TOKEN_CHARACTERS and not any(map(str.isspace, value))
        if is_secret(name) or "://" in value or is_token:
            yield value
