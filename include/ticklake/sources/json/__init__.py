"""JSON bodies as a stream of records."""
