"""Tests of ``sources/http``."""
