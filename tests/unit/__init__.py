"""Tests of the core, a file per module."""
