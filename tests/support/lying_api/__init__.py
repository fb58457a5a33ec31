"""An API that lies in every legal way, and in some others, for each kind of paging.

``scenario`` draws a feed and its API, ``behaviours`` names all that the API can do, ``trial`` runs
a case through extraction and conversion and judges it, ``cases`` runs those of a kind.
"""
