"""What a task shows of itself: buttons to the pages of its data, and the lineage of that data."""
