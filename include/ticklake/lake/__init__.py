"""Reading the lake: scans, and the DDL of other engines."""
