"""Less is never taken for the whole: small sources that behave as real APIs do."""
