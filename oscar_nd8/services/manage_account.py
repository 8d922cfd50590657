"""The account at ND8, managed from the shop: what it says, where its notifications go, and its API keys."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from pydantic import SecretStr

from oscar_nd8.conf import LOOPBACK, get_settings
from oscar_nd8.exceptions import (
    CredentialsRejected,
    DecisionRefused,
    NotFound,
    NotOffered,
    OutcomeUnknown,
    ProviderError,
    RequestRejected,
    ScopeMissing,
)
from oscar_nd8.merchant import KeyReport, NewKey, Profile, get_merchant_gateway
from oscar_nd8.models import StaffAction, WebhookEvent
from oscar_nd8.services.record_action import record_action

__all__ = [
    "create_key",
    "keys",
    "last_test",
    "profile",
    "register_webhook",
    "replace_key",
    "revoke_key",
    "webhook_address",
]

logger = logging.getLogger("oscar_nd8")

T = TypeVar("T")

TEST_EVENT = "webhook.test"


def profile() -> Profile:
    """The account as ND8 describes it. Raises DecisionRefused, a sentence for staff, as everything here."""
    return _ask(get_merchant_gateway().profile)


def webhook_address() -> str:
    """Where ND8 sends notifications, "" for nowhere."""
    return _ask(get_merchant_gateway().webhook_address)


def keys() -> list[KeyReport]:
    """Every API key, without its characters."""
    return _ask(get_merchant_gateway().keys)


def last_test() -> WebhookEvent | None:
    """The newest test notification that arrived, which somebody sent from ND8's dashboard."""
    return WebhookEvent.objects.filter(name=TEST_EVENT).first()


def register_webhook(address: str, *, by: Any = None) -> SecretStr | None:
    """Have ND8 send notifications to `address`; the secret to put first into WEBHOOK_SECRETS, told this once.

    Until it stands there, notifications are refused, and ND8 can be asked to send them again.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise DecisionRefused(
            _("%(address)s is not https: what ND8 sends could be read and held back on its way. Nothing was changed.")
            % {"address": address}
        )
    secret = _ask(
        lambda: get_merchant_gateway().register_webhook(address),
        lost=_("ND8's answer was lost: the secret may be another one now. Register the address once more."),
    )
    _record(by, f"webhook: {address}")
    return secret


def create_key(*, name: str, scopes: str = "", by: Any = None) -> NewKey:
    """One more API key; its characters are told this once. Without `scopes` it may do everything."""
    made = _ask(
        lambda: get_merchant_gateway().create_key(name=name, scopes=scopes),
        lost=_("ND8's answer was lost: a key may exist that nobody knows. Look at the list, and revoke it there."),
    )
    _record(by, f"API key made: {made.report.name} {made.report.prefix}")
    return made


def replace_key(*, by: Any = None) -> tuple[NewKey, KeyReport | None]:
    """A key like the one in the settings, which stays valid beside it: no payment stops while the new one is deployed.

    Returns the new key and the old one, None where ND8's list does not tell which that is.
    """
    ours = [key for key in keys() if key.is_ours]
    old = ours[0] if len(ours) == 1 else None
    return create_key(name=old.name if old else "", scopes=old.scopes if old else "", by=by), old


def revoke_key(key_id: str, *, by: Any = None) -> None:
    """End an API key, but never the one that the shop runs with."""
    known = {key.key_id: key for key in keys()}
    if key_id not in known:
        raise DecisionRefused(_("ND8 has no such key; perhaps it was revoked already."))
    if known[key_id].is_ours:
        raise DecisionRefused(
            _("The shop runs with this key. Put the new one into ND8['API_KEY'] and deploy it first; then revoke this.")
        )
    _ask(
        lambda: get_merchant_gateway().revoke_key(key_id),
        lost=_("ND8's answer was lost: the key may be revoked or not. Look at the list."),
    )
    _record(by, f"API key revoked: {known[key_id].name} {known[key_id].prefix}")


def _ask(call: Callable[[], T], *, lost: str = "") -> T:
    if not get_settings().MERCHANT_TOKEN.get_secret_value():
        raise DecisionRefused(_("There is no ND8['MERCHANT_TOKEN'] in the settings, and an API key may not do this."))
    try:
        return call()
    except (CredentialsRejected, ScopeMissing) as error:
        raise DecisionRefused(_("ND8 does not accept ND8['MERCHANT_TOKEN']. Nothing was changed.")) from error
    except NotFound as error:
        raise DecisionRefused(_("ND8 knows no such thing. Nothing was changed.")) from error
    except RequestRejected as error:
        said = error.detail or str(error)
        raise DecisionRefused(_("ND8 refused, and nothing was changed. It says: %(said)s") % {"said": said}) from error
    except NotOffered as error:
        raise DecisionRefused(str(error)) from error
    except OutcomeUnknown as error:
        raise DecisionRefused(lost or _("ND8's answer was lost.")) from error
    except ProviderError as error:
        raise DecisionRefused(
            _("ND8 could not be reached. Nothing was changed. Please try again in a few minutes.")
        ) from error


def _record(by: Any, note: str) -> None:
    logger.info("The account at ND8 was changed: %s", note)
    record_action(StaffAction.Verb.ACCOUNT, by=by, note=note)
