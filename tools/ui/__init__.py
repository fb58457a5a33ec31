"""make ui: Airflow with the plugin, a market and six hours of four feeds, on this machine."""
