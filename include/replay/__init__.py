"""A local stand-in for the exchanges' public APIs, answered from one simulated market.

In: HTTP requests in the exchanges' own form. Out: pages in their own shapes, by their own rules
of paging, limits, order and errors. Nothing is stored: every answer is computed from a seed, so
that any symbol and any hour exist and are the same in every process. For demonstrations, tests
and users' CI, where there is no network. ::

    python -m include.replay --port 8900
    curl 'http://127.0.0.1:8900/api/v3/aggTrades?symbol=BTCUSDT&startTime=1767322800000&limit=3'

``--faults all`` spoils answers (``faults``), ``--limits`` refuses what goes over the exchanges'
rate limits (``limits``), ``--now`` stops the market's clock. ``/_replay/health``,
``/_replay/requests`` (what was asked) and ``/_replay/truth`` (what is true) are the replay's own;
``/_bench/aggTrades?rows=N`` is one page of any size for measuring.

Tests ask the market itself what is true and compare::

    market = Market(seed=7)
    with running(app(market=market, now_ms=lambda: NOW, faults=Faults(every=5))) as base_url:
        ...
    truth = market.trades("BTCUSDT", start_ms, end_ms)      # also agg_trades, candles, candle

One symbol has the same trades at every exchange and is written ``BTCUSDT`` here, whatever the
exchange writes. Every base asset exists, except ``NOPE``. All times are UTC; nothing happens after
``now_ms()``. The order of reading: ``noise``, ``patterns``, ``hours``, ``market``, one of
``exchanges``, ``server``. Only the last two need Starlette and uvicorn.
"""
