"""Stream any paged API or SQL query into exact JSON and Parquet, in bounded memory."""

__version__ = "0.1.0"
