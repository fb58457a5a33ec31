"""Pages to staged JSON parts: one block in memory, at most the largest record."""
