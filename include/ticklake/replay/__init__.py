"""A local stand-in for the exchanges' public APIs, answered from one simulated market.

In: HTTP requests in the exchanges' own form. Out: pages in their own shapes, by their own rules
of paging, limits, order and errors. Nothing is stored: every answer is computed from a seed, so
that any symbol and any hour exist and are the same in every process. For demonstrations, tests
and users' CI, where there is no network. ::

    python -m include.ticklake replay --port 8900
    curl 'http://127.0.0.1:8900/api/v3/aggTrades?symbol=BTCUSDT&startTime=1767322800000&limit=3'

Tests ask the market itself what is true (``market.Market``) and compare. Importing this package
costs nothing; ``server`` is the only module that needs Starlette and uvicorn to be there.
"""
