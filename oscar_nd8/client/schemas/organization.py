"""The merchant's own account: its profile, keys and webhook.

ND8 documents hardly any field of these answers, so none is needed to read one; all that ND8 says beyond the
names here is in `model_extra`.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, model_validator

from oscar_nd8.client.schemas._base import Loose, Page, Patch, Received, Sent, Url

__all__ = [
    "ApiKey",
    "ApiKeyPage",
    "ApiKeyRequest",
    "NewApiKey",
    "Organization",
    "OrganizationDashboard",
    "OrganizationPatch",
    "Webhook",
    "WebhookRequest",
]


def _secret(value: Any) -> Any:
    return value if isinstance(value, str | SecretStr) and value else None


class Organization(Received):
    """The answer of getOrganization and patchOrganization.

    `price_mode` is TTC (prices include tax) or HT (ND8 adds it). Limits are in major units, of a currency that
    ND8 does not name.
    """

    name: Loose = None
    website: Loose = None
    contact_email: Annotated[Loose, Field(repr=False)] = None
    telegram: Annotated[Loose, Field(repr=False)] = None
    price_mode: Loose = None
    status: Loose = None
    min_payment: Loose = None
    max_payment: Loose = None


class OrganizationPatch(Patch):
    """What patchOrganization changes; a field that is not given stays. Text is cleared by "", never by None."""

    _kept: ClassVar[frozenset[str]] = frozenset({"name", "website", "contact_email", "telegram", "price_mode"})

    name: Annotated[str, Field(min_length=1)] | None = None
    website: str | None = None
    contact_email: Annotated[str | None, Field(repr=False)] = None
    telegram: Annotated[str | None, Field(repr=False)] = None
    price_mode: Literal["TTC", "HT"] | None = None


class OrganizationDashboard(Received):
    """The answer of getOrganizationDashboard. ND8 names no field of it: everything is in `model_extra`."""


class ApiKey(Received):
    """What may be known of an API key after it was made. Its scopes are as ND8 writes them; none are all."""

    id: Loose = None
    name: Loose = None
    prefix: Loose = None
    allowed_scopes: Any = None
    created_at: Loose = None


class NewApiKey(ApiKey):
    """A key whose characters ND8 says this once: keep `raw_key`, it cannot be asked for again."""

    raw_key: Annotated[SecretStr, Field(min_length=1)]


class ApiKeyPage(Page[ApiKey]):
    """The answer of getOrganizationApiKeys: an array, or one key alone where there is but one."""

    @model_validator(mode="before")
    @classmethod
    def _one_key(cls, value: Any) -> Any:
        return {"results": [value]} if isinstance(value, dict) and value.keys() & {"id", "prefix"} else value


class ApiKeyRequest(Sent):
    """What createOrganizationApiKey takes. Without `allowed_scopes` the key may do everything.

    ND8 documents one string and not what stands between two scopes.
    """

    name: Annotated[str, Field(min_length=1)] | None = None
    allowed_scopes: Annotated[str, Field(min_length=1)] | None = None


class Webhook(Received):
    """Where notifications go. `secret` signs them; ND8 says it only when the endpoint is set."""

    endpoint_url: Loose = None
    secret: Annotated[
        SecretStr | None,
        BeforeValidator(_secret),
        Field(validation_alias=AliasChoices("secret", "webhook_secret", "signing_secret", "raw_secret")),
    ] = None


class WebhookRequest(Sent):
    """What putOrganizationWebhook takes: the absolute address of the webhook."""

    endpoint_url: Url
