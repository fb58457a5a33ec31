"""Staged text to Arrow batches: the fast parser, and the exact one behind it."""
