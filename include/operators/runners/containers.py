"""What the runners ``docker`` and ``kubernetes`` share: a step's environment and its failure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from airflow.sdk.exceptions import AirflowFailException

from include.operators.access.settings import OperatorSettings
from include.operators.runners.step import Step
from include.ticklake.memory.capped_process import OUT_OF_MEMORY_EXIT, ChildEnd
from include.ticklake.redaction.addresses import mask_addresses

MODULE_ARGV = 3
"""``python -m include.ticklake`` begins each argv; it is the image's entry point already."""

_PASSED_ON = (
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "TICKLAKE_BASE_URL",
    "TICKLAKE_BASE_URL_HOSTS",
    "TICKLAKE_RATE_LIMIT_URL",
    "TICKLAKE_STORAGE_TIMEOUT_S",
)


def step_env(environ: Mapping[str, str], *, cap_bytes: int) -> dict[str, str]:
    """Return what a container may see of the worker's environment: addresses, never credentials."""
    passed_on = {name: environ[name] for name in _PASSED_ON if name in environ}
    public = {name: value for name, value in passed_on.items() if mask_addresses(value) == value}
    return {"TICKLAKE_CAP": str(cap_bytes), **public}


def private_step_env(environ: Mapping[str, str], *, settings: OperatorSettings) -> dict[str, str]:
    """Return what else it gets, out of everybody's sight: logins, what users name."""
    public = step_env(environ, cap_bytes=0)
    names = (*_PASSED_ON, *settings.step_env)
    return {name: environ[name] for name in names if name in environ and name not in public}


def local_folder(root_uri: str) -> str | None:
    """Return the folder of a lake of files; None for one on an object store."""
    parts = urlsplit(root_uri)
    return parts.path if parts.scheme == "file" else None


def out_of_memory_failure(step: Step, *, mechanism: str) -> AirflowFailException:
    """Return the failure of a task whose container reached its memory limit.

    It is not retried: the next try would end the same way.
    """
    # The kernel reports only that the limit was reached, so the peak is the limit.
    cap_bytes = step.report.cap_bytes
    end = ChildEnd(
        mechanism=mechanism,
        cap_bytes=cap_bytes,
        peak_bytes=cap_bytes,
        exit_code=OUT_OF_MEMORY_EXIT,
        out_of_memory=True,
    )
    return AirflowFailException(str(step.out_of_memory(end)))
