"""Pages to staged JSON parts, one record in memory."""
