"""Tests of ``sources/files``."""
