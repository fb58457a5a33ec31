"""Which parameters of a URL are a login: by their exact names, so that ``keys=ALL`` is none."""

from __future__ import annotations

from include.ticklake.scaffold.name_words import words

_KINDS = {"api", "access", "app", "auth", "secret", "client", "subscription", "private", "public",
          "account", "security", "session", "bearer", "id", "refresh", "consumer", "x", "user",
          "demo", "pro", "service", "developer", "license", "signing"}  # fmt: skip
_ALONE = {
    "apikey", "appkey", "appid", "accesskey", "accesstoken", "authtoken", "apitoken", "apisecret",
    "secretkey", "clientsecret", "secret", "token", "key", "signature", "sign", "sig", "hmac",
    "password", "passwd", "pwd", "passphrase", "pass", "auth", "authorization", "credential",
    "credentials", "cookie", "jwt", "session", "sessionid",
}  # fmt: skip
_LAST = {"key", "token", "secret", "signature", "apikey", "password", "passphrase", "credential"}


def is_login(name: str) -> bool:
    """Whether a parameter of that name holds a credential: ``api_key``, ``X-CG-DEMO-API-KEY``.

    Not ``keys``, ``token_id`` or ``tokens``, which say what is asked for.
    """
    named = words(name)
    if "".join(named) in _ALONE:
        return True
    return len(named) > 1 and named[-1] in _LAST and bool(_KINDS.intersection(named[:-1]))
