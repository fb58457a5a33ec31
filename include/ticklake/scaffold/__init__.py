"""The first draft of a feed: probe an unknown API, look at its first records."""
