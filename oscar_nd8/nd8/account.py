"""What ND8 says about the account that the settings name: asked by harmless reads, answered in our own words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from pydantic import SecretStr

from oscar_nd8.client import ApiKey, ND8Client, RefundQuery
from oscar_nd8.exceptions import CredentialsRejected, NotFound, ProviderError, ProviderUnavailable, ScopeMissing
from oscar_nd8.gateway import Access, AccountReport, Permission, Right

__all__ = ["ask_account", "is_beginning", "other_environment"]

T = TypeVar("T")

# ND8's ids are letters and digits behind their TX, so no payment has this one.
NO_PAYMENT = "TX-examined-by-oscar_nd8"
PRODUCTION, SANDBOX = "/api/", "/sandbox/api/"


def ask_account(
    client: ND8Client,
    *,
    api_key: SecretStr,
    has_session: bool,
    elsewhere: Callable[[], tuple[str, ND8Client] | None],
    clock: Callable[[], datetime],
) -> AccountReport:
    """Ask all that can be asked without changing anything. Raises nothing of ND8's: no answer is an answer too.

    `elsewhere` makes a client for the account's other environment, and its address; it is called for a refused
    key only.
    """
    report = _ask_with_key(client, elsewhere=elsewhere, clock=clock)
    if report.trouble or not has_session:
        return report
    return _ask_with_session(client, report, api_key=api_key)


def other_environment(base_url: str) -> str:
    """The same host's address for the other kind of keys, production or sandbox; "" where it cannot be told."""
    for prefix, other in ((SANDBOX, PRODUCTION), (PRODUCTION, SANDBOX)):
        if base_url.endswith(prefix):
            return base_url.removesuffix(prefix) + other
    return ""


def _ask_with_key(
    client: ND8Client,
    *,
    elsewhere: Callable[[], tuple[str, ND8Client] | None],
    clock: Callable[[], datetime],
) -> AccountReport:
    try:
        may_read_refunds = _permission("refunds:read", lambda: client.list_refunds(RefundQuery(page_size=1)))
        ahead = _ahead(client, clock)
        may_read = _may_read(client)
    except NotFound:
        return AccountReport(trouble="There is no API of ND8's at this address: it answers that it knows no refunds.")
    except CredentialsRejected:
        return AccountReport(key=Access.REFUSED, elsewhere=_where_accepted(elsewhere), ahead=_ahead(client, clock))
    except ProviderUnavailable as error:
        return AccountReport(trouble=str(error))
    untested = "ND8 tells it only to a merchant session, or when it is tried, which would change something"
    return AccountReport(
        key=Access.GRANTED,
        ahead=ahead,
        permissions={
            Right.OPEN: Permission(Access.UNTESTED, "checkout:create", untested),
            Right.READ: may_read,
            Right.READ_REFUNDS: may_read_refunds,
            Right.REFUND: Permission(Access.UNTESTED, "refunds:write", untested),
        },
    )


def _may_read(client: ND8Client) -> Permission:
    try:
        return _permission("payments:read", lambda: client.get_transaction(NO_PAYMENT))
    except NotFound:
        return Permission(Access.GRANTED, "payments:read")


def _permission(name: str, call: Callable[[], object]) -> Permission:
    """Whether a read is let through. Raises what is about more than this one right."""
    try:
        call()
    except ScopeMissing:
        return Permission(Access.REFUSED, name)
    except (CredentialsRejected, NotFound, ProviderUnavailable):
        raise
    except ProviderError as error:
        return Permission(Access.UNTESTED, name, str(error))
    return Permission(Access.GRANTED, name)


def _where_accepted(elsewhere: Callable[[], tuple[str, ND8Client] | None]) -> str:
    other = elsewhere()
    if other is None:
        return ""
    address, client = other
    with client:
        try:
            client.list_refunds(RefundQuery(page_size=1))
        except ScopeMissing:
            return address
        except ProviderError:
            return ""
    return address


def _ahead(client: ND8Client, clock: Callable[[], datetime]) -> timedelta | None:
    return None if client.server_time is None else client.server_time - clock()


def _ask_with_session(client: ND8Client, report: AccountReport, *, api_key: SecretStr) -> AccountReport:
    try:
        organization = client.get_organization()
    except CredentialsRejected as error:
        return replace(report, session=Access.REFUSED, session_trouble=str(error))
    except ProviderError as error:
        return replace(report, session_trouble=str(error))
    webhook = _or_none(client.get_webhook)
    knows_address = webhook is not None and "endpoint_url" in webhook.model_fields_set
    return replace(
        report,
        session=Access.GRANTED,
        price_mode=_price_mode(organization.price_mode),
        lowest=_amount(organization.min_payment),
        highest=_amount(organization.max_payment),
        webhook_address=(webhook.endpoint_url or "") if webhook is not None and knows_address else None,
        permissions=_with_scopes(report.permissions, _scopes_of(api_key, client)),
    )


def _or_none(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except ProviderError:
        return None


def _price_mode(text: str | None) -> str | None:
    word = (text or "").strip().upper()
    return word if word in {"TTC", "HT"} else None


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = Decimal(text or "")
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _scopes_of(api_key: SecretStr, client: ND8Client) -> frozenset[str] | None:
    """The scopes of the key that begins like ours; None where ND8's list does not tell it without doubt."""
    page = _or_none(client.list_api_keys)
    found = {_scopes(key) for key in page.results if is_beginning(key.prefix, api_key)} if page is not None else set()
    return found.pop() if len(found) == 1 else None


def is_beginning(prefix: str | None, api_key: SecretStr) -> bool:
    """Whether `prefix`, as a list of keys shows it, is how `api_key` begins."""
    shown = (prefix or "").rstrip(".…*•")
    return bool(shown) and api_key.get_secret_value().startswith(shown)


def _scopes(key: ApiKey) -> frozenset[str] | None:
    """ND8 documents a string and not how it parts its words; none are all."""
    given: Any = key.allowed_scopes
    if given is None or isinstance(given, str):
        return frozenset((given or "").replace(",", " ").split())
    if isinstance(given, Iterable) and not isinstance(given, Mapping):
        return frozenset(str(each) for each in given)
    return None


def _with_scopes(permissions: Mapping[Right, Permission], scopes: frozenset[str] | None) -> Mapping[Right, Permission]:
    """What could not be tried, taken from the list of keys."""
    if scopes is None:
        return permissions
    told = {
        Right.OPEN: not scopes or "checkout:create" in scopes,
        Right.REFUND: not scopes or not scopes.isdisjoint({"refunds:write", "payments:write"}),
    }
    return {
        right: Permission(Access.GRANTED if told[right] else Access.REFUSED, permission.name)
        if right in told
        else permission
        for right, permission in permissions.items()
    }
