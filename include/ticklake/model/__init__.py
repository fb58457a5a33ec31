"""Values that every stage shares: windows, slices, times, sizes."""
