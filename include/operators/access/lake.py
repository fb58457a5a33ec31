"""The lake as an Airflow task opens it: settings of the environment, keys of a connection."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.operators.access.connections import storage_credentials, storage_env
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


def open_lake() -> LakeAccess:
    """The lake at ``TICKLAKE_ROOT``."""
    from include.ticklake.lake.storage import Storage

    settings = OperatorSettings.from_env(os.environ)
    env = storage_env(settings, os.environ)
    opened = Storage.open(settings.root_uri, env, credentials=storage_credentials(settings))
    return LakeAccess(settings, env, opened)
