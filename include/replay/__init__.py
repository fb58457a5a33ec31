"""A local stand-in for the exchanges' public APIs, backed by one simulated market.

It takes requests in the exchanges' own form and responds in their own shapes, with their own rules
of paging, limits, order and errors. Nothing is stored: every response is computed from a seed, so
any symbol and hour exist and are the same in every process. For demos, tests and CI without a
network. ::

    python -m include.replay --port 8900
    curl 'http://127.0.0.1:8900/api/v3/aggTrades?symbol=BTCUSDT&startTime=1767322800000&limit=3'

``--faults all`` makes requests fail (``faults``), ``--limits`` enforces the exchanges' rate limits
(``limits``), ``--now`` stops the market's clock. ``/_replay/health``, ``/_replay/requests`` (the
requests received) and ``/_replay/truth`` (the market's own totals) are the replay's own paths;
``/_bench/aggTrades?rows=N`` is one page of any size for measuring.

Tests compare with the market itself::

    market = Market(seed=7)
    with running(app(market=market, now_ms=lambda: NOW, faults=Faults(every=5))) as base_url:
        ...
    truth = market.trades("BTCUSDT", start_ms, end_ms)      # also agg_trades, candles, candle

One symbol has the same trades at every exchange and is written ``BTCUSDT`` here, whatever the
exchange writes. Every base asset exists, except ``NOPE``. All times are UTC; nothing happens after
``now_ms()``. The order of reading: ``noise``, ``patterns``, ``hours``, ``market``, one of
``exchanges``, ``server``. Only the last two need Starlette and uvicorn.
"""
