"""HTTP: requests, retries within a page, pages of records."""
