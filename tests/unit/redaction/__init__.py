"""Tests of ``redaction``."""
