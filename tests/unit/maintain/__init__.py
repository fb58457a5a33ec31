"""Tests of ``maintain``."""
