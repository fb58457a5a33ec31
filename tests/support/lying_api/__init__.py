"""An API that lies in every legal way, and in some that are not: see ``scenario``."""
