"""Who may call an operation: API keys with scopes, for the prefix they belong to."""

from collections.abc import Callable, Mapping

from .problems import ApiError
from .records import ApiKey, Environment

SCOPES = frozenset({"checkout:create", "payments:read", "refunds:read", "refunds:write", "payments:write"})
ENVIRONMENTS: frozenset[Environment] = frozenset({"production", "sandbox"})

Keys = Mapping[str, ApiKey]
Admission = Callable[[Keys, Mapping[str, str], Environment], None]


def api_key(*scopes: str) -> Admission:
    """Admit a known key that has one of `scopes`."""

    def admit(keys: Keys, headers: Mapping[str, str], environment: Environment) -> None:
        key = keys.get(_key_in(headers))
        if key is None or environment not in key.environments:
            raise _unauthorized("Invalid API key.")
        if key.scopes and key.scopes.isdisjoint(scopes):
            raise ApiError(403, f"This API key lacks the scope {' or '.join(scopes)}.")

    return admit


def _key_in(headers: Mapping[str, str]) -> str:
    authorization = headers.get("Authorization")
    if authorization is None:
        key = headers.get("Api-Key")
        if key is None:
            raise _unauthorized("Authentication credentials were not provided.")
        return key
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "api-key":
        raise _unauthorized("This operation needs an API key: Authorization: Api-Key YOUR_KEY.")
    return key.strip()


def _unauthorized(detail: str) -> ApiError:
    return ApiError(401, detail, {"WWW-Authenticate": "Api-Key"})
