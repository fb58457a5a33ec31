"""What keeps a lake in order: audit, repair, compaction."""
