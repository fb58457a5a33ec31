"""Writes the reference pages that come from the code: feed format, commands, errors."""
