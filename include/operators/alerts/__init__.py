"""Alerts: late data, quarantined records and findings go to the notifier that a setting names."""
