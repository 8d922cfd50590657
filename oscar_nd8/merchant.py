"""The seam to the merchant's own account at a provider: profile, webhook, API keys. Authorized by MERCHANT_TOKEN.

Secrets are `SecretStr`: they are shown to one person, once, and written nowhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from django.utils.module_loading import import_string
from pydantic import SecretStr

__all__ = ["KeyReport", "MerchantGateway", "NewKey", "Profile", "get_merchant_gateway"]

# By path, as the gateways themselves.
_MERCHANT_GATEWAYS: Final[Mapping[str, str]] = {"nd8": "oscar_nd8.nd8.merchant.nd8_merchant_gateway"}


@dataclass(frozen=True, slots=True)
class Profile:
    """The account as the provider describes it: `fees` and `other` under its own names, "" for what it does not say."""

    name: str
    status: str
    price_mode: str
    lowest: str
    highest: str
    fees: Mapping[str, str]
    other: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeyReport:
    """What may be known of an API key. `is_ours`: it begins like the one in the settings; `scopes` "": all."""

    key_id: str
    name: str
    prefix: str
    scopes: str
    made_at: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, and its characters, which nobody can ask for again."""

    report: KeyReport
    raw: SecretStr


class MerchantGateway(Protocol):
    """What services ask of a provider about the account itself. Every method may raise a ProviderError."""

    code: str

    def profile(self) -> Profile:
        """The account. A read."""

    def webhook_address(self) -> str:
        """Where notifications go, "" for nowhere. A read."""

    def register_webhook(self, address: str) -> SecretStr | None:
        """Have notifications sent to `address`; the secret that signs them from now on. A write: never repeated."""

    def keys(self) -> list[KeyReport]:
        """Every API key. A read."""

    def create_key(self, *, name: str, scopes: str) -> NewKey:
        """One more API key; without `scopes` it may do everything. A write: never repeated."""

    def revoke_key(self, key_id: str) -> None:
        """End an API key at once. A write: never repeated."""


def get_merchant_gateway(code: str = "nd8") -> MerchantGateway:
    """The account at the provider `code`. LookupError where that cannot be managed from here."""
    if code not in _MERCHANT_GATEWAYS:
        raise LookupError(f"The account at {code!r} cannot be managed from here.")
    make: Callable[[], MerchantGateway] = import_string(_MERCHANT_GATEWAYS[code])
    return make()
