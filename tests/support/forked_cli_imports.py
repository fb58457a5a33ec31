"""Imports what commands use, for the process that they are forked from; starts no thread."""

from __future__ import annotations

from importlib import import_module

for _name in (
    "cli.main",
    "cli.maintenance",
    "cli.pipeline",
    "cli.rebuild",
    "convert.convert",
    "extract.extract",
    "feed.loader",
    "lake.object_store",
    "lake.read",
    "maintain.audit",
    "maintain.compact",
    "maintain.expire",
    "maintain.repair",
    "sources.http.api",
):
    import_module(f"include.ticklake.{_name}")
import_module("tests.support.stepping_store")
