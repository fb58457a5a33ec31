"""What was stored is never lost: by a damaged object, by a repair, or by two commands at once."""
