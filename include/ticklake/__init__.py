"""Stream any paged API or SQL query into exact JSON and Parquet, in bounded memory."""

from include.ticklake.redaction import masking as _masking  # noqa: F401 - masks every error

__version__ = "0.1.0"
