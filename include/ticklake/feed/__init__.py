"""A feed file, and what follows from it: sources, paging, plans."""
