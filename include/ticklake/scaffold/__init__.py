"""Draft a feed from an unknown API, and preview its first records."""
