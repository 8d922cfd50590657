"""The account at ND8, managed from the shop: what it says, where its notifications go, and its API keys."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
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
from oscar_nd8.services.record_action import note_outcome, record_action

__all__ = [
    "create_key",
    "keys",
    "last_change",
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


def last_change() -> int:
    """The id of the newest change of the account, 0 for none: what a page that offers another one has `seen`."""
    newest = StaffAction.objects.filter(verb=StaffAction.Verb.ACCOUNT).order_by("-pk").first()
    return newest.pk if newest else 0


def register_webhook(address: str, *, by: Any = None, seen: int | None = None) -> SecretStr | None:
    """Have ND8 send notifications to `address`; the secret to put first into WEBHOOK_SECRETS, told this once.

    Until it stands there, notifications are refused, and ND8 can be asked to send them again. Where `seen` is given,
    here and below, the change is made once for a page, and not at all if there was another one since.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise DecisionRefused(
            _("%(address)s is not https: what ND8 sends could be read and held back on its way. Nothing was changed.")
            % {"address": address}
        )
    return _change(
        lambda: get_merchant_gateway().register_webhook(address),
        asked=f"webhook: {address}",
        done=lambda _secret: f"webhook: {address}",
        lost=_("ND8's answer was lost: the secret may be another one now. Register the address once more."),
        by=by,
        seen=seen,
    )


def create_key(*, name: str, scopes: str = "", by: Any = None, seen: int | None = None) -> NewKey:
    """One more API key; its characters are told this once. Without `scopes` it may do everything."""
    return _change(
        lambda: get_merchant_gateway().create_key(name=name, scopes=scopes),
        asked=f"API key: {name}",
        done=lambda made: f"API key made: {made.report.name} {made.report.prefix}",
        lost=_("ND8's answer was lost: a key may exist that nobody knows. Look at the list, and revoke it there."),
        by=by,
        seen=seen,
    )


def replace_key(*, by: Any = None, seen: int | None = None) -> tuple[NewKey, KeyReport | None]:
    """A key like the one in the settings, which stays valid beside it: no payment stops while the new one is deployed.

    Returns the new key and the old one, None where ND8's list does not tell which that is.
    """
    ours = [key for key in keys() if key.is_ours]
    old = ours[0] if len(ours) == 1 else None
    return create_key(name=old.name if old else "", scopes=old.scopes if old else "", by=by, seen=seen), old


def revoke_key(key_id: str, *, by: Any = None, seen: int | None = None) -> None:
    """End an API key, but never the one that the shop runs with."""
    known = {key.key_id: key for key in keys()}
    if key_id not in known:
        raise DecisionRefused(_("ND8 has no such key; perhaps it was revoked already."))
    if known[key_id].is_ours:
        raise DecisionRefused(
            _("The shop runs with this key. Put the new one into ND8['API_KEY'] and deploy it first; then revoke this.")
        )
    which = f"{known[key_id].name} {known[key_id].prefix}"
    _change(
        lambda: get_merchant_gateway().revoke_key(key_id),
        asked=f"revoke API key: {which}",
        done=lambda _nothing: f"API key revoked: {which}",
        lost=_("ND8's answer was lost: the key may be revoked or not. Look at the list."),
        by=by,
        seen=seen,
    )


def _change(call: Callable[[], T], *, asked: str, done: Callable[[T], str], lost: str, by: Any, seen: int | None) -> T:
    """What ND8 answers to a change that is written down before ND8 is asked, and again with what came of it."""
    action = _claim(asked, by=by, seen=seen)
    try:
        answer = _ask(call, lost=lost)
    except DecisionRefused as refusal:
        # In ND8's words, not in the language of whoever asked: this is evidence.
        note_outcome(action, f"{asked} (asked for; {refusal.__cause__ or 'not sent'})")
        raise
    note_outcome(action, done(answer))
    logger.info("The account at ND8 was changed: %s", action.note)
    return answer


def _claim(asked: str, *, by: Any, seen: int | None) -> StaffAction:
    late = DecisionRefused(
        _(
            "The account was changed since you opened that page, so nothing was done again. If you clicked twice and "
            "saw no new secret, open the page once more and make another one; then revoke the key that nobody knows."
        )
    )
    if seen is not None and seen != last_change():
        raise late
    try:
        with transaction.atomic():
            return record_action(StaffAction.Verb.ACCOUNT, by=by, note=f"{asked} (asked for)", follows=seen)
    except IntegrityError as error:
        raise late from error


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
