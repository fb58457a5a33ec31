"""The exchanges, one module each: their paths, rules, shapes and errors.

Each module has ``routes(world)``, the list of its Starlette routes.
"""
