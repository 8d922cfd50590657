"""Who ND8 knows: the merchant's session token, and API keys that open doors until they are rotated or revoked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from .records import ApiKey, Environment


class Credentials:
    """The merchant's token and every API key that still works, oldest first."""

    def __init__(self, merchant_token: str) -> None:
        self.merchant_token = merchant_token
        self._keys: dict[str, ApiKey] = {}

    def add(self, key: ApiKey) -> None:
        """Let this key in; one with the same raw key is replaced."""
        self._keys[key.raw_key] = key

    def find(self, raw_key: str) -> ApiKey | None:
        """The key with these characters."""
        return self._keys.get(raw_key)

    def drop(self, raw_key: str) -> None:
        """Let this key in no longer, from this moment on."""
        self._keys.pop(raw_key, None)

    def of(self, environment: Environment) -> list[ApiKey]:
        """The keys that open one prefix, newest first."""
        return [one for one in reversed(self._keys.values()) if environment in one.environments]

    def newest(self, count: int) -> list[ApiKey]:
        """The last that were made, newest first."""
        return list(islice(reversed(self._keys.values()), count))

    def rotate(self, old: ApiKey, *, raw_key: str, at: datetime) -> ApiKey:
        """Put a key with other characters in the place of `old`: its name and scopes stay."""
        self.drop(old.raw_key)
        new = replace(old, raw_key=raw_key, created_at=at)
        self.add(new)
        return new

    def __iter__(self) -> Iterator[ApiKey]:
        return iter(self._keys.values())
