"""The merchant's own account at ND8 behind `oscar_nd8.merchant`."""

from typing import Any

from pydantic import SecretStr, ValidationError

from oscar_nd8 import conf
from oscar_nd8.client import ApiKey, ApiKeyRequest, ND8Client, Organization, WebhookRequest
from oscar_nd8.exceptions import NotOffered
from oscar_nd8.merchant import KeyReport, MerchantGateway, NewKey, Profile
from oscar_nd8.nd8.account import is_beginning
from oscar_nd8.nd8.connection import nd8_client
from oscar_nd8.nd8.words import one_line

__all__ = ["ND8MerchantGateway", "nd8_merchant_gateway"]


class ND8MerchantGateway:
    """ND8's organization."""

    code = "nd8"

    def __init__(self, client: ND8Client, *, settings: conf.ND8Settings) -> None:
        self._client = client
        self._settings = settings

    def profile(self) -> Profile:
        """getOrganization. Fees are whatever ND8 names so, for it documents none of their names."""
        return _profile(self._client.get_organization())

    def webhook_address(self) -> str:
        """getOrganizationWebhook."""
        return _plain(self._client.get_webhook().endpoint_url)

    def register_webhook(self, address: str) -> SecretStr | None:
        """putOrganizationWebhook. None where ND8 did not say the secret by a name that is known here."""
        try:
            request = WebhookRequest(endpoint_url=address)
        except ValidationError as error:
            raise NotOffered(f"{address} is no address that ND8 could send to.") from error
        return self._client.set_webhook(request).secret

    def keys(self) -> list[KeyReport]:
        """getOrganizationApiKeys."""
        return [self._key(each) for each in self._client.list_api_keys().results]

    def create_key(self, *, name: str, scopes: str) -> NewKey:
        """createOrganizationApiKey."""
        made = self._client.create_api_key(ApiKeyRequest(name=name or None, allowed_scopes=scopes or None))
        return NewKey(self._key(made), made.raw_key)

    def revoke_key(self, key_id: str) -> None:
        """revokeOrganizationApiKey."""
        self._client.revoke_api_key(key_id)

    def _key(self, key: ApiKey) -> KeyReport:
        scopes = key.allowed_scopes
        listed = scopes if isinstance(scopes, str) else ",".join(map(str, scopes)) if isinstance(scopes, list) else ""
        return KeyReport(
            key_id=_plain(key.id),
            name=_plain(key.name),
            prefix=_plain(key.prefix),
            scopes=_plain(listed),
            made_at=_plain(key.created_at),
            is_ours=is_beginning(key.prefix, self._settings.API_KEY),
        )


def nd8_merchant_gateway() -> MerchantGateway:
    """The account that the settings name."""
    return ND8MerchantGateway(nd8_client(), settings=conf.get_settings())


def _profile(organization: Organization) -> Profile:
    extra = {name: _plain(value) for name, value in (organization.model_extra or {}).items() if _is_plain(value)}
    fees = {name: value for name, value in extra.items() if "fee" in name.lower()}
    known = {name: _plain(getattr(organization, name)) for name in ("website", "contact_email", "telegram")}
    other = {name: value for name, value in {**known, **extra}.items() if value and name not in fees}
    return Profile(
        name=_plain(organization.name),
        status=_plain(organization.status),
        price_mode=_plain(organization.price_mode),
        lowest=_plain(organization.min_payment),
        highest=_plain(organization.max_payment),
        fees=fees,
        other=other,
    )


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _plain(value: Any) -> str:
    return "" if value is None else one_line(str(value))
