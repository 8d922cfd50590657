"""Payment links for their merchant: what ND8 says of them, kept here with its date, and every change told to ND8."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from oscar_nd8.exceptions import (
    CredentialsRejected,
    DecisionRefused,
    NoLongerAvailable,
    NotFound,
    NotOffered,
    OutcomeUnknown,
    ProviderError,
    RequestRejected,
    ScopeMissing,
)
from oscar_nd8.link_gateway import LinkGateway, LinkOffer, LinkReport, get_link_gateway
from oscar_nd8.models import PaymentLink, StaffAction
from oscar_nd8.services.record_action import record_action

__all__ = [
    "CHANGEABLE",
    "change_link",
    "create_link",
    "delete_link",
    "look_at_link",
    "preview_link",
    "refresh_links",
]

logger = logging.getLogger("oscar_nd8")

CHANGEABLE = frozenset({"name", "is_active", "expires_at", "max_uses"})
# How often ND8 is asked about a link without an occasion: a page that is looked at asks sooner.
SOON, LATER = timedelta(hours=1), timedelta(days=1)

Clock = Callable[[], datetime]


def refresh_links(*, gateway_code: str = "nd8", clock: Clock = timezone.now) -> list[PaymentLink]:
    """Every link as ND8 says now, those made in its own dashboard as well; one that ND8 does not have any more ends.

    Raises ProviderError when ND8 could not be asked; what is kept here stays as it was, with its date.
    """
    gateway, asked_at = get_link_gateway(gateway_code), clock()
    links = [_keep(gateway.code, report, asked_at=asked_at) for report in gateway.list_links()]
    listed = {link.pk for link in links}
    # A list can be cut short or out of date, so a link ends only when ND8 says so of itself.
    for link in PaymentLink.objects.filter(gateway=gateway.code, deleted_at=None, asked_at__lt=asked_at):
        if link.pk not in listed:
            look_at_link(link, clock=clock)
    return links


def look_at_link(link: PaymentLink, *, clock: Clock = timezone.now) -> PaymentLink:
    """`link` and its statistics as ND8 says now. Raises ProviderError when ND8 could not be asked."""
    asked_at = clock()
    try:
        report = get_link_gateway(link.gateway).look_up_link(link.link_id)
    except NotFound:
        _end(link, asked_at=asked_at)
    else:
        _keep(link.gateway, report, asked_at=asked_at, statistics=dict(report.statistics))
    link.refresh_from_db()
    return link


def preview_link(link: PaymentLink, *, clock: Clock = timezone.now) -> PaymentLink:
    """`link` as ND8 tells a customer now, which needs no merchant token. Raises ProviderError as `look_at_link`."""
    asked_at = clock()
    current = PaymentLink.objects.filter(pk=link.pk, asked_at__lte=asked_at)
    try:
        offer = get_link_gateway(link.gateway).preview_link(link.link_id)
    except (NoLongerAvailable, NotFound):
        current.update(gone_at=asked_at, asked_at=asked_at, due_at=asked_at)
    else:
        facts = _facts_of_offer(offer)
        # A customer is told less: what is missing there is not unknown.
        current.update(**{name: value for name, value in facts.items() if value}, gone_at=None, asked_at=asked_at)
    link.refresh_from_db()
    return link


def create_link(
    *,
    name: str,
    products: Sequence[tuple[str, int]],
    currency: str,
    expires_at: datetime | None = None,
    max_uses: int | None = None,
    by: Any = None,
    gateway_code: str = "nd8",
    clock: Clock = timezone.now,
) -> PaymentLink:
    """A new link for `products` of the catalogue at ND8, by id and quantity.

    Raises DecisionRefused, a sentence for staff. Should ND8's answer be lost, the link is looked for, never made twice.
    """
    gateway, asked_at = get_link_gateway(gateway_code), clock()
    try:
        report = gateway.create_link(
            name=name, products=products, currency=currency, expires_at=expires_at, max_uses=max_uses
        )
    except OutcomeUnknown as error:
        found = _made_after_all(gateway, name)
        if found is None:
            raise DecisionRefused(
                _(
                    "ND8's answer was lost, so the link may exist or not. Look at the list of links in a few minutes, "
                    "and create it again only if it is not there."
                )
            ) from error
        report = found
    except (NotOffered, ProviderError) as error:
        raise DecisionRefused(_why(error)) from error
    return _done(gateway.code, report, asked_at=asked_at, by=by, note="Made")


def change_link(
    link: PaymentLink, changes: Mapping[str, Any], *, by: Any = None, clock: Clock = timezone.now
) -> PaymentLink:
    """`link` with `changes` of CHANGEABLE at ND8; None takes `expires_at` or `max_uses` away.

    Raises DecisionRefused, a sentence for staff; should the answer be lost, ND8 is asked how the link is now.
    """
    if unknown := changes.keys() - CHANGEABLE:
        raise TypeError(f"A payment link's {', '.join(sorted(unknown))} cannot be changed.")
    asked_at = clock()
    try:
        report = get_link_gateway(link.gateway).change_link(link.link_id, changes)
    except NotFound as error:
        _end(link, asked_at=asked_at)
        raise DecisionRefused(_("This link was deleted at ND8, so it cannot be changed.")) from error
    except OutcomeUnknown as error:
        raise DecisionRefused(_find_out(link, clock=clock)) from error
    except (NotOffered, ProviderError) as error:
        raise DecisionRefused(_why(error)) from error
    return _done(link.gateway, report, asked_at=asked_at, by=by, note=_told(changes))


def delete_link(link: PaymentLink, *, by: Any = None, clock: Clock = timezone.now) -> PaymentLink:
    """End `link` at ND8; its payments stay, and so does our row. Raises DecisionRefused as `change_link`."""
    asked_at = clock()
    try:
        get_link_gateway(link.gateway).delete_link(link.link_id)
    except NotFound:
        pass  # somebody else was first
    except OutcomeUnknown as error:
        raise DecisionRefused(_find_out(link, clock=clock)) from error
    except ProviderError as error:
        raise DecisionRefused(_why(error)) from error
    with transaction.atomic():
        _end(link, asked_at=asked_at)
        record_action(StaffAction.Verb.LINK, by=by, link=link, note="Deleted")
    link.refresh_from_db()
    return link


def _keep(code: str, report: LinkReport, *, asked_at: datetime, **more: Any) -> PaymentLink:
    """The row of what ND8 said; an answer older than what is known is dropped."""
    facts = {
        **_facts_of_offer(report.offer),
        "name": report.name or str(report.link_id),
        "is_active": report.is_active,
        "max_uses": report.max_uses,
        "uses": report.uses,
        "made_at": report.made_at,
        "asked_at": asked_at,
        "gone_at": None,
        "deleted_at": None,
        **more,
    }
    link, created = PaymentLink.objects.get_or_create(gateway=code, link_id=report.link_id, defaults=facts)
    if created:
        return link
    # Somebody paid since: whoever sweeps asks who.
    due_at = {"due_at": asked_at} if link.uses != report.uses or link.due_at is None else {}
    PaymentLink.objects.filter(pk=link.pk, asked_at__lte=asked_at).update(**facts, **due_at)
    link.refresh_from_db()
    return link


def _facts_of_offer(offer: LinkOffer) -> dict[str, Any]:
    return {
        "currency": offer.currency,
        "amount": offer.amount,
        "tax_included": offer.tax_included,
        "lines": [asdict(line) for line in offer.lines],
        "expires_at": offer.expires_at,
    }


def _end(link: PaymentLink, *, asked_at: datetime) -> None:
    PaymentLink.objects.filter(pk=link.pk, deleted_at=None).update(
        deleted_at=asked_at, asked_at=asked_at, is_active=False, due_at=asked_at
    )
    link.refresh_from_db()


def _done(code: str, report: LinkReport, *, asked_at: datetime, by: Any, note: str) -> PaymentLink:
    with transaction.atomic():
        link = _keep(code, report, asked_at=asked_at)
        record_action(StaffAction.Verb.LINK, by=by, link=link, note=note)
    return link


def _made_after_all(gateway: LinkGateway, name: str) -> LinkReport | None:
    """The one link of this name that was not known yet; None where nobody can tell."""
    try:
        reports = gateway.list_links()
    except ProviderError:
        return None
    known = set(PaymentLink.objects.filter(gateway=gateway.code).values_list("link_id", flat=True))
    new = [report for report in reports if report.name == name.strip() and report.link_id not in known]
    return new[0] if len(new) == 1 else None


def _find_out(link: PaymentLink, *, clock: Clock) -> str:
    """After a lost answer: how the link is now, if ND8 says so."""
    try:
        look_at_link(link, clock=clock)
    except ProviderError:
        return _("ND8's answer was lost, so the change may have been made or not. Look at the link again in a minute.")
    return _("ND8's answer was lost. The link is shown as ND8 has it now: if your change is missing, make it again.")


def _told(changes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {'-' if value is None else value}" for name, value in sorted(changes.items()))


def _why(error: NotOffered | ProviderError) -> str:
    match error:
        case CredentialsRejected() | ScopeMissing():
            return _(
                "ND8 does not accept the shop's merchant token, so nothing was changed. "
                "Ask whoever runs the shop to put a new one into ND8['MERCHANT_TOKEN']."
            )
        case RequestRejected():
            return _("ND8 refused, and nothing was changed. It says: %(said)s") % {"said": error.detail or str(error)}
        case NotOffered():
            return _("ND8 could not accept this, so nothing was sent: %(problem)s") % {"problem": error}
        case _:
            return _("ND8 could not be reached, and nothing was changed. Please try again in a few minutes.")
