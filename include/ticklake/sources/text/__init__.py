"""Text that is read line by line: CSV and NDJSON, of an API or of a file."""
