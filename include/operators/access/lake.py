"""The lake as an Airflow task opens it: settings of the environment, keys of a connection."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.operators.access.connections import storage_access
from include.operators.access.settings import OperatorSettings

if TYPE_CHECKING:
    from include.ticklake.lake.storage import Storage


@dataclass(frozen=True, slots=True)
class LakeAccess:
    """An open lake."""

    settings: OperatorSettings
    env: Mapping[str, str]
    """What opens the storage, and an Iceberg catalog beside it."""
    storage: Storage


def open_lake(settings: OperatorSettings | None = None) -> LakeAccess:
    """The lake at ``TICKLAKE_ROOT``; a task opens it once."""
    from include.ticklake.lake.storage import Storage

    settings = settings or OperatorSettings.from_env(os.environ)
    access = storage_access(settings, os.environ)
    opened = Storage.open(settings.root_uri, access.env, credentials=access.credentials)
    return LakeAccess(settings, access.env, opened)
