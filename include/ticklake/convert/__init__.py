"""Staged JSON parts to one Parquet file that was read back and compared."""
