"""Where records come from: a feed and a unit of work in, pages of records out.

A source is a function ``pages(feed, work, ...)`` that yields ``Page`` after ``Page``;
each is read to its end before the next is asked for.
"""
