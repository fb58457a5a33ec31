"""Names that APIs give to records, and to what stands around them."""

from __future__ import annotations

WRAPPERS = {
    "data", "result", "results", "list", "items", "rows", "records", "entries", "values", "content",
    "objects", "elements", "hits", "docs", "response", "payload", "body", "page", "edges", "nodes",
}  # fmt: skip
COLLECTIONS = WRAPPERS | {
    "candles", "trades", "tickers", "ticks", "ohlc", "prices", "quotes", "history", "events",
    "markets", "symbols", "instruments", "products", "transactions", "klines", "bars", "orders",
    "assets", "coins", "currencies", "contracts", "pairs", "fills", "observations", "features",
}  # fmt: skip
ENVELOPE = {
    "page", "pages", "count", "total", "limit", "offset", "size", "per", "code", "msg", "message",
    "status", "success", "ok", "time", "ts", "timestamp", "next", "prev", "previous", "cursor",
    "more", "version", "request", "result", "results", "last", "first", "error", "us", "rpc",
}  # fmt: skip
SIDES = (
    {"bids", "asks"}, {"bid", "ask"}, {"buy", "sell"}, {"buys", "sells"}, {"b", "a"},
    {"buyorders", "sellorders"},
)  # fmt: skip
"""The two arrays of an order book."""
MESSAGE = {
    "msg", "message", "messages", "errmsg", "detail", "details", "reason", "description", "text",
    "info", "information", "explanation", "title", "note", "faultstring",
}  # fmt: skip
"""What a body, or an error in it, calls its message."""
