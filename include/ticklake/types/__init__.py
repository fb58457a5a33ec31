"""What is known of each type that a feed can give a field."""
