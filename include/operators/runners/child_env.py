"""What a child process may know of its worker: the few variables that its step reads.

A worker's environment holds what a step has no use for: Airflow's connections, its Fernet key and
database, tokens of other programs. Any process of the same user can read a child's environment,
so it holds nothing that is not listed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from include.ticklake.settings import Settings

if TYPE_CHECKING:
    from include.operators.access.settings import OperatorSettings
    from include.operators.runners.step import StepName

_SYSTEM = ("HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")
_SYSTEM_PREFIXES = ("LC_", "PYTHON")
_MEMORY = (
    "ARROW_DEFAULT_MEMORY_POOL",
    "MALLOC_ARENA_MAX",
    "OMP_NUM_THREADS",
    "TOKIO_WORKER_THREADS",
)
_NETWORK = (
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)
_STORES = {"gs": ("CLOUDSDK_CONFIG", "GOOGLE_"), "az": ("AZURE_",)}
"""Scheme of a root -> how names begin that its client reads; ``storage_access`` has those of S3."""

_UNUSED = {"TICKLAKE_ICEBERG"}
"""Settings that no step reads: the address of a catalog may hold a login."""


def child_env(
    environ: Mapping[str, str], *, settings: OperatorSettings, step: StepName
) -> dict[str, str]:
    """What of *environ* a child process for *step* gets; keys and logins are added to it."""
    scheme = settings.root_uri.partition("://")[0]
    ours = {doc.variable for doc in Settings.documentation()} - _UNUSED
    names = {*_SYSTEM, *_MEMORY, *ours, *settings.step_env}
    if step == "extract" or scheme != "file":
        names.update(_NETWORK)
        names.update(name.lower() for name in _NETWORK if name.endswith("_PROXY"))
    prefixes = (*_SYSTEM_PREFIXES, *_STORES.get(scheme, ()))
    return {
        name: value for name, value in environ.items() if name in names or name.startswith(prefixes)
    }
