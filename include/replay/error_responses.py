"""How each exchange words a rate limit, a ban and a failure, by path.

Used by the faults and by the rate limits. Bodies are in each exchange's own form; if it is not
known to have one (a ban at Coinbase), the form is that of its other errors.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How one exchange says no; ``{until_ms}`` in a ban becomes when it ends."""

    name: str
    limited: str
    banned: str
    failed: str
    enveloped: str  # an error that comes with status 200; empty where none does


_BINANCE = Family(
    name="binance",
    limited='{"code":-1003,"msg":"Too much request weight used; current limit is 6000 request '
    "weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the "
    'API."}',
    banned='{"code":-1003,"msg":"Way too much request weight used; IP banned until {until_ms}. '
    'Please use WebSocket Streams for live updates to avoid bans."}',
    failed='{"code":-1001,"msg":"Internal error; unable to process your request. Please try '
    'again."}',
    enveloped='{"code":-1003,"msg":"Too many requests queued."}',
)
_COINBASE = Family(
    name="coinbase",
    limited='{"message":"Public rate limit exceeded"}',
    banned='{"message":"Forbidden"}',
    failed='{"message":"Internal server error"}',
    enveloped='{"message":"Public rate limit exceeded"}',
)
_KRAKEN = Family(
    name="kraken",
    limited='{"error":["EAPI:Rate limit exceeded"]}',
    banned='{"error":["EGeneral:Temporary lockout"]}',
    failed='{"error":["EService:Unavailable"]}',
    enveloped='{"error":["EAPI:Rate limit exceeded"]}',
)
_OKX = Family(
    name="okx",
    limited='{"msg":"Too Many Requests","code":"50011"}',
    banned='{"msg":"Forbidden","code":"50061"}',
    failed='{"code":"50001","data":[],"msg":"Service temporarily unavailable. Try again later."}',
    enveloped='{"code":"50011","data":[],"msg":"Too Many Requests"}',
)
_BYBIT = Family(
    name="bybit",
    limited='{"retCode":10006,"retMsg":"Too many visits","result":{},"retExtInfo":{},"time":0}',
    banned='{"retCode":10018,"retMsg":"access too frequent, please try again later","result":{},'
    '"retExtInfo":{},"time":0}',
    failed='{"retCode":10016,"retMsg":"Server error","result":{},"retExtInfo":{},"time":0}',
    enveloped='{"retCode":10006,"retMsg":"Too many visits","result":{},"retExtInfo":{},"time":0}',
)
_COINGECKO = Family(
    name="coingecko",
    limited='{"status":{"error_code":429,"error_message":"You\'ve exceeded the Rate Limit."}}',
    banned='{"status":{"error_code":403,"error_message":"Access denied."}}',
    failed='{"status":500,"error":"Internal Server Error"}',
    enveloped='{"status":{"error_code":429,"error_message":"You\'ve exceeded the Rate Limit."}}',
)
_BITSTAMP = Family(
    name="bitstamp",
    limited='{"status":"error","reason":"Request rate limit exceeded.","code":"400.002"}',
    banned='{"status":"error","reason":"Access denied.","code":"403.004"}',
    failed='{"status":"error","reason":"Internal server error.","code":"500.000"}',
    enveloped='{"status":"error","reason":"Request rate limit exceeded.","code":"400.002"}',
)
_GEMINI = Family(
    name="gemini",
    limited='{"result":"error","reason":"RateLimit","message":"Requests were made too often"}',
    banned='{"result":"error","reason":"RateLimitedError","message":"Access denied"}',
    failed='{"result":"error","reason":"System","message":"We are experiencing technical issues"}',
    enveloped='{"result":"error","reason":"RateLimit","message":"Requests were made too often"}',
)
_KUCOIN = Family(
    name="kucoin",
    limited='{"code":"429000","msg":"Too Many Requests"}',
    banned='{"code":"1015","msg":"You are being rate limited"}',
    failed='{"code":"500000","msg":"Internal Server Error"}',
    enveloped='{"code":"429000","msg":"Too Many Requests"}',
)
_BITFINEX = Family(
    name="bitfinex",
    limited='["error",11010,"ratelimit: error"]',
    banned='{"error":"ERR_RATE_LIMIT"}',
    failed='["error",20060,"maintenance"]',
    enveloped='{"error":"ERR_RATE_LIMIT"}',
)
_GATE = Family(
    name="gate",
    limited='{"label":"TOO_MANY_REQUESTS","message":"Request Rate limit Exceeded"}',
    banned='{"label":"FORBIDDEN","message":"Access denied"}',
    failed='{"label":"SERVER_ERROR","message":"Internal server error"}',
    enveloped='{"label":"TOO_MANY_REQUESTS","message":"Request Rate limit Exceeded"}',
)
_BITMEX = Family(
    name="bitmex",
    limited='{"error":{"message":"Rate limit exceeded, retry in 1 seconds.",'
    '"name":"RateLimitError"}}',
    banned='{"error":{"message":"Forbidden","name":"HTTPError"}}',
    failed='{"error":{"message":"The system is currently overloaded. Please try again later.",'
    '"name":"HTTPError"}}',
    enveloped='{"error":{"message":"Rate limit exceeded, retry in 1 seconds.",'
    '"name":"RateLimitError"}}',
)
_DERIBIT = Family(
    name="deribit",
    limited='{"jsonrpc":"2.0","error":{"code":10028,"message":"too_many_requests"}}',
    banned='{"jsonrpc":"2.0","error":{"code":10028,"message":"too_many_requests"}}',
    failed='{"jsonrpc":"2.0","error":{"code":13028,"message":"temporarily_unavailable"}}',
    enveloped='{"jsonrpc":"2.0","error":{"code":10028,"message":"too_many_requests"}}',
)
_HYPERLIQUID = Family(
    name="hyperliquid",
    limited="null",
    banned="null",
    failed="null",
    enveloped='{"status":"err","response":"Too many requests"}',
)
_UPBIT = Family(
    name="upbit",
    limited='{"name":"too_many_requests"}',
    banned='{"name":"too_many_requests"}',
    failed='{"error":{"name":500,"message":"internal server error"}}',
    enveloped='{"error":{"name":"too_many_requests","message":"Too many API requests."}}',
)
_HTX = Family(
    name="htx",
    limited='{"status":"error","err-code":"too-many-request","err-msg":"too many requests"}',
    banned='{"status":"error","err-code":"too-many-request","err-msg":"too many requests"}',
    failed='{"status":"error","err-code":"gateway-internal-error","err-msg":"internal error"}',
    enveloped='{"status":"error","err-code":"too-many-request","err-msg":"too many requests"}',
)
_BINANCE_FILES = Family(
    name="binance_files",
    limited="<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>"
    "</Error>",
    banned="<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
    failed="<Error><Code>InternalError</Code><Message>We encountered an internal error. Please "
    "try again.</Message></Error>",
    enveloped="",
)
_BYBIT_FILES = Family(
    name="bybit_files",
    limited="<html><head><title>429 Too Many Requests</title></head></html>",
    banned="<html><head><title>403 Forbidden</title></head></html>",
    failed="<html><head><title>500 Internal Server Error</title></head></html>",
    enveloped="",
)
_OTHER = Family(
    name="other",
    limited='{"error":"too many requests"}',
    banned='{"error":"forbidden"}',
    failed='{"error":"internal server error"}',
    enveloped='{"error":"too many requests"}',
)
_PREFIXES = (
    ("/api/v3/coins", _COINGECKO),
    ("/api/v3/simple/", _COINGECKO),
    ("/api/v3/", _BINANCE),
    ("/fapi/", _BINANCE),
    ("/products", _COINBASE),
    ("/0/public/", _KRAKEN),
    ("/api/v5/", _OKX),
    ("/v5/", _BYBIT),
    ("/api/v2/public/", _DERIBIT),
    ("/api/v2/", _BITSTAMP),
    ("/v1/trades/ticks", _UPBIT),
    ("/v1/trades/", _GEMINI),
    ("/api/v1/market/", _KUCOIN),
    ("/v2/", _BITFINEX),
    ("/api/v4/", _GATE),
    ("/api/v1/trade", _BITMEX),
    ("/info", _HYPERLIQUID),
    ("/v1/candles/", _UPBIT),
    ("/market/", _HTX),
    ("/data/spot/", _BINANCE_FILES),
    ("/trading/", _BYBIT_FILES),
)


def family(path: str) -> Family:
    """The exchange that *path* belongs to."""
    return next((family_ for prefix, family_ in _PREFIXES if path.startswith(prefix)), _OTHER)
