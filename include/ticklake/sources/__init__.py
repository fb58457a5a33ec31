"""Sources, HTTP and SQL: a feed and a unit of work in, pages of records out."""
