"""Tests of ``scaffold``."""
