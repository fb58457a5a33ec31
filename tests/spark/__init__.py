"""Tests that read the lake with Spark."""
