"""SQL: a query through a server-side cursor, rows as JSON records."""
