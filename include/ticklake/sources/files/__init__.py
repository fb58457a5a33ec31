"""Bulk files: their bytes from the web, a bucket or a disk, unpacked and read as they come."""
