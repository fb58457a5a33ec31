"""Tests of ``sources/json``."""
