"""Who may call an operation: API keys with scopes, the merchant's session token, or anybody."""

from collections.abc import Callable, Mapping

from .credentials import Credentials
from .problems import ApiError
from .records import Environment

SCOPES = frozenset({"checkout:create", "payments:read", "refunds:read", "refunds:write", "payments:write"})
ENVIRONMENTS: frozenset[Environment] = frozenset({"production", "sandbox"})

Headers = Mapping[str, str]
Admission = Callable[[Credentials, Headers, Environment], None]


def api_key(*scopes: str) -> Admission:
    """Admit a known key, for the prefix it belongs to, that has one of `scopes`."""

    def admit(credentials: Credentials, headers: Headers, environment: Environment) -> None:
        key = credentials.find(_key_in(headers))
        if key is None or environment not in key.environments:
            raise _unauthorized("Invalid API key.", scheme="Api-Key")
        if key.scopes and key.scopes.isdisjoint(scopes):
            raise ApiError(403, f"This API key lacks the scope {' or '.join(scopes)}.")

    return admit


def merchant_token(credentials: Credentials, headers: Headers, environment: Environment) -> None:
    """Admit the merchant's session, and no API key."""
    authorization = headers.get("Authorization")
    if authorization is None:
        raise _unauthorized("Authentication credentials were not provided.", scheme="Token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "token":
        raise _unauthorized("This operation needs a merchant session: Authorization: Token YOUR_TOKEN.", scheme="Token")
    if token.strip() != credentials.merchant_token:
        raise _unauthorized("Invalid token.", scheme="Token")


def anybody(credentials: Credentials, headers: Headers, environment: Environment) -> None:
    """Admit whoever calls."""


def _key_in(headers: Headers) -> str:
    authorization = headers.get("Authorization")
    if authorization is None:
        key = headers.get("Api-Key")
        if key is None:
            raise _unauthorized("Authentication credentials were not provided.", scheme="Api-Key")
        return key
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "api-key":
        raise _unauthorized("This operation needs an API key: Authorization: Api-Key YOUR_KEY.", scheme="Api-Key")
    return key.strip()


def _unauthorized(detail: str, *, scheme: str) -> ApiError:
    return ApiError(401, detail, {"WWW-Authenticate": scheme})
