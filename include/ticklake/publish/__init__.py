"""The lake for other programs: latest.json, Iceberg, DDL."""
